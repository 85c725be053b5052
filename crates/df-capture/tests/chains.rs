//! Every kind of tunnel, built byte by byte: the packet inside is the one that decodes, and the chain says what was
//! around it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should stop")]

use df_capture::{Decoder, DecoderConfig, Frame, LinkType, decode};
use df_core::{Packet, Timestamp, TransportHeader, Tunnel, TunnelKind, VirtualNetwork};
use etherparse::{IpNumber, PacketBuilder};

const OUTSIDE: ([u8; 4], [u8; 4]) = ([192, 0, 2, 1], [192, 0, 2, 2]);
const GRE: u8 = 47;

/// A TCP packet from 10.0.0.1:40000 with five bytes.
fn inside() -> Vec<u8> {
    let builder = PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64).tcp(40_000, 80, 1000, 512);
    written(|bytes| builder.write(bytes, b"hello").unwrap())
}

fn inside_v6() -> Vec<u8> {
    let builder = PacketBuilder::ipv6([1; 16], [2; 16], 64).tcp(40_000, 80, 1000, 512);
    written(|bytes| builder.write(bytes, b"hello").unwrap())
}

fn written(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&mut bytes);
    bytes
}

fn ethernet(rest: &[u8]) -> Vec<u8> {
    let ether_type = if rest[0] >> 4 == 4 { [0x08, 0x00] } else { [0x86, 0xdd] };
    [&[2; 12][..], &ether_type, rest].concat()
}

fn in_ipv4(protocol: u8, parts: &[&[u8]]) -> Vec<u8> {
    let builder = PacketBuilder::ipv4(OUTSIDE.0, OUTSIDE.1, 64);
    written(|bytes| builder.write(bytes, IpNumber(protocol), &parts.concat()).unwrap())
}

fn in_ipv6(protocol: u8, parts: &[&[u8]]) -> Vec<u8> {
    let builder = PacketBuilder::ipv6([8; 16], [9; 16], 64);
    written(|bytes| builder.write(bytes, IpNumber(protocol), &parts.concat()).unwrap())
}

fn in_udp(port: u16, parts: &[&[u8]]) -> Vec<u8> {
    let builder = PacketBuilder::ipv4(OUTSIDE.0, OUTSIDE.1, 64).udp(55_555, port);
    written(|bytes| builder.write(bytes, &parts.concat()).unwrap())
}

fn shown(tunnels: &[Tunnel]) -> String {
    tunnels.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Decodes, checks that the innermost packet was found whole, and gives the chain.
#[track_caller]
fn chain(link_type: LinkType, bytes: &[u8]) -> String {
    let mut decoder = Decoder::default();
    let frame = Frame::new(Timestamp::from_nanos(1), link_type, bytes);
    let packet = decoder.decode(&frame).unwrap();
    assert!(matches!(packet.transport, TransportHeader::Tcp(_)), "{packet:?}");
    assert_eq!((packet.source.port, packet.payload, packet.payload_len), (40_000, &b"hello"[..], 5));
    let ip_len = if packet.source.ip().is_some_and(|ip| ip.is_ipv4()) { 45 } else { 65 };
    assert_eq!((packet.ip_len, packet.frame_len as usize, packet.fragments), (ip_len, bytes.len(), 1));
    let alone = decode(&frame).unwrap();
    let mut without_chain: Packet<'_> = packet;
    without_chain.tunnels = &[];
    assert_eq!(alone, without_chain, "without a decoder only the chain is missing");
    shown(packet.tunnels)
}

#[track_caller]
fn assert_chain(bytes: &[u8], expected: &str) {
    assert_eq!(chain(LinkType::RAW, bytes), expected);
}

#[test]
fn ip_in_ip_in_all_four_forms() {
    assert_chain(&in_ipv4(4, &[&inside()]), "ipip 192.0.2.1>192.0.2.2");
    assert_chain(&in_ipv4(41, &[&inside_v6()]), "6in4 192.0.2.1>192.0.2.2");
    let ends = "808:808:808:808:808:808:808:808>909:909:909:909:909:909:909:909";
    assert_chain(&in_ipv6(4, &[&inside()]), &format!("4in6 {ends}"));
    assert_chain(&in_ipv6(41, &[&inside_v6()]), &format!("6in6 {ends}"));
}

#[test]
fn gre_its_key_and_what_it_may_carry() {
    let frame = ethernet(&inside());
    let key = [0, 0, 0x2a, 7];
    let sequence_number = [0, 0, 0, 1];
    for (header, rest, expected) in [
        (&[0, 0, 8, 0][..], &inside(), "gre 192.0.2.1>192.0.2.2"),
        (&[&[0x20, 0, 8, 0][..], &key].concat(), &inside(), "gre 10759 192.0.2.1>192.0.2.2"),
        (
            &[&[0xb0, 0, 8, 0][..], &[9; 4], &key, &sequence_number].concat(),
            &inside(),
            "gre 10759 192.0.2.1>192.0.2.2",
        ),
        (&[0, 0, 0x65, 0x58], &frame, "gre 192.0.2.1>192.0.2.2"),
        (&[&[0x20, 0, 0x65, 0x58][..], &key].concat(), &frame, "nvgre 42 192.0.2.1>192.0.2.2"),
        (
            &[&[0x30, 0, 0x65, 0x58][..], &key, &sequence_number].concat(),
            &frame,
            "gre 10759 192.0.2.1>192.0.2.2",
        ),
        (&[0, 0, 0x88, 0xbe], &frame, "erspan 192.0.2.1>192.0.2.2"),
        (
            &[&[0x10, 0, 0x88, 0xbe][..], &sequence_number, &[0x10, 0, 4, 42], &[0; 4]].concat(),
            &frame,
            "erspan 42 192.0.2.1>192.0.2.2",
        ),
        (
            &[&[0x10, 0, 0x22, 0xeb][..], &sequence_number, &[0x20, 0, 0, 42], &[0; 8]].concat(),
            &frame,
            "erspan 42 192.0.2.1>192.0.2.2",
        ),
        (
            &[
                &[0x10, 0, 0x22, 0xeb][..],
                &sequence_number,
                &[0x20, 0, 0, 42],
                &[0, 0, 0, 0, 0, 0, 0, 1],
                &[3; 8],
            ]
            .concat(),
            &frame,
            "erspan 42 192.0.2.1>192.0.2.2",
        ),
    ] {
        assert_chain(&in_ipv4(GRE, &[header, rest]), expected);
    }
}

#[test]
fn gre_of_pptp_carries_ppp() {
    let with_acknowledgment =
        [0x30, 0x81, 0x88, 0x0b, 0, 9, 0, 77, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0x03, 0x00, 0x21];
    assert_chain(&in_ipv4(GRE, &[&with_acknowledgment, &inside()]), "gre 589901 192.0.2.1>192.0.2.2");
}

#[test]
fn overlays_in_udp() {
    let frame = ethernet(&inside());
    let vxlan = [0x08, 0, 0, 0, 0, 0, 42, 0];
    assert_chain(&in_udp(4789, &[&vxlan, &frame]), "vxlan 42 192.0.2.1>192.0.2.2");
    assert_chain(&in_udp(8472, &[&vxlan, &frame]), "vxlan 42 192.0.2.1>192.0.2.2");
    // Group policy and other reserved bits change nothing.
    assert_chain(
        &in_udp(4789, &[&[0x88, 0x40, 0x12, 0x34, 0, 0, 42, 9], &frame]),
        "vxlan 42 192.0.2.1>192.0.2.2",
    );
    let gpe = |next| [0x0c, 0, 0, next, 0, 0, 42, 0];
    assert_chain(&in_udp(4790, &[&gpe(3), &frame]), "vxlan_gpe 42 192.0.2.1>192.0.2.2");
    assert_chain(&in_udp(4790, &[&gpe(1), &inside()]), "vxlan_gpe 42 192.0.2.1>192.0.2.2");
    assert_chain(&in_udp(4790, &[&gpe(2), &inside_v6()]), "vxlan_gpe 42 192.0.2.1>192.0.2.2");
    // A service chain with metadata of 16 bytes, path 5, index 255.
    let nsh = [&[0x0f, 0xc6, 1, 3, 0, 0, 5, 255][..], &[0; 16]].concat();
    assert_chain(&in_udp(4790, &[&gpe(4), &nsh, &frame]), "vxlan_gpe 42 192.0.2.1>192.0.2.2, nsh 1535");
    let geneve_with_options = [&[0x02, 0, 0x65, 0x58, 0, 0, 42, 0][..], &[1, 2, 3, 1, 9, 9, 9, 9]].concat();
    assert_chain(&in_udp(6081, &[&geneve_with_options, &frame]), "geneve 42 192.0.2.1>192.0.2.2");
    let geneve_of_ip = [0, 0, 0x86, 0xdd, 0, 0, 42, 0];
    assert_chain(&in_udp(6081, &[&geneve_of_ip, &inside_v6()]), "geneve 42 192.0.2.1>192.0.2.2");
}

#[test]
fn mobile_and_dial_in_tunnels_in_udp() {
    assert_chain(&in_udp(2152, &[&[0x30, 255, 0, 45, 0, 0, 1, 0], &inside()]), "gtp 256 192.0.2.1>192.0.2.2");
    // A sequence number and two extension headers, of which the second is two words long.
    let extended = [0x36, 255, 0, 61, 0, 0, 1, 0, 0, 1, 0, 0x85, 1, 9, 9, 0x85, 2, 9, 9, 9, 9, 9, 9, 0];
    assert_chain(&in_udp(2152, &[&extended, &inside()]), "gtp 256 192.0.2.1>192.0.2.2");
    let ppp = [0xff, 0x03, 0x00, 0x21];
    assert_chain(&in_udp(1701, &[&[0, 2, 0, 7, 0, 9], &ppp, &inside()]), "l2tp 458761 192.0.2.1>192.0.2.2");
    let all_fields = [0x4a, 2, 0, 99, 0, 7, 0, 9, 0, 1, 0, 2, 0, 2, 0xee, 0xee];
    assert_chain(&in_udp(1701, &[&all_fields, &[0x21], &inside()]), "l2tp 458761 192.0.2.1>192.0.2.2");
    let frame = ethernet(&inside());
    assert_chain(&in_udp(1701, &[&[0, 3, 0, 0, 0, 0, 0, 5], &frame]), "l2tp 5 192.0.2.1>192.0.2.2");
    assert_chain(&in_ipv4(115, &[&[0, 0, 0, 5], &[0xcc; 4], &frame]), "l2tp 5 192.0.2.1>192.0.2.2");
    assert_chain(&in_udp(4754, &[&[0, 0, 8, 0], &inside()]), "gre 192.0.2.1>192.0.2.2");
    assert_chain(&in_udp(6635, &[&[0, 1, 0x01, 64], &inside()]), "mpls 16");
    let teredo = [&[0, 1, 1, 2, 0xaa, 0xbb, 0xbb][..], &[7; 9], &[0, 0, 1, 2, 3, 4, 5, 6]].concat();
    assert_chain(&in_udp(3544, &[&teredo, &inside_v6()]), "teredo 192.0.2.1>192.0.2.2");
    let ayiya = [&[0x41, 0x52, 0x11, 41, 0, 0, 0, 0][..], &[7; 36]].concat();
    assert_chain(&in_udp(5072, &[&ayiya, &inside_v6()]), "ayiya 192.0.2.1>192.0.2.2");
}

#[test]
fn labels_and_dial_in_below_ip() {
    let mpls = |rest: &[u8]| [&[2; 12][..], &[0x88, 0x47, 0, 1, 0x00, 64, 0, 2, 0x01, 64], rest].concat();
    assert_eq!(chain(LinkType::ETHERNET, &mpls(&inside())), "mpls 32");
    let pseudowire = [&[0; 4][..], &ethernet(&inside_v6())].concat();
    assert_eq!(chain(LinkType::ETHERNET, &mpls(&pseudowire)), "mpls 32");
    assert_eq!(
        chain(LinkType::ETHERNET, &mpls(&ethernet(&inside()))),
        "mpls 32",
        "a pseudowire without control word"
    );
    let pppoe = [&[2; 12][..], &[0x88, 0x64, 0x11, 0, 0, 77, 0, 47, 0, 0x21], &inside()].concat();
    assert_eq!(chain(LinkType::ETHERNET, &pppoe), "pppoe 77");
    assert_eq!(chain(LinkType::MPLS, &[&[0, 1, 0x01, 64][..], &inside()].concat()), "mpls 16");
    let backbone = [&[2; 12][..], &[0x88, 0xe7, 0, 0, 0, 9], &ethernet(&inside())].concat();
    assert_eq!(chain(LinkType::ETHERNET, &backbone), "");
    let authenticated = [&[4, 4, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1][..], &[0xab; 12], &inside()].concat();
    assert_chain(&in_ipv4(51, &[&authenticated]), "ipip 192.0.2.1>192.0.2.2");
}

#[test]
fn tunnels_nest_and_mix_up_to_four_deep() {
    let vxlan = [0x08, 0, 0, 0, 0, 0, 1, 0];
    let geneve = [0, 0, 0x65, 0x58, 0, 0, 2, 0];
    let gre = in_ipv4(GRE, &[&[0, 0, 8, 0], &inside()]);
    let two = in_udp(6081, &[&geneve, &ethernet(&gre)]);
    let three = in_udp(4789, &[&vxlan, &ethernet(&two)]);
    let four = in_ipv4(4, &[&three]);
    let ends = "192.0.2.1>192.0.2.2";
    assert_chain(&four, &format!("ipip {ends}, vxlan 1 {ends}, geneve 2 {ends}, gre {ends}"));
    // One more is too many: the last one that UDP carries stays a datagram.
    let five = in_ipv4(4, &[&four]);
    let mut decoder = Decoder::default();
    let packet = decoder.decode(&Frame::new(Timestamp::ZERO, LinkType::RAW, &five)).unwrap();
    assert_eq!((packet.transport, packet.destination.port), (TransportHeader::Udp, 6081));
    assert_eq!(packet.tunnels.len(), 3);
    assert_eq!(packet.virtual_network, Some(VirtualNetwork::new(1)));
}

#[test]
fn a_port_alone_makes_no_tunnel() {
    let vxlan = [0x08, 0, 0, 0, 0, 0, 1, 0];
    let arp = [&[2; 12][..], &[0x08, 0x06], &[0; 28]].concat();
    for (port, payload) in [
        (4789, [&vxlan[..], &arp].concat()),
        (4789, vec![0; 60]),
        (4789, b"GET / HTTP/1.1".to_vec()),
        (2152, vec![0x32, 1, 0, 4, 0, 0, 0, 0, 0, 1, 0, 0]),
        (1701, vec![0xc8, 2, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0]),
        (6081, vec![0x40; 40]),
        (6635, vec![0; 40]),
        (4754, vec![0xff; 40]),
        (3544, vec![0; 40]),
        (4790, vec![]),
    ] {
        let bytes = in_udp(port, &[&payload]);
        let mut decoder = Decoder::default();
        let packet = decoder.decode(&Frame::new(Timestamp::ZERO, LinkType::RAW, &bytes)).unwrap();
        assert_eq!((packet.transport, packet.destination.port), (TransportHeader::Udp, port));
        assert_eq!((packet.payload, packet.tunnels, packet.virtual_network), (&payload[..], &[][..], None));
    }
}

#[test]
fn the_ports_of_vxlan_are_configured() {
    let mut config = DecoderConfig::default();
    config.vxlan_ports = vec![14_789];
    let mut decoder = Decoder::new(config);
    let vxlan = [0x08, 0, 0, 0, 0, 0, 42, 0];
    for (port, tunnels) in [(14_789, 1), (4789, 0)] {
        let bytes = in_udp(port, &[&vxlan, &ethernet(&inside())]);
        let packet = decoder.decode(&Frame::new(Timestamp::ZERO, LinkType::RAW, &bytes)).unwrap();
        assert_eq!(packet.tunnels.len(), tunnels);
    }
}

#[test]
fn only_ids_that_both_directions_share_name_a_network() {
    let frame = ethernet(&inside());
    let network = |bytes: &[u8]| {
        decode(&Frame::new(Timestamp::ZERO, LinkType::RAW, bytes))
            .unwrap()
            .virtual_network
            .map(VirtualNetwork::id)
    };
    assert_eq!(network(&in_udp(4789, &[&[0x08, 0, 0, 0, 0, 0, 0, 0], &frame])), Some(0));
    assert_eq!(network(&in_udp(6081, &[&[0, 0, 0x65, 0x58, 255, 255, 255, 0], &frame])), Some(0x00ff_ffff));
    assert_eq!(network(&in_ipv4(GRE, &[&[0x20, 0, 0x65, 0x58, 0, 0, 0x2a, 7], &frame])), Some(42));
    assert_eq!(network(&in_ipv4(GRE, &[&[0x20, 0, 8, 0, 0, 0, 0x2a, 7], &inside()])), None);
    assert_eq!(network(&in_udp(2152, &[&[0x30, 255, 0, 45, 0, 0, 1, 0], &inside()])), None);
    assert!(!TunnelKind::L2tp.is_virtual_network() && !TunnelKind::Mpls.is_virtual_network());
}
