//! The same requests over TCP and over a Unix socket: both processes tell of each, and all tell the same of it.

use std::collections::BTreeMap;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command};
use std::time::Duration;

use df_testing::{PeerError, Place, Server, ServerKind, measure, measure_over_unix_socket, skip};
use rustix::process::{Pid, Signal};
use serde_json::Value;
use tempfile::TempDir;

use crate::agent::Agent;
use crate::processes::{CLIENT, SEEN, SEQUENCES, SERVER, WIRE, side};
use crate::turn;

#[test]
fn nginx_and_curl_tell_the_same_over_a_unix_socket() {
    watch(ServerKind::Nginx, "http1", ("curl", "nginx"));
}

#[test]
fn redis_and_its_client_tell_the_same_over_a_unix_socket() {
    watch(ServerKind::Redis, "redis", ("python3", "redis-server"));
}

#[test]
fn mariadb_and_its_client_tell_the_same_over_a_unix_socket() {
    watch(ServerKind::MariaDb, "mysql", ("python3", "mariadbd"));
}

#[test]
fn postgresql_and_psql_tell_the_same_over_a_unix_socket() {
    watch(ServerKind::PostgreSql, "postgresql", ("psql", "postgres"));
}

#[test]
fn what_nginx_asks_php_is_linked_to_what_it_was_asked() {
    if let Err(error) = watch_php() {
        skip("nginx and PHP over a Unix socket", &error);
    }
}

fn watch_php() -> Result<(), PeerError> {
    let _turn = turn()?;
    let php = Server::start(ServerKind::PhpFpm)?;
    let front = Front::start(&php)?;
    let agent = Agent::start_with_unix_sockets(&[front.port])?;
    for number in 0..PHP_REQUESTS {
        let url = format!("http://127.0.0.1:{}/{number}", front.port);
        let output = Command::new("curl").args(["-sS", &url]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "hello", "{output:?}");
    }
    let records = agent.finish_with_all();
    let http = Seen::of(&records, "http1");
    let fastcgi = Seen::of(&records, "fastcgi");
    let path = php.socket_path();
    for number in 0..PHP_REQUESTS {
        let resource = format!("/{number}");
        let asked = http.the_only(&resource, SERVER, "tcp");
        let asking = fastcgi.the_only(&resource, CLIENT, "unix");
        let answering = fastcgi.the_only(&resource, SERVER, "unix");
        assert_eq!(asking["server_path"], path.to_str().unwrap(), "{asking:#}");
        assert_eq!(asking["client_process"]["comm"], "nginx", "{asking:#}");
        assert_eq!(answering["server_process"]["comm"], "php-fpm8.2", "{answering:#}");
        let cause = &asked["server_process"]["causal_id_request"];
        assert!(
            cause.is_u64() && *cause == asking["client_process"]["causal_id_request"],
            "{asked:#} {asking:#}"
        );
        check_link(&records, asking, answering);
    }
    Ok(())
}

/// nginx that passes everything on to PHP, over its Unix socket.
struct Front {
    port: u16,
    child: Child,
    _folder: TempDir,
}

impl Front {
    fn start(php: &Server) -> Result<Self, PeerError> {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let text = FRONT
            .replace("@PORT@", &port.to_string())
            .replace("@SOCKET@", php.socket_path().to_str().unwrap())
            .replace("@SCRIPT@", php.directory().join("index.php").to_str().unwrap());
        let configuration = folder.path().join("nginx.conf");
        std::fs::write(&configuration, text).unwrap();
        let mut command = Command::new("nginx");
        command.arg("-p").arg(folder.path()).args(["-e", "error.log", "-c"]).arg(configuration);
        let missing = |_| PeerError::Missing { program: "nginx".to_owned(), package: "nginx" };
        let mut child = command.spawn().map_err(missing)?;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(child.try_wait().unwrap().is_none(), "nginx ended");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Self { port, child, _folder: folder })
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        if let Some(id) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = rustix::process::kill_process(id, Signal::QUIT);
        }
        let _ = self.child.wait();
    }
}

#[test]
fn nothing_is_told_of_unix_sockets_unless_it_is_asked_for() {
    let observe = || -> Result<(), PeerError> {
        let _turn = turn()?;
        let server = Server::start(ServerKind::Redis)?;
        let agent = Agent::start_with_processes(&[server.port()])?;
        measure_over_unix_socket(&server, REQUESTS)?;
        let records = agent.finish_with_all();
        assert!(records.iter().all(|record| record["transport"] != "unix"), "{records:#?}");
        Ok(())
    };
    if let Err(error) = observe() {
        skip("no Unix sockets", &error);
    }
}

#[test]
fn what_d_bus_says_is_claimed_by_nobody() {
    let observe = || -> Result<(), PeerError> {
        let _turn = turn()?;
        let agent = Agent::start_with_unix_sockets(&[])?;
        let script = "dbus-run-session -- sh -c 'for i in 1 2 3 4 5 6 7 8; do \
            dbus-send --session --print-reply --dest=org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus.ListNames; \
            done'";
        let output = Command::new("sh").args(["-c", script]).output().unwrap();
        if !output.status.success() {
            return Err(PeerError::Missing { program: "dbus-run-session".to_owned(), package: "dbus" });
        }
        assert_eq!(String::from_utf8_lossy(&output.stdout).matches("method return").count(), 8);
        let records = agent.finish_with_all();
        let is_of_bus = |record: &&Value| {
            ["client_process", "server_process"]
                .iter()
                .any(|side| record[side]["comm"].as_str().is_some_and(|command| command.starts_with("dbus")))
        };
        let claimed: Vec<&Value> = records.iter().filter(is_of_bus).collect();
        assert!(claimed.is_empty(), "{claimed:#?}");
        Ok(())
    };
    if let Err(error) = observe() {
        skip("D-Bus", &error);
    }
}

/// A server asked the same both ways. The names are those of the threads at both ends.
fn watch(kind: ServerKind, protocol: &str, threads: (&str, &str)) {
    let observe = || -> Result<(), PeerError> {
        let _turn = turn()?;
        let server = Server::start(kind)?;
        let path = server.socket_path();
        let agent = Agent::start_with_unix_sockets(&[server.port()])?;
        let over_tcp = measure(&server, &Place::Host, "127.0.0.1", REQUESTS)?;
        let over_unix = measure_over_unix_socket(&server, REQUESTS)?;
        assert_eq!(over_unix.len(), REQUESTS);
        let records = agent.finish_with_all();
        let seen = Seen::of(&records, protocol);
        for (tcp, unix) in over_tcp.iter().zip(&over_unix) {
            assert_eq!((&tcp.resource, &tcp.code), (&unix.resource, &unix.code), "the same was asked");
            let asking = seen.the_only(&unix.resource, CLIENT, "unix");
            let answering = seen.the_only(&unix.resource, SERVER, "unix");
            assert_eq!(asking["client_process"]["comm"], threads.0, "{asking:#}");
            assert_eq!(answering["server_process"]["comm"], threads.1, "{answering:#}");
            assert_eq!(asking["server_path"], path.to_str().unwrap(), "{asking:#}");
            assert!(asking["client_inode"].is_u64(), "{asking:#}");
            // Both ends, and the places in the stream, are the same to both.
            assert_eq!(told(asking, &[]), told(answering, &[]));
            let wire = seen.the_only(&tcp.resource, WIRE, "tcp");
            assert_eq!(told(asking, &ENDS), told(wire, &ENDS));
            check_link(&records, asking, answering);
        }
        let known = |record: &&Value| record["kind"] == "exchange" && record["transport"] == "unix";
        let others =
            records.iter().filter(known).filter(|record| record["server_path"] == path.to_str().unwrap());
        assert!(
            others.clone().all(|record| record["protocol"] == protocol),
            "{:#?}",
            others.collect::<Vec<_>>()
        );
        Ok(())
    };
    if let Err(error) = observe() {
        skip(&format!("{} over a Unix socket", kind.name()), &error);
    }
}

/// The client's side is the parent of the server's, and the path is the server's address.
fn check_link(records: &[Value], asking: &Value, answering: &Value) {
    let span = |exchange: &Value| {
        let is_it = |record: &&Value| record["kind"] == "span" && record["span_id"] == exchange["span_id"];
        records.iter().find(is_it).unwrap_or_else(|| panic!("no span: {exchange:#}"))
    };
    let (client, server) = (span(asking), span(answering));
    // On a machine that is busy with something else, a process may get its bytes so late that it could be another call.
    if ["start_ns", "end_ns"].iter().any(|time| apart_ns(client, server, time) > MAX_APART_NS) {
        return println!("skipped: both ends are too far apart: {client:#} {server:#}");
    }
    assert_eq!(server["parent_span_id"], client["span_id"], "{client:#}\n{server:#}");
    assert_eq!(server["links"][0]["by"], "stream_offset", "{server:#}");
    for span in [client, server] {
        let attributes = &span["attributes"];
        assert_eq!(attributes["network.transport"], "unix", "{span:#}");
        assert!(
            attributes["network.type"].is_null() && attributes["network.peer.port"].is_null(),
            "{span:#}"
        );
    }
    assert_eq!(client["attributes"]["network.peer.address"], asking["server_path"], "{client:#}");
}

fn apart_ns(one: &Value, other: &Value, time: &str) -> u64 {
    let [one, other] = [one, other].map(|span| span[time].as_u64().unwrap_or_default());
    one.abs_diff(other)
}

/// Exchanges by what was asked for, from where they were seen, and over what.
struct Seen<'a>(BTreeMap<(&'a str, &'static str, &'a str), Vec<&'a Value>>);

impl<'a> Seen<'a> {
    fn of(records: &'a [Value], protocol: &str) -> Self {
        let mut seen: BTreeMap<_, Vec<&Value>> = BTreeMap::new();
        for record in records.iter().filter(|one| one["kind"] == "exchange" && one["protocol"] == protocol) {
            let text = |name: &str| record[name].as_str().unwrap_or_default();
            seen.entry((text("request_resource"), side(record), text("transport"))).or_default().push(record);
        }
        Self(seen)
    }

    fn the_only(&self, resource: &'a str, side: &'static str, transport: &'static str) -> &'a Value {
        let seen = self.0.get(&(resource, side, transport)).map_or(&[][..], Vec::as_slice);
        let [exchange] = seen else {
            panic!("{resource} was seen {} times from the {side}: {seen:#?}", seen.len());
        };
        exchange
    }
}

/// What an exchange tells apart from who saw it and when, and from some further fields.
fn told(exchange: &Value, beside: &[&str]) -> Value {
    let mut told = exchange.clone();
    if let Some(fields) = told.as_object_mut() {
        let is_beside = |name: &str| SEEN.contains(&name) || beside.contains(&name);
        fields.retain(|name, _| !is_beside(name));
    }
    told
}

const FRONT: &str = "daemon off; worker_processes 1; pid nginx.pid; events {}
http { access_log off; server { listen 127.0.0.1:@PORT@; location / {
    fastcgi_pass unix:@SOCKET@; fastcgi_param SCRIPT_FILENAME @SCRIPT@; fastcgi_param SCRIPT_NAME /index.php;
    fastcgi_param REQUEST_URI $request_uri; fastcgi_param REQUEST_METHOD $request_method; } } }";
/// `max_network_delay` of `df-trace`.
const MAX_APART_NS: u64 = 50_000_000;
const PHP_REQUESTS: usize = 20;
const REQUESTS: usize = 100;
/// What differs between TCP and a Unix socket.
const ENDS: [&str; 9] = [
    "transport",
    "client_ip",
    "client_port",
    "server_ip",
    "server_port",
    "client_inode",
    "server_path",
    SEQUENCES[0],
    SEQUENCES[1],
];
