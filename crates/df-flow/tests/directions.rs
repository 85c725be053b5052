//! Who is the server: from the handshake, then the application protocol, then what other flows show, then the ports.

mod story;

use df_flow::{DirectionEvidence, FlowRecord};
use story::{Client, Server, Story};

fn server_and_score(record: &FlowRecord) -> (u16, u8) {
    (record.key.server.port, record.direction_score)
}

#[test]
fn a_handshake_is_certain() {
    let record = Story::new().ports(80, 50_000).syn(Client).record();
    assert_eq!(server_and_score(&record), (50_000, 255), "whatever the ports are");
    let record = Story::new().ports(80, 50_000).syn_ack().record();
    assert_eq!(server_and_score(&record), (50_000, 255), "the answer alone tells as much");
}

#[test]
fn the_protocol_comes_next() {
    let mut story = Story::in_mid_life();
    let record = story.ports(40_000, 80).shows(DirectionEvidence::Reversed).says(Server, 10).record();
    assert_eq!(server_and_score(&record), (40_000, 254));
    let record = Story::established().shows(DirectionEvidence::Reversed).says(Server, 10).record();
    assert_eq!(server_and_score(&record), (80, 255), "but it does not outweigh a handshake");
}

#[test]
fn a_listener_stays_one() {
    let mut story = Story::in_mid_life();
    story.ports(30_000, 50_000).says(Client, 10);
    // Later another connection shows who listens: what began before is decided again.
    story.client_host(7).ports(31_000, 50_000).begins_anew().syn_ack();
    story.client_host(8).ports(32_000, 50_000).says(Server, 10);
    let ends: Vec<_> = story.all_records().iter().map(server_and_score).collect();
    assert_eq!(ends, [(50_000, 200), (50_000, 255), (50_000, 200)]);
}

#[test]
fn a_port_of_a_service_is_one() {
    for (client, server) in [(40_000, 443), (20_000 - 1, 5_432), (600, 2_049), (30_000, 50_051), (1_022, 22)]
    {
        let mut story = Story::in_mid_life();
        let record = story.ports(client, server).says(Server, 10).record();
        assert_eq!(server_and_score(&record), (server, 150), "{client} and {server}");
    }
}

#[test]
fn many_peers_make_a_server() {
    let mut story = Story::in_mid_life();
    for host in 11..14 {
        story.client_host(host).ports(20_123, 45_678).says(Server, 10);
    }
    let ends: Vec<_> = story.all_records().iter().map(server_and_score).collect();
    assert_eq!(ends, [(45_678, 120); 3], "the first one too, seen again at its end");
}

#[test]
fn a_port_that_clients_are_given_is_a_clients() {
    let record = Story::in_mid_life().ports(45_678, 20_123).says(Server, 10).record();
    assert_eq!(server_and_score(&record), (20_123, 100));
}

#[test]
fn who_was_seen_first_asks() {
    let record = Story::in_mid_life().ports(45_678, 45_679).says(Server, 10).says(Client, 10).record();
    assert_eq!(server_and_score(&record), (45_678, 10));
    let record = Story::new().ports(20_001, 20_002).datagram(Server, 10).record();
    assert_eq!(server_and_score(&record), (20_001, 10));
}
