//! Connections that the kernel leaves out, of real traffic and of frames made for it.

use std::collections::BTreeMap;
use std::time::Duration;

use df_core::{TransportHeader, connection_number};

use super::{in_namespace, ip, send, stop_and_collect, tcp_exchange_at, udp_datagram};
use crate::{AfPacket, AfPacketConfig, Frame};

#[test]
fn of_real_connections_those_with_low_numbers_are_left_out() {
    in_namespace(|| {
        for (host, filter) in [("127.0.0.1", None), ("[::1]", None), ("127.0.0.1", Some("tcp or udp"))] {
            for connections in [128, 0, 256, 60] {
                let mut source = loopback(filter);
                source.leave_out(connections).unwrap();
                let all: Vec<[u16; 2]> = (0..24).map(|_| tcp_exchange_at(host)).collect();
                udp_datagram(b"datagram");
                let (streams, datagrams) = payloads(&mut source);
                let told = all.iter().filter(|ports| u16::from(connection_number(**ports)) >= connections);
                let expected = told.flat_map(|[client, server]| whole([*client, *server])).collect();
                assert_eq!(streams, expected, "{host}, {filter:?}, {connections} of 256");
                assert_eq!(datagrams, [b"datagram"], "datagrams are never left out");
            }
        }
    });
}

#[test]
fn the_number_changes_while_the_capture_runs() {
    in_namespace(|| {
        let mut source = loopback(None);
        let mut expected = BTreeMap::new();
        for connections in [0, 256, 0] {
            source.leave_out(connections).unwrap();
            let ports = tcp_exchange_at("127.0.0.1");
            expected.extend(whole(ports).into_iter().filter(|_| connections == 0));
        }
        assert_eq!(payloads(&mut source).0, expected);
    });
}

#[test]
fn the_expression_still_decides_about_what_is_not_left_out() {
    in_namespace(|| {
        let mut source = loopback(Some("tcp port 7"));
        source.leave_out(NUMBER).unwrap();
        let is_low = |ports: &[u16; 2]| u16::from(connection_number(*ports)) < NUMBER;
        let of_server = |server| (50_000..u16::MAX).map(move |client| [client, server]);
        let left_out = of_server(7).find(is_low).unwrap();
        let elsewhere = of_server(8).find(|ports| !is_low(ports)).unwrap();
        let told: Vec<[u16; 2]> = of_server(7).filter(|ports| !is_low(ports)).take(2).collect();
        for (ports, passes) in [(left_out, false), (elsewhere, false), (told[0], true)] {
            assert_eq!(does_pass(&mut source, &tcp(ports), &tcp(told[1])), passes, "{ports:?}");
        }
    });
}

#[test]
fn a_packet_tells_its_connection_by_its_first_network_header_alone() {
    let ports = segment([CLIENT, SERVER]);
    let more_fragments = 0x2000;
    let cases = [
        ("IPv4", ipv4(0, 0, TCP, &ports), true),
        ("IPv4 that must not be fragmented", ipv4(0, 0x4000, TCP, &ports), true),
        ("IPv4 with options", ipv4(10, 0, TCP, &ports), true),
        ("IPv6", ipv6(TCP, &ports), true),
        ("a first fragment", ipv4(0, more_fragments, TCP, &ports), false),
        ("a last fragment", ipv4(0, 185, TCP, &ports), false),
        ("UDP over IPv4", ipv4(0, 0, UDP, &ports), false),
        ("UDP over IPv6", ipv6(UDP, &ports), false),
        (
            "IPv6 with an extension header",
            ipv6(0, &[&[TCP, 0, 1, 4, 0, 0, 0, 0], &ports[..]].concat()),
            false,
        ),
        ("a tunnel", ipv4(0, 0, 4, &ipv4(0, 0, TCP, &ports)[14..]), false),
        ("ARP", ethernet(0x0806, &[1; 46]), false),
    ];
    in_namespace(move || {
        let mut source = loopback(None);
        for (what, frame, has_connection) in &cases {
            for (connections, is_low) in [(0, false), (NUMBER, false), (NUMBER + 1, true), (256, true)] {
                source.leave_out(connections).unwrap();
                let is_left_out = *has_connection && is_low;
                let passes = does_pass(&mut source, frame, &sentinel());
                assert_eq!(passes, !is_left_out, "{what}, {connections} of 256");
            }
        }
    });
}

#[test]
fn a_frame_that_ends_before_its_ports_comes_through_only_while_nothing_is_left_out() {
    in_namespace(|| {
        let mut source = loopback(None);
        for (connections, passes) in [(0, true), (1, false)] {
            source.leave_out(connections).unwrap();
            for frame in [ipv4(0, 0, TCP, &[0; 3]), ipv6(TCP, &[0; 3]), ethernet(0x0800, &[0x45; 5])] {
                assert_eq!(does_pass(&mut source, &frame, &sentinel()), passes, "{frame:?}");
            }
        }
    });
}

#[test]
fn a_tag_that_the_kernel_takes_out_is_not_in_the_way() {
    in_namespace(|| {
        assert!(
            ip("link add name left type veth peer name right")
                && ip("link set left up")
                && ip("link set right up")
        );
        let mut source = AfPacket::open(&AfPacketConfig::default().with_interface("right")).unwrap();
        let untagged = tcp([CLIENT, SERVER]);
        let mut frame = untagged.clone();
        frame.splice(12..12, [0x81, 0, 0, 5]);
        for connections in [0, 256] {
            source.leave_out(connections).unwrap();
            send("left", &frame);
            send("left", &sentinel());
            assert_eq!(comes_before(&mut source, &untagged, &sentinel()), connections == 0);
        }
    });
}

/// Nobody reads while the traffic is made, and a block is over every 20 ms: these are enough for five seconds.
fn loopback(filter: Option<&str>) -> AfPacket {
    let mut config = AfPacketConfig::default().with_interface("lo").with_block_count(256);
    (config.block_bytes, config.block_timeout) = (64 << 10, Duration::from_millis(20));
    config.filter = filter.map(str::to_owned);
    AfPacket::open(&config).unwrap()
}

/// What went from port to port.
type Streams = BTreeMap<(u16, u16), Vec<u8>>;

/// What went over TCP, and in datagrams.
fn payloads(source: &mut AfPacket) -> (Streams, Vec<Vec<u8>>) {
    let (mut streams, mut datagrams) = (Streams::new(), Vec::new());
    for packet in stop_and_collect(source) {
        if packet.transport == TransportHeader::Udp {
            datagrams.push(packet.payload);
        } else {
            streams.entry(packet.ports).or_default().extend(packet.payload);
        }
    }
    (streams, datagrams)
}

/// What an exchange sends.
fn whole([client, server]: [u16; 2]) -> [((u16, u16), Vec<u8>); 2] {
    [((client, server), b"request".to_vec()), ((server, client), b"response".to_vec())]
}

/// Whether a frame comes through that is sent before another one, which does.
fn does_pass(source: &mut AfPacket, frame: &[u8], next: &[u8]) -> bool {
    send("lo", frame);
    send("lo", next);
    comes_before(source, frame, next)
}

fn comes_before(source: &mut AfPacket, frame: &[u8], next: &[u8]) -> bool {
    let mut has_come = false;
    loop {
        let Frame { bytes, .. } =
            source.next_frame_timeout(Duration::from_secs(5)).unwrap().expect("the next one");
        if bytes == next {
            return has_come;
        }
        has_come |= bytes == frame;
    }
}

/// Passes every filter of these tests but an expression.
fn sentinel() -> Vec<u8> {
    ipv4(0, 0, UDP, b"sentinel")
}

fn tcp(ports: [u16; 2]) -> Vec<u8> {
    ipv4(0, 0, TCP, &segment(ports))
}

/// The ports, and zeros for the rest of the header.
fn segment(ports: [u16; 2]) -> Vec<u8> {
    [&ports[0].to_be_bytes()[..], &ports[1].to_be_bytes(), &[0; 16]].concat()
}

fn ipv4(option_words: u8, fragment: u16, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let header_bytes = usize::from(5 + option_words) * 4;
    let length = u16::try_from(header_bytes + payload.len()).unwrap().to_be_bytes();
    let [offset_high, offset_low] = fragment.to_be_bytes();
    let mut header = vec![0x45 + option_words, 0, length[0], length[1], 0, 1, offset_high, offset_low];
    header.extend([64, protocol, 0, 0, 10, 9, 0, 1, 10, 9, 0, 2]);
    header.resize(header_bytes, NO_OPERATION);
    ethernet(0x0800, &[&header, payload].concat())
}

fn ipv6(next_header: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
    let header = [0x60, 0, 0, 0, length[0], length[1], next_header, 64];
    ethernet(0x86dd, &[&header[..], &[0xfd; 16], &[0xfc; 16], payload].concat())
}

fn ethernet(kind: u16, payload: &[u8]) -> Vec<u8> {
    [&[2; 12][..], &kind.to_be_bytes(), payload].concat()
}

const CLIENT: u16 = 40_000;
const SERVER: u16 = 80;
/// That of these ports.
const NUMBER: u16 = connection_number([CLIENT, SERVER]) as u16;
const TCP: u8 = 6;
const UDP: u8 = 17;
/// An option that means nothing.
const NO_OPERATION: u8 = 1;
