//! The same requests in clear and through TLS in one run: plain text tells what packets and system calls tell of the clear ones.

use std::collections::{BTreeMap, BTreeSet};

use df_testing::{Measurement, PeerError, Privacy, Server, ServerKind, measure_one_way, skip};
use serde_json::Value;

use crate::agent::Agent;
use crate::processes::{CLIENT, SEEN, SEQUENCES, SERVER, WIRE, side};
use crate::turn;

#[test]
fn plain_text_of_http1_is_what_packets_tell_of_the_same_requests() {
    watch(ServerKind::NginxBoth, "http1");
}

#[test]
fn plain_text_of_dns_is_what_packets_tell_of_the_same_requests() {
    watch(ServerKind::NamedBoth, "dns");
}

#[test]
fn plain_text_of_redis_is_what_packets_tell_of_the_same_requests() {
    watch(ServerKind::RedisBoth, "redis");
}

#[test]
fn plain_text_of_mysql_is_what_packets_tell_of_the_same_requests() {
    watch(ServerKind::MariaDb, "mysql");
}

#[test]
fn plain_text_of_postgresql_is_what_packets_tell_of_the_same_requests() {
    watch(ServerKind::PostgreSql, "postgresql");
}

fn watch(kind: ServerKind, protocol: &str) {
    let observe = || -> Result<(), PeerError> {
        let _turn = turn()?;
        let server = Server::start(kind)?;
        let mut agent = Agent::start_with_processes(&[server.port(), server.tls_port()])?;
        agent.wait_until_reading("libssl.so");
        let clear = measure_one_way(&server, Privacy::Clear, REQUESTS)?;
        let encrypted = measure_one_way(&server, Privacy::Tls, REQUESTS)?;
        let seen = Seen::of(agent.finish(protocol));
        seen.compare(&clear, &encrypted);
        Ok(())
    };
    if let Err(error) = observe() {
        skip(&format!("{} through TLS", kind.name()), &error);
    }
}

/// What was seen, in order, by how it was seen and from where.
struct Seen(BTreeMap<(String, &'static str), Vec<Value>>);

impl Seen {
    fn of(mut exchanges: Vec<Value>) -> Self {
        exchanges.sort_by_key(|exchange| exchange["start_ns"].as_u64());
        let mut seen: BTreeMap<_, Vec<Value>> = BTreeMap::new();
        for exchange in exchanges {
            let source = exchange["source"].as_str().unwrap_or_default().to_owned();
            seen.entry((source, side(&exchange))).or_default().push(exchange);
        }
        Self(seen)
    }

    /// Every request was seen once by each who could see it, and all tell the same of all of them, in the same order.
    fn compare(&self, clear: &[Measurement], encrypted: &[Measurement]) {
        let asked = |measured: &[Measurement]| -> Vec<(String, String)> {
            measured.iter().map(|request| (request.resource.clone(), request.code.clone())).collect()
        };
        assert_eq!((clear.len(), asked(clear)), (REQUESTS, asked(encrypted)));
        let told = |source: &str, side: &'static str| -> Vec<Value> {
            let seen = self.0.get(&(source.to_owned(), side)).map_or(&[][..], Vec::as_slice);
            seen.iter().map(content).collect()
        };
        let wire = told("packet", WIRE);
        let resources: BTreeSet<&str> = clear.iter().map(|request| request.resource.as_str()).collect();
        let told_resources = wire.iter().filter_map(|exchange| exchange["request_resource"].as_str());
        let told_resources: Vec<&str> = told_resources.filter(|text| resources.contains(text)).collect();
        let asked_resources: Vec<&str> = clear.iter().map(|request| request.resource.as_str()).collect();
        assert_eq!(told_resources, asked_resources, "packets tell every request once");
        for source in ["syscall", "openssl"] {
            for side in [CLIENT, SERVER] {
                assert_same(&told(source, side), &wire, &format!("{source}, {side}"));
            }
        }
    }
}

fn assert_same(one: &[Value], other: &[Value], which: &str) {
    for (one, other) in one.iter().zip(other) {
        assert_eq!(one, other, "{which}");
    }
    assert_eq!(one.len(), other.len(), "{which}");
}

/// What an exchange tells apart from who saw it, when, and on which connection.
fn content(exchange: &Value) -> Value {
    let mut told = exchange.clone();
    if let Some(fields) = told.as_object_mut() {
        let beside = [SEEN, SEQUENCES, CONNECTION].concat();
        fields.retain(|name, _| !beside.contains(&name.as_str()));
    }
    told
}

/// Numbers of DNS requests are random.
const CONNECTION: &[&str] = &["client_port", "server_port", "request_id"];
const REQUESTS: usize = 100;
