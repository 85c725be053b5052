//! Every trouble that two real kernels can have with a TCP connection is named in its flow record.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use df_testing::{Namespaces, PeerError, Place, skip};
use serde_json::Value;

use crate::agent::Agent;

#[test]
fn each_trouble_of_a_real_connection_is_named() {
    if let Err(error) = watch_troubles() {
        skip("troubles", &error);
    }
}

fn watch_troubles() -> Result<(), PeerError> {
    let _turn = crate::turn()?;
    let namespaces = Namespaces::joined()?;
    namespaces.add_neighbours([NOWHERE, SPARE])?;
    let (server, ready) = Peer::start(&namespaces.server(), &["serve", Namespaces::SERVER]);
    assert_eq!(ready.trim(), "ready");
    let agent = Agent::watch(&namespaces.client(), &[Namespaces::INTERFACE], "tcp portrange 7101-7108");
    let arguments = ["suffer", Namespaces::SERVER, NOWHERE, SPARE, Namespaces::INTERFACE];
    let (client, ports) = Peer::start(&namespaces.client(), &arguments);
    let records = agent.finish_with_all();
    drop((client, server));
    let ports: Value = serde_json::from_str(&ports).unwrap();
    for Trouble { name, close_type, shows } in TROUBLES {
        let port = &ports[name];
        let is_it = |record: &&Value| record["kind"] == "flow" && record["client_port"] == *port;
        let Some(flow) = records.iter().rfind(is_it) else {
            panic!("{name}: no flow from port {port}: {records:#?}")
        };
        assert_eq!(flow["close_type"], *close_type, "{name}: {flow:#}");
        for (field, least) in *shows {
            let figure = flow[field].as_u64().unwrap_or_default();
            assert!(figure >= *least, "{name}: {field} is {figure}, at least {least} expected: {flow:#}");
        }
    }
    Ok(())
}

/// What happens to a connection, what it must be called, and the figures that must show it.
struct Trouble {
    name: &'static str,
    close_type: &'static str,
    shows: &'static [(&'static str, u64)],
}

const fn trouble(
    name: &'static str,
    close_type: &'static str,
    shows: &'static [(&'static str, u64)],
) -> Trouble {
    Trouble { name, close_type, shows }
}

/// Connections that were still open when the agent stopped are `forced_report`.
const TROUBLES: &[Trouble] = &[
    trouble("lost_syn", "client_syn_repeat", &[("syn_count", 2), ("retrans_syn", 1)]),
    trouble("refused", "server_reset", &[("syn_count", 1), ("resets_rx", 1)]),
    trouble("stalled", "forced_report", &[("zero_window_rx", 1), ("zero_window_probes_tx", 1)]),
    trouble("client_closes", "server_half_close", &[("fin_count", 1), ("srt_count", 1)]),
    trouble("server_closes", "client_half_close", &[("fin_count", 1), ("art_count", 1)]),
    trouble("server_aborts", "tcp_server_rst", &[("resets_rx", 1)]),
    trouble("client_aborts", "tcp_client_rst", &[("resets_tx", 1), ("art_count", 1), ("rtt_ns", 1)]),
    trouble("health_check", "tcp_fin_client_rst", &[("resets_tx", 1)]),
    trouble("keep_alive", "forced_report", &[("keep_alives_tx", 1), ("l4_bytes_tx", 8)]),
    trouble("queue_full", "server_queue_lack", &[("synack_count", 2), ("retrans_synack", 1)]),
    trouble("port_reused", "client_source_port_reuse", &[("syn_count", 1), ("packets_rx", 1)]),
    trouble("scan", "client_establish_reset", &[("resets_tx", 1)]),
    trouble("half_open", "server_syn_ack_repeat", &[("retrans_synack", 1)]),
    trouble(
        "disorder",
        "forced_report",
        &[("retransmissions_tx", 1), ("out_of_order_tx", 1), ("duplicate_acks_rx", 1)],
    ),
];

/// One end of the troubles, running until it is dropped.
struct Peer(Child);

impl Peer {
    /// Starts an end and waits for the line that it prints.
    fn start(place: &Place, arguments: &[&str]) -> (Self, String) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testing/peers/tcp_troubles.py");
        let mut command = place.command("/usr/bin/python3");
        command.arg(script).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        (Self(child), line)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An address of the server's side where nobody is.
const NOWHERE: &str = "10.77.2.99";
/// An address of the client's side that its kernel does not have.
const SPARE: &str = "10.77.1.50";
