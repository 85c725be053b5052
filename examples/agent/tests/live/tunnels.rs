//! Every kind of tunnel and virtual device that this kernel can make, between two namespaces: requests inside of it are
//! seen once, whole, and with the tunnel named.

use df_testing::{Measurement, Namespaces, PeerError, Place, Server, ServerKind, measure, skip};
use serde_json::{Value, json};

use crate::agent::Agent;

#[test]
fn requests_in_tunnels_name_their_tunnel() {
    let id = |kind: &str, id: u32| json!([{"type": kind, "id": id, "src": CLIENT, "dst": SERVER}]);
    let plain = |kind: &str| json!([{"type": kind, "src": CLIENT, "dst": SERVER}]);
    let cases = [
        ("vxlan", "vxlan id 42 dstport 4789", id("vxlan", 42)),
        ("vxlan on Linux' port", "vxlan id 43 dstport 8472", id("vxlan", 43)),
        ("geneve", "geneve id 45", id("geneve", 45)),
        ("gre", "gre", plain("gre")),
        ("gre with a key", "gre key 46", id("gre", 46)),
        ("gretap", "gretap", plain("gre")),
        ("erspan", "erspan seq key 47 erspan_ver 1", id("erspan", 47)),
        ("ipip", "ipip", plain("ipip")),
        ("sit", "sit mode any", plain("ipip")),
    ];
    for (name, device, tunnel) in cases {
        let watched = in_namespaces(|namespaces| {
            make(&namespaces.client(), &format!("{device} {}", ends(device, [CLIENT, SERVER])), INSIDE[0])?;
            make(&namespaces.server(), &format!("{device} {}", ends(device, [SERVER, CLIENT])), INSIDE[1])?;
            Ok(Watched { place: namespaces.client(), interface: Namespaces::INTERFACE, address: INSIDE[1] })
        });
        let Some((measured, records)) = outcome(name, watched) else { continue };
        for record in seen_once(name, &measured, &records) {
            assert_eq!(record["tunnel"], tunnel, "{name}: {record:#}");
        }
    }
}

#[test]
fn requests_through_a_bridge_are_seen_there() {
    let watched = in_namespaces(|namespaces| {
        let server = namespaces.server();
        run(&server, "link add br0 type bridge")?;
        run(&server, "link set eth0 master br0")?;
        run(&server, &format!("addr del {SERVER}/16 dev eth0"))?;
        run(&server, &format!("addr add {SERVER}/16 dev br0"))?;
        run(&server, "link set br0 up")?;
        Ok(Watched { place: server, interface: "br0", address: SERVER })
    });
    let Some((measured, records)) = outcome("bridge", watched) else { return };
    let seen = seen_once("bridge", &measured, &records);
    assert!(seen.iter().all(|record| record["interface"] == "br0" && record["tunnel"].is_null()));
}

#[test]
fn requests_through_a_macvlan_are_seen_there() {
    let watched = in_namespaces(|namespaces| {
        let client = namespaces.client();
        run(&client, "link add link eth0 name inside0 type macvlan mode bridge")?;
        run(&client, &format!("addr add {}/24 dev inside0", INSIDE[0]))?;
        run(&client, "link set inside0 up")?;
        run(&namespaces.server(), &format!("addr add {}/24 dev eth0", INSIDE[1]))?;
        Ok(Watched { place: client, interface: "inside0", address: INSIDE[1] })
    });
    let Some((measured, records)) = outcome("macvlan", watched) else { return };
    let seen = seen_once("macvlan", &measured, &records);
    assert!(seen.iter().all(|record| record["interface"] == "inside0"));
}

#[test]
fn requests_in_a_vlan_name_it() {
    let watched = in_namespaces(|namespaces| {
        for (place, address) in [(namespaces.client(), INSIDE[0]), (namespaces.server(), INSIDE[1])] {
            run(&place, "link add link eth0 name inside0 type vlan id 7")?;
            run(&place, &format!("addr add {address}/24 dev inside0"))?;
            run(&place, "link set inside0 up")?;
        }
        Ok(Watched { place: namespaces.client(), interface: Namespaces::INTERFACE, address: INSIDE[1] })
    });
    let Some((measured, records)) = outcome("vlan", watched) else { return };
    assert!(seen_once("vlan", &measured, &records).iter().all(|record| record["vlan"] == 7));
}

/// Where the agent runs and on which interface, and the address that is asked.
struct Watched {
    place: Place,
    interface: &'static str,
    address: &'static str,
}

type Outcome = Result<(Vec<Measurement>, Vec<Value>), PeerError>;

/// Makes requests between two namespaces that `prepare` has set up, while the agent watches.
fn in_namespaces(prepare: impl FnOnce(&Namespaces) -> Result<Watched, PeerError>) -> Outcome {
    let _turn = crate::turn()?;
    let namespaces = Namespaces::joined()?;
    let Watched { place, interface, address } = prepare(&namespaces)?;
    let server = Server::start_at(ServerKind::Nginx, &namespaces.server(), ServerKind::Nginx.usual_port())?;
    let agent = Agent::watch(&place, &[interface], "");
    let measured = measure(&server, &namespaces.client(), address, REQUESTS)?;
    Ok((measured, agent.finish_with_all()))
}

/// What was seen, unless the kernel has no such device: that is said aloud.
fn outcome(name: &str, outcome: Outcome) -> Option<(Vec<Measurement>, Vec<Value>)> {
    match outcome {
        Ok(seen) => Some(seen),
        Err(PeerError::Failed { command, output }) if command.contains("\"type\"") => {
            println!(
                "skipped: {name}: this kernel does not make it ({}); its bytes are tested",
                output.trim()
            );
            None
        }
        Err(error) => {
            skip(&format!("{name} live"), &error);
            None
        }
    }
}

/// The exchange of every request, seen exactly once, and its flow's record.
fn seen_once<'a>(name: &str, measured: &[Measurement], records: &'a [Value]) -> Vec<&'a Value> {
    assert_eq!(measured.len(), REQUESTS, "{name}");
    let mut seen: Vec<&Value> = records
        .iter()
        .filter(|record| record["kind"] == "exchange" && record["protocol"] == "http1")
        .collect();
    assert_eq!(seen.len(), REQUESTS, "{name}: every request once");
    for request in measured {
        let is_it = |record: &&&Value| record["request_resource"] == request.resource.as_str();
        assert_eq!(seen.iter().filter(is_it).count(), 1, "{name}: {}", request.resource);
    }
    let flows: Vec<&Value> = records
        .iter()
        .filter(|record| {
            record["kind"] == "flow" && record["server_port"] == 80 && record["is_final"] == true
        })
        .collect();
    assert!(!flows.is_empty(), "{name}: the flows are recorded");
    seen.extend(flows);
    seen
}

/// The device in one namespace.
fn make(place: &Place, device: &str, address: &str) -> Result<(), PeerError> {
    run(place, &format!("link add inside0 type {device}"))?;
    run(place, &format!("addr add {address}/24 dev inside0"))?;
    run(place, "link set inside0 up")
}

/// How `ip` is told between which addresses the device runs.
fn ends(device: &str, [local, remote]: [&str; 2]) -> String {
    if device.starts_with("geneve") {
        format!("remote {remote}")
    } else {
        format!("local {local} remote {remote}")
    }
}

fn run(place: &Place, arguments: &str) -> Result<(), PeerError> {
    let mut command = place.command("ip");
    command.args(arguments.split_whitespace());
    let text = format!("{command:?}");
    let failed = |output: String| PeerError::Failed { command: text.clone(), output };
    let output = command.output().map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed(String::from_utf8_lossy(&output.stderr).into_owned()))
}

const CLIENT: &str = Namespaces::CLIENT;
const SERVER: &str = Namespaces::SERVER;
/// The addresses of client and server inside.
const INSIDE: [&str; 2] = ["10.78.0.1", "10.78.0.2"];
const REQUESTS: usize = 20;
