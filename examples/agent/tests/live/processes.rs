//! One run seen three times: by the process that asked, on the wire, and by the process that answered. All three tell the
//! same of every request.

use std::collections::BTreeMap;

use df_testing::{Measurement, PeerError, Place, Server, ServerKind, measure, skip};
use serde_json::Value;

use crate::agent::Agent;
use crate::{REQUESTS, turn};

#[test]
fn nginx_and_curl_tell_what_their_packets_tell() {
    watch(ServerKind::Nginx, "http1", ("curl", "nginx"));
}

#[test]
fn named_and_dig_tell_what_their_packets_tell() {
    watch(ServerKind::Named, "dns", ("isc-net-0000", "isc-net-0000"));
}

#[test]
fn redis_and_its_client_tell_what_their_packets_tell() {
    watch(ServerKind::Redis, "redis", ("python3", "redis-server"));
}

#[test]
fn mariadb_and_its_client_tell_what_their_packets_tell() {
    watch(ServerKind::MariaDb, "mysql", ("python3", "mariadbd"));
}

#[test]
fn postgresql_and_psql_tell_what_their_packets_tell() {
    watch(ServerKind::PostgreSql, "postgresql", ("psql", "postgres"));
}

#[test]
fn nginx_and_curl_tell_what_tls_hides_from_packets() {
    watch(ServerKind::NginxTls, "http2", ("curl", "nginx"));
}

/// A server and its client on loopback, observed from all sides. The names are those of the threads at both ends.
fn watch(kind: ServerKind, protocol: &str, threads: (&str, &str)) {
    let observe = || -> Result<(), PeerError> {
        let _turn = turn()?;
        let server = Server::start(kind)?;
        let mut agent = Agent::start_with_processes(&[server.port()])?;
        if kind == ServerKind::NginxTls {
            agent.wait_until_reading("libssl.so");
        }
        let measured = measure(&server, &Place::Host, "127.0.0.1", REQUESTS)?;
        let sightings = Sightings::of(agent.finish(protocol));
        sightings.compare(&measured, kind == ServerKind::NginxTls, threads);
        Ok(())
    };
    if let Err(error) = observe() {
        skip(&format!("{} from all sides", kind.name()), &error);
    }
}

/// What was seen, by what was asked for and from where.
struct Sightings(BTreeMap<(String, &'static str), Vec<Value>>);

impl Sightings {
    fn of(exchanges: Vec<Value>) -> Self {
        let mut sightings: BTreeMap<_, Vec<Value>> = BTreeMap::new();
        for exchange in exchanges {
            let resource = exchange["request_resource"].as_str().unwrap_or_default().to_owned();
            sightings.entry((resource, side(&exchange))).or_default().push(exchange);
        }
        Self(sightings)
    }

    fn compare(&self, measured: &[Measurement], is_encrypted: bool, (client, server): (&str, &str)) {
        assert_eq!(measured.len(), REQUESTS, "the client measured every request");
        for request in measured {
            let asking = self.the_only(&request.resource, CLIENT);
            let answering = self.the_only(&request.resource, SERVER);
            assert_eq!(asking["response_code"].as_str().unwrap_or_default(), request.code, "{asking:#}");
            assert_eq!(asking["client_process"]["comm"], client, "{asking:#}");
            assert_eq!(answering["server_process"]["comm"], server, "{answering:#}");
            if is_encrypted {
                assert_eq!((&asking["source"], &answering["source"]), (&"openssl".into(), &"openssl".into()));
                assert_places_agree(asking, answering);
                assert_eq!(told(asking, SEQUENCES), told(answering, SEQUENCES));
            } else {
                assert_eq!(told(asking, &[]), told(answering, &[]));
                assert_eq!(told(asking, &[]), told(self.the_only(&request.resource, WIRE), &[]));
            }
        }
    }

    fn the_only(&self, resource: &str, side: &'static str) -> &Value {
        let seen = self.0.get(&(resource.to_owned(), side)).map_or(&[][..], Vec::as_slice);
        let [exchange] = seen else {
            panic!("{resource} was seen {} times from the {side}: {seen:#?}", seen.len());
        };
        exchange
    }
}

pub(crate) fn side(exchange: &Value) -> &'static str {
    match (exchange["client_process"].is_object(), exchange["server_process"].is_object()) {
        (true, _) => CLIENT,
        (_, true) => SERVER,
        _ => WIRE,
    }
}

/// Which record carried a plain text is not always known: of several records at once, one is the end of the handshake. Where
/// both ends know it they say the same.
fn assert_places_agree(asking: &Value, answering: &Value) {
    for field in SEQUENCES {
        let (asked, answered) = (&asking[field], &answering[field]);
        assert!(
            asked.is_null() || answered.is_null() || asked == answered,
            "{field}: {asking:#} {answering:#}"
        );
    }
}

/// What an exchange tells apart from who saw it and when, and from some further fields.
fn told(exchange: &Value, beside: &[&str]) -> Value {
    let mut told = exchange.clone();
    if let Some(fields) = told.as_object_mut() {
        fields.retain(|name, _| !SEEN.contains(&name.as_str()) && !beside.contains(&name.as_str()));
    }
    told
}

pub(crate) const SEQUENCES: &[&str] = &["request_sequence", "response_sequence"];
pub(crate) const SEEN: &[&str] = &[
    "source",
    "interface",
    "client_process",
    "server_process",
    "start_ns",
    "end_ns",
    "duration_ns",
    "trace_id",
    "span_id",
    "parent_span_id",
];
pub(crate) const CLIENT: &str = "asking process";
pub(crate) const SERVER: &str = "answering process";
pub(crate) const WIRE: &str = "wire";
