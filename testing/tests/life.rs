//! Servers answer while they live and are gone afterwards; so are namespaces.
#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking; clippy knows it as a test only inside test functions"
)]

use std::net::TcpStream;
use std::process::Command;

use df_testing::{Namespaces, PeerError, Server, ServerKind, skip};

#[test]
fn every_server_answers_and_goes_with_its_value() {
    for kind in WATCHED_LIVE {
        match Server::start(kind) {
            Ok(server) => check_life(server),
            Err(error) => skip(kind.name(), &error),
        }
    }
}

fn check_life(server: Server) {
    let (kind, port, directory) = (server.kind(), server.port(), server.directory().to_path_buf());
    assert!(TcpStream::connect(("127.0.0.1", port)).is_ok(), "{kind:?} answers");
    drop(server);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "{kind:?} has ended");
    assert!(!directory.exists(), "the files of {kind:?} are gone");
}

#[test]
fn a_client_reaches_the_server_in_its_own_namespace_and_through_a_router() {
    let made = Namespaces::joined().and_then(|joined| Ok([joined, Namespaces::routed()?]));
    let both = match made {
        Ok(both) => both,
        Err(error) => return skip("namespaces", &error),
    };
    for namespaces in both {
        let ping =
            namespaces.client().command("sh").args(["-c", &connect(Namespaces::SERVER)]).output().unwrap();
        let said = String::from_utf8_lossy(&ping.stderr).into_owned();
        assert!(said.contains("refused"), "the server's kernel answers: {said}");
    }
    let names = Command::new("ip").args(["netns", "list"]).output().unwrap();
    let own = format!("df{}-", std::process::id());
    assert!(!String::from_utf8_lossy(&names.stdout).contains(&own), "namespaces are gone");
}

/// Tries a port where nobody listens: that the answer is a refusal shows that packets go both ways.
fn connect(address: &str) -> String {
    format!("timeout 5 bash -c 'exec 3<>/dev/tcp/{address}/9'")
}

#[test]
fn what_is_absent_is_told_apart_from_what_is_broken() {
    let absent = PeerError::Missing { program: "nginx".to_owned(), package: "nginx" };
    assert!(absent.is_absence());
    assert!(absent.to_string().contains("apt-get install"), "{absent}");
    let broken = PeerError::Failed { command: "nginx".to_owned(), output: "no".to_owned() };
    assert!(!broken.is_absence());
}

/// Those that live tests need; the others serve only the recorder.
const WATCHED_LIVE: [ServerKind; 6] = [
    ServerKind::Nginx,
    ServerKind::NginxBoth,
    ServerKind::NamedBoth,
    ServerKind::RedisBoth,
    ServerKind::MariaDb,
    ServerKind::PostgreSql,
];
