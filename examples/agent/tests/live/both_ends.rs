//! A call that passes two interfaces of one host is seen twice and is one trace.

use df_testing::{Namespaces, PeerError, Place, Server, ServerKind, measure, skip};
use serde_json::Value;

use crate::agent::Agent;

#[test]
fn a_call_seen_at_both_ends_is_one_trace() {
    let named = [Namespaces::ROUTER_TO_CLIENT, Namespaces::ROUTER_TO_SERVER];
    for interfaces in [&named[..], &["any"]] {
        if let Err(error) = watch_router(interfaces) {
            skip("both ends", &error);
        }
    }
}

fn watch_router(interfaces: &[&str]) -> Result<(), PeerError> {
    let _turn = crate::turn()?;
    let namespaces = Namespaces::routed()?;
    let router = namespaces.router().unwrap_or(Place::Host);
    let server = Server::start_at(ServerKind::Nginx, &namespaces.server(), ServerKind::Nginx.usual_port())?;
    let agent = Agent::start(&router, interfaces, server.port());
    let measured = measure(&server, &namespaces.client(), Namespaces::SERVER, REQUESTS)?;
    let records = agent.finish_with_all();
    assert_eq!(measured.len(), REQUESTS);
    for request in &measured {
        let exchanges: Vec<&Value> = records
            .iter()
            .filter(|record| {
                record["kind"] == "exchange" && record["request_resource"] == request.resource.as_str()
            })
            .collect();
        assert_eq!(
            exchanges.len(),
            2,
            "{interfaces:?}: {} at both interfaces: {exchanges:#?}",
            request.resource
        );
        check_link(&records, &exchanges);
    }
    Ok(())
}

/// The client's side must be the parent of the server's, and the TCP sequence number the reason.
fn check_link(records: &[Value], exchanges: &[&Value]) {
    let on = |interface: &str| exchanges.iter().find(|exchange| exchange["interface"] == interface).unwrap();
    let (client, server) = (on(Namespaces::ROUTER_TO_CLIENT), on(Namespaces::ROUTER_TO_SERVER));
    assert_eq!(client["trace_id"], server["trace_id"], "one trace: {exchanges:#?}");
    assert_eq!(client["request_sequence"], server["request_sequence"]);
    let span = |exchange: &Value| {
        let is_it = |record: &&Value| record["kind"] == "span" && record["span_id"] == exchange["span_id"];
        let spans: Vec<&Value> = records.iter().filter(is_it).collect();
        assert_eq!(spans.len(), 1, "one span of each exchange: {exchange:#}");
        spans[0].clone()
    };
    let (client, server) = (span(client), span(server));
    assert_eq!(server["parent_span_id"], client["span_id"], "{client:#}\n{server:#}");
    assert!(client["parent_span_id"].is_null(), "nothing is above the client's side: {client:#}");
    let links = server["links"].as_array().unwrap();
    assert!(
        links.iter().any(|link| link["by"] == "tcp_sequence" && link["to"] == client["span_id"]),
        "{server:#}"
    );
}

const REQUESTS: usize = 40;
