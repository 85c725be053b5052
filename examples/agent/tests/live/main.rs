//! Real servers driven by their own clients while the agent watches, on loopback and across two network namespaces:
//! every request appears exactly once, with the right status and the duration that its client measured.
//!
//! Needs root and the servers; says so and skips otherwise, or fails if `DF_REQUIRE_PEERS=1`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and tells its figures; clippy knows it as a test only inside test functions"
)]

mod agent;
mod both_ends;
mod comparison;
mod encrypted;
mod processes;
mod troubles;
mod tunnels;
mod unix;

use std::fs::File;

use agent::Agent;
use comparison::compare;
use df_testing::{Namespaces, PeerError, Place, Server, ServerKind, measure, skip};

#[test]
fn nginx_and_curl_agree_with_the_agent() {
    watch(ServerKind::Nginx, "http1");
}

#[test]
fn named_and_dig_agree_with_the_agent() {
    watch(ServerKind::Named, "dns");
}

#[test]
fn redis_and_its_client_agree_with_the_agent() {
    watch(ServerKind::Redis, "redis");
}

#[test]
fn mariadb_and_its_client_agree_with_the_agent() {
    watch(ServerKind::MariaDb, "mysql");
}

#[test]
fn postgresql_and_psql_agree_with_the_agent() {
    watch(ServerKind::PostgreSql, "postgresql");
}

fn watch(kind: ServerKind, protocol: &str) {
    if let Err(error) = watch_everywhere(kind, protocol) {
        skip(&format!("{} live", kind.name()), &error);
    }
}

fn watch_everywhere(kind: ServerKind, protocol: &str) -> Result<(), PeerError> {
    let _turn = turn()?;
    on_loopback(kind, protocol)?;
    across_namespaces(kind, protocol)
}

fn on_loopback(kind: ServerKind, protocol: &str) -> Result<(), PeerError> {
    let server = Server::start(kind)?;
    let agent = Agent::start(&Place::Host, &["lo"], server.port());
    let measured = measure(&server, &Place::Host, "127.0.0.1", REQUESTS)?;
    compare(&format!("{} on loopback", kind.name()), &measured, &agent.finish(protocol));
    Ok(())
}

fn across_namespaces(kind: ServerKind, protocol: &str) -> Result<(), PeerError> {
    let namespaces = Namespaces::joined()?;
    let server = Server::start_at(kind, &namespaces.server(), kind.usual_port())?;
    let agent = Agent::start(&namespaces.client(), &[Namespaces::INTERFACE], server.port());
    let measured = measure(&server, &namespaces.client(), Namespaces::SERVER, REQUESTS)?;
    compare(&format!("{} across namespaces", kind.name()), &measured, &agent.finish(protocol));
    Ok(())
}

/// One test at a time, in whatever processes they run: two at once would disturb each other's clocks.
fn turn() -> Result<File, PeerError> {
    if !df_testing::is_root() {
        return Err(PeerError::NeedsRoot { what: "capturing packets" });
    }
    let file = File::create(std::env::temp_dir().join("df-agent-live-tests.lock")).unwrap();
    file.lock().unwrap();
    Ok(file)
}

const REQUESTS: usize = 200;
