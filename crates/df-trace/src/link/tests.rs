//! Which observations become one trace, and in which order.

use df_core::{Endpoint, FlowKey, Timestamp, Transport, UnixAddress, UnixPath, VlanTags};
use df_l7::{Exchange, ExchangeKind, PropagatedContext};

use crate::test_exchange::{complete, dns, flow, place};
use crate::{LinkReason, LinkedSpan, ObservationPoint, Place, SpanAssembler, TraceConfig};

fn linked(observations: impl IntoIterator<Item = (Exchange, Place)>) -> Vec<LinkedSpan> {
    let mut spans = SpanAssembler::new(TraceConfig::default());
    for (exchange, place) in observations {
        spans.handle_exchange(exchange, place);
    }
    spans.flush();
    std::iter::from_fn(|| spans.poll_span()).collect()
}

/// For each span the position of its parent among the spans; `None` for a root or a parent elsewhere.
fn parents(spans: &[LinkedSpan]) -> Vec<Option<usize>> {
    let position = |span: &LinkedSpan| {
        let parent = span.parent_span_id()?;
        spans.iter().position(|other| other.context.span_id == parent)
    };
    spans.iter().map(position).collect()
}

fn traces(spans: &[LinkedSpan]) -> usize {
    spans.iter().map(|span| span.context.trace_id).collect::<std::collections::HashSet<_>>().len()
}

fn at(point: ObservationPoint, interface: u32) -> Place {
    Place { observation_point: point, ..place(interface) }
}

fn request_only(mut exchange: Exchange) -> Exchange {
    exchange.response = None;
    exchange.kind = ExchangeKind::Unanswered;
    exchange
}

fn response_only(mut exchange: Exchange) -> Exchange {
    exchange.request = None;
    exchange.kind = ExchangeKind::ResponseOnly;
    exchange
}

#[test]
fn two_interfaces_one_call() {
    let spans =
        linked([(complete((1_100, 7), (1_900, 9)), place(2)), (complete((1_000, 7), (2_000, 9)), place(1))]);
    assert_eq!((parents(&spans), traces(&spans)), (vec![Some(1), None], 1));
    assert_eq!(spans[0].link.unwrap().by, LinkReason::TcpSequence);
    assert_eq!(spans[0].to_span().links.len(), 1);
}

#[test]
fn a_call_runs_from_the_clients_process_over_the_wire_to_the_servers() {
    use ObservationPoint::{ClientProcess, Local, ServerProcess};
    // Both processes are told with the same interface number: none.
    let spans = linked([
        (complete((1_020, 7), (1_980, 9)), at(ServerProcess, 0)),
        (complete((1_010, 7), (1_990, 9)), at(Local, 1)),
        (complete((1_000, 7), (2_000, 9)), at(ClientProcess, 0)),
    ]);
    assert_eq!((parents(&spans), traces(&spans)), (vec![Some(1), Some(2), None], 1));
}

#[test]
fn a_chain_of_interfaces_is_a_chain_of_spans() {
    let times = [(1_000, 2_000), (1_030, 1_970), (1_010, 1_990), (1_020, 1_980)];
    let spans = linked(
        times.iter().zip(1..).map(|(time, interface)| (complete((time.0, 7), (time.1, 9)), place(interface))),
    );
    assert_eq!((parents(&spans), traces(&spans)), (vec![None, Some(3), Some(0), Some(2)], 1));
}

#[test]
fn equal_times_leave_it_to_the_observation_point_and_sides_beat_times() {
    use ObservationPoint::{Client, Rest, Server};
    let same = complete((1_000, 7), (2_000, 9));
    let spans = linked([(same.clone(), at(Server, 1)), (same.clone(), at(Client, 2)), (same, at(Rest, 3))]);
    assert_eq!(parents(&spans), [Some(2), None, Some(1)]);
    let (long, short) = (complete((1_000, 7), (2_000, 9)), complete((1_001, 7), (1_999, 9)));
    let spans = linked([(long, at(Server, 1)), (short, at(Client, 2))]);
    assert_eq!(parents(&spans), [Some(1), None], "a clock that puts the server first is wrong");
}

#[test]
fn one_message_seen_is_enough() {
    let call = || complete((1_000, 7), (2_000, 9));
    let later = || complete((1_100, 7), (1_900, 9));
    for (first, second) in [
        (call(), request_only(later())),
        (call(), response_only(later())),
        (request_only(call()), request_only(later())),
        (response_only(call()), response_only(later())),
    ] {
        let spans = linked([(second, place(2)), (first, place(1))]);
        assert_eq!((parents(&spans), traces(&spans)), (vec![Some(1), None], 1));
    }
    let spans = linked([(request_only(call()), place(1)), (response_only(later()), place(2))]);
    assert_eq!(traces(&spans), 2, "nothing in common");
    let three = [(request_only(call()), place(1)), (response_only(later()), place(2)), (later(), place(3))];
    assert_eq!(traces(&linked(three)), 1, "the third has seen both");
}

#[test]
fn what_only_looks_alike_stays_apart() {
    let call = || complete((1_000, 7), (2_000, 9));
    let mut other_protocol = call();
    other_protocol.protocol = df_l7::Protocol::Redis;
    for (name, other, place_of_other) in [
        ("same interface", complete((1_001, 7), (1_999, 9)), place(1)),
        ("too late", complete((60_001_000, 7), (60_002_000, 9)), place(2)),
        ("another response", complete((1_000, 7), (2_000, 10)), place(2)),
        ("another request", complete((1_000, 8), (2_000, 9)), place(2)),
        ("another protocol", other_protocol, place(2)),
    ] {
        let spans = linked([(call(), place(1)), (other, place_of_other)]);
        assert_eq!(parents(&spans), [None, None], "{name}");
    }
}

#[test]
fn one_interface_with_and_without_a_vlan_tag_is_two_places() {
    let mut tagged = place(1);
    tagged.flow.vlan = VlanTags { outer: Some(100), inner: None };
    let spans =
        linked([(complete((1_000, 7), (2_000, 9)), place(1)), (complete((1_001, 7), (1_999, 9)), tagged)]);
    assert_eq!(parents(&spans), [None, Some(0)]);
}

#[test]
fn client_and_server_believed_the_other_way_round_are_turned() {
    let mut reversed = complete((1_001, 7), (1_999, 9));
    reversed.is_reversed = true;
    let believed = at(ObservationPoint::Server, 2).reversed();
    let spans = linked([(complete((1_000, 7), (2_000, 9)), place(1)), (reversed, believed)]);
    assert_eq!(parents(&spans), [None, Some(0)]);
    assert_eq!(spans[1].place, at(ObservationPoint::Server, 2));
}

fn translated(client: u8, server: u8, interface: u32) -> Place {
    let ends = FlowKey {
        client: Endpoint::new([10, 0, 0, client].into(), 40_000),
        server: Endpoint::new([10, 0, 0, server].into(), 80),
        ..flow(Transport::Tcp, interface)
    };
    Place::new(ends, ObservationPoint::Rest)
}

#[test]
fn a_translated_address_is_seen_through_when_nothing_else_could_be_meant() {
    let call = || (complete((1_000, 7), (2_000, 9)), translated(1, 2, 1));
    let behind = |server| (complete((1_010, 7), (1_990, 9)), translated(1, server, 2));
    let twice = (complete((1_020, 7), (1_980, 9)), translated(9, 3, 3));
    let spans = linked([call(), behind(3), twice]);
    assert_eq!((parents(&spans), traces(&spans)), (vec![None, Some(0), Some(1)], 1));
    for order in
        [[call(), behind(3), behind(4)], [behind(3), call(), behind(4)], [behind(4), behind(3), call()]]
    {
        assert_eq!(traces(&linked(order)), 3, "two candidates on one interface");
    }
    let spans = linked([call(), (complete((1_010, 7), (1_990, 9)), translated(8, 3, 2))]);
    assert_eq!(traces(&spans), 2, "no end in common");
    let spans = linked([call(), (complete((1_010, 7), (2_010, 9)), translated(1, 3, 2))]);
    assert_eq!(traces(&spans), 2, "neither lies within the other");
}

#[test]
fn rewritten_sequence_numbers_link_each_call_to_itself() {
    let calls = (0..100_u8).flat_map(|host| {
        let seen = |interface, (start_ns, end_ns)| {
            let mut place = translated(host, host, interface);
            place.flow.server.port += u16::from(host);
            (complete((start_ns, 1), (end_ns, 1)), place)
        };
        [seen(1, (1_000, 2_000)), seen(2, (1_010, 1_990))]
    });
    let spans = linked(calls);
    assert_eq!(traces(&spans), 100);
    for pair in spans.chunks(2) {
        assert_eq!(pair[1].parent_span_id(), Some(pair[0].context.span_id));
    }
}

/// An end of a Unix socket's connection, of which the client's socket has this number.
fn unix(point: ObservationPoint, inode: u32) -> Place {
    let path = UnixPath::new(b"/run/redis.sock").unwrap();
    let (client, server) = (UnixAddress::of_inode(inode), UnixAddress::at_path(path));
    Place::new(FlowKey::new(Transport::Unix, Endpoint::unix(client), Endpoint::unix(server)), point)
}

#[test]
fn both_ends_of_a_unix_socket_are_one_call_and_two_sockets_are_two() {
    use ObservationPoint::{ClientProcess, ServerProcess};
    let client = || (complete((1_000, 0), (2_000, 0)), unix(ClientProcess, 7));
    let server = |inode, number| (complete((1_100, number), (1_900, 0)), unix(ServerProcess, inode));
    let spans = linked([client(), server(7, 0)]);
    assert_eq!((parents(&spans), traces(&spans)), (vec![None, Some(0)], 1));
    assert_eq!(spans[1].link.unwrap().by, LinkReason::StreamOffset);
    assert!(spans[1].is_seen_again());
    // All connections count from 0, so a response's place alone names nothing.
    for other in [server(8, 0), server(7, 40)] {
        assert_eq!(traces(&linked([client(), other.clone()])), 2);
        assert_eq!(traces(&linked([client(), (response_only(other.0), other.1)])), 2);
    }
}

#[test]
fn a_path_is_the_servers_address_and_there_are_no_ports() {
    let spans = linked([(complete((1_000, 0), (2_000, 0)), unix(ObservationPoint::ClientProcess, 7))]);
    let attributes = spans[0].to_span().attributes;
    let text = |key: &str| attributes.find(key).and_then(df_l7::AttributeValue::as_text).map(str::to_owned);
    assert_eq!(text("network.transport").as_deref(), Some("unix"));
    assert_eq!(text("network.peer.address").as_deref(), Some("/run/redis.sock"));
    for absent in ["network.type", "network.peer.port", "network.local.address", "network.local.port"] {
        assert_eq!(attributes.find(absent), None, "{absent}");
    }
}

fn udp(interface: u32) -> Place {
    Place::new(flow(Transport::Udp, interface), ObservationPoint::Rest)
}

#[test]
fn a_datagram_is_known_by_identifier_and_question() {
    let spans = linked([(dns(5, "a.example", 1_000), udp(1)), (dns(5, "a.example", 1_100), udp(2))]);
    assert_eq!((parents(&spans), traces(&spans)), (vec![None, Some(0)], 1));
    assert_eq!(spans[1].link.unwrap().by, LinkReason::Datagram);
    for other in [dns(6, "a.example", 1_100), dns(5, "b.example", 1_100)] {
        assert_eq!(traces(&linked([(dns(5, "a.example", 1_000), udp(1)), (other, udp(2))])), 2);
    }
}

#[test]
fn a_response_alone_is_known_by_the_question_it_repeats() {
    let mut second = response_only(dns(5, "a.example", 1_100));
    second.response.as_mut().unwrap().content.echoed_request =
        dns(5, "a.example", 0).request.map(|request| Box::new(request.content));
    assert_eq!(traces(&linked([(dns(5, "a.example", 1_000), udp(1)), (second, udp(2))])), 1);
}

#[test]
fn a_repeated_query_is_a_second_call() {
    let times = [(0, 1), (100, 2), (500_000_000, 1), (500_000_100, 2)];
    for order in [[0, 1, 2, 3], [0, 3, 2, 1], [3, 0, 1, 2], [2, 1, 3, 0]] {
        let spans =
            linked(order.map(|index: usize| (dns(5, "a.example", times[index].0), udp(times[index].1))));
        let child =
            |start| spans.iter().find(|span| span.exchange.start() == Timestamp::from_nanos(start)).unwrap();
        assert_eq!(child(100).parent_span_id(), Some(child(0).context.span_id));
        assert_eq!(child(500_000_100).parent_span_id(), Some(child(500_000_000).context.span_id));
    }
}

fn with_context(mut exchange: Exchange) -> Exchange {
    let mut context = PropagatedContext::default();
    context.trace_id = Some("4bf92f3577b34da6a3ce929d0e0e4736".to_owned());
    context.span_id = Some("00f067aa0ba902b7".to_owned());
    exchange.request.as_mut().unwrap().content.context = Some(Box::new(context));
    exchange
}

#[test]
fn a_propagated_context_is_the_trace_of_every_observation_and_the_parent_of_the_first() {
    let inner = (with_context(complete((1_001, 7), (1_999, 9))), place(2));
    // The outer one lost the header to a short snap length.
    let outer = (complete((1_000, 7), (2_000, 9)), place(1));
    let other_call = (with_context(complete((1_500, 70), (1_600, 90))), place(1));
    let spans = linked([inner, outer, other_call]);
    assert_eq!((parents(&spans), traces(&spans)), (vec![Some(1), None, None], 1));
    assert_eq!(spans[0].context.trace_id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
    for root in &spans[1..] {
        assert_eq!(root.link.unwrap().by, LinkReason::PropagatedContext);
        assert_eq!(root.parent_span_id().unwrap().to_string(), "00f067aa0ba902b7");
    }
}
