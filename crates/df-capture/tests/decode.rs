//! Frames of every supported kind decode; what is cut, padded, fragmented or malformed is treated as it should be.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should stop")]

use std::net::IpAddr;

use df_capture::{DecodeError, DecodeErrorReason, DecodeStats, Frame, Layer, LinkType, decode};
use df_core::{
    Endpoint, IcmpHeader, IcmpRole, InterfaceId, Packet, TcpFlags, Timestamp, TransportHeader, VlanTags,
};
use etherparse::{PacketBuilder, TcpOptionElement};

const CLIENT: [u8; 4] = [10, 0, 0, 1];
const SERVER: [u8; 4] = [10, 0, 0, 2];

fn tcp_v4(payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let builder = PacketBuilder::ipv4(CLIENT, SERVER, 64).tcp(40_000, 80, 1000, 512).psh().ack(77);
    builder.write(&mut bytes, payload).unwrap();
    bytes
}

fn tcp_v6(payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let builder = PacketBuilder::ipv6([1; 16], [2; 16], 64).tcp(40_000, 80, 1000, 512).ack(77);
    builder.write(&mut bytes, payload).unwrap();
    bytes
}

fn udp_v4(payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    PacketBuilder::ipv4(CLIENT, SERVER, 64).udp(5353, 53).write(&mut bytes, payload).unwrap();
    bytes
}

fn ethernet(ether_type: u16, rest: &[u8]) -> Vec<u8> {
    [&[2; 6][..], &[4; 6], &ether_type.to_be_bytes(), rest].concat()
}

fn frame(link_type: LinkType, bytes: &[u8]) -> Frame<'_> {
    Frame::new(Timestamp::from_nanos(9), link_type, bytes)
}

#[track_caller]
fn error_of(frame: &Frame<'_>) -> DecodeError {
    decode(frame).unwrap_err()
}

fn assert_is_the_request(packet: &Packet<'_>) {
    let TransportHeader::Tcp(segment) = packet.transport else { panic!("{packet:?}") };
    assert_eq!((packet.source.port, packet.destination.port), (40_000, 80));
    assert_eq!((segment.sequence_number, segment.acknowledgment_number, segment.window), (1000, 77, 512));
    assert_eq!((packet.payload, packet.payload_len), (&b"hello"[..], 5));
}

#[test]
fn all_headers_of_a_tcp_packet_are_read() {
    let bytes = ethernet(0x0800, &tcp_v4(b"hello"));
    let frame = frame(LinkType::ETHERNET, &bytes).with_interface(InterfaceId(3));
    let packet = decode(&frame).unwrap();
    assert_is_the_request(&packet);
    assert_eq!(packet.source, Endpoint::new(IpAddr::from(CLIENT), 40_000));
    assert_eq!(packet.destination, Endpoint::new(IpAddr::from(SERVER), 80));
    assert_eq!((packet.timestamp, packet.interface), (Timestamp::from_nanos(9), InterfaceId(3)));
    assert_eq!((packet.frame_len, packet.ip_len), (59, 45));
    let TransportHeader::Tcp(segment) = packet.transport else { panic!() };
    assert_eq!(segment.flags, TcpFlags::PSH.union(TcpFlags::ACK));
    assert_eq!(segment.window_scale, None);
}

#[test]
fn the_window_scale_of_a_syn_is_read_among_other_options() {
    let options = [
        TcpOptionElement::MaximumSegmentSize(1460),
        TcpOptionElement::SelectiveAcknowledgementPermitted,
        TcpOptionElement::Timestamp(1, 0),
        TcpOptionElement::Noop,
        TcpOptionElement::WindowScale(7),
    ];
    let builder = PacketBuilder::ipv4(CLIENT, SERVER, 64).tcp(1, 2, 3, 4).syn();
    let mut bytes = Vec::new();
    builder.options(&options).unwrap().write(&mut bytes, b"").unwrap();
    let packet = decode(&frame(LinkType::RAW, &bytes)).unwrap();
    let TransportHeader::Tcp(segment) = packet.transport else { panic!() };
    assert_eq!((segment.window_scale, segment.flags, packet.payload_len), (Some(7), TcpFlags::SYN, 0));
}

#[test]
fn every_link_type_leads_to_the_same_packet() {
    let (v4, v6) = (tcp_v4(b"hello"), tcp_v6(b"hello"));
    let cooked = |protocol: [u8; 2]| [&[0; 14][..], &protocol].concat();
    let cooked_2 = |protocol: [u8; 2]| [&protocol[..], &[0; 4], &[0, 9], &[0; 12]].concat();
    let cases: Vec<(LinkType, Vec<u8>, &[u8])> = vec![
        (LinkType::RAW, vec![], &v4),
        (LinkType::RAW, vec![], &v6),
        (LinkType::RAW_BSD, vec![], &v4),
        (LinkType::RAW_OPENBSD, vec![], &v6),
        (LinkType::IPV4, vec![], &v4),
        (LinkType::IPV6, vec![], &v6),
        (LinkType::NULL, vec![2, 0, 0, 0], &v4),
        (LinkType::NULL, vec![0, 0, 0, 2], &v4),
        (LinkType::NULL, vec![30, 0, 0, 0], &v6),
        (LinkType::LOOP, vec![0, 0, 0, 24], &v6),
        (LinkType::LINUX_SLL, cooked([0x08, 0x00]), &v4),
        (LinkType::LINUX_SLL, cooked([0x86, 0xdd]), &v6),
        (LinkType::LINUX_SLL2, cooked_2([0x08, 0x00]), &v4),
        (LinkType::PPP, vec![0xff, 0x03, 0x00, 0x21], &v4),
        (LinkType::PPP, vec![0x21], &v4),
        (LinkType::PPP_HDLC, vec![0xff, 0x03, 0x00, 0x57], &v6),
        (LinkType::PPP_HDLC, vec![0x0f, 0x00, 0x08, 0x00], &v4),
        (LinkType::PPP_ETHERNET, vec![0x11, 0, 0, 1, 0, 9, 0x00, 0x21], &v4),
        (LinkType::CISCO_HDLC, vec![0x0f, 0x00, 0x86, 0xdd], &v6),
        (LinkType::ETHERNET, ethernet(0x0800, &[]), &v4),
        (LinkType::ETHERNET, ethernet(0x86dd, &[]), &v6),
        (LinkType::ETHERNET, ethernet(0x8847, &[0, 1, 0x10, 9, 0, 2, 0x01, 9]), &v4),
        (LinkType::ETHERNET, ethernet(0x8864, &[0x11, 0, 0, 1, 0, 9, 0x00, 0x57]), &v6),
        (LinkType::ETHERNET, ethernet(53, &[0xaa, 0xaa, 3, 0, 0, 0, 0x08, 0x00]), &v4),
    ];
    assert_all_decode(cases);
}

#[track_caller]
fn assert_all_decode(cases: Vec<(LinkType, Vec<u8>, &[u8])>) {
    for (link_type, header, ip) in cases {
        let bytes = [&header[..], ip].concat();
        let packet = decode(&frame(link_type, &bytes)).unwrap_or_else(|error| panic!("{link_type}: {error}"));
        assert_is_the_request(&packet);
    }
}

#[test]
fn headers_that_only_captures_have_are_read() {
    let (v4, v6) = (tcp_v4(b"hello"), tcp_v6(b"hello"));
    let ethernet = |ether_type: u16| ethernet(ether_type, &[]);
    let with = |header: &[u8], rest: &[u8]| [header, rest].concat();
    let nflog = |payload: usize, is_little: bool| {
        let number = |value: usize| {
            let value = u16::try_from(value).unwrap();
            if is_little { value.to_le_bytes() } else { value.to_be_bytes() }
        };
        let prefix = with(&with(&number(6), &number(10)), &[b'a', 0, 0, 0]);
        let value = with(&number(4 + payload), &number(9));
        with(&with(&[2, 0, 0, 0], &prefix), &value)
    };
    let mut pktap = [0_u8; 108];
    (pktap[0], pktap[4], pktap[8]) = (108, 1, 1);
    let erf = |kind: u8, rest: &[u8]| with(&[&[0; 8][..], &[kind], &[0; 7]].concat(), rest);
    let cases: Vec<(LinkType, Vec<u8>, &[u8])> = vec![
        (LinkType::NFLOG, nflog(v4.len(), true), &v4),
        (LinkType::NFLOG, nflog(v4.len(), false), &v4),
        (LinkType::PFLOG, with(&[61, 2], &[0; 62]), &v4),
        (LinkType::IPNET, with(&[1, 26], &[0; 22]), &v6),
        (LinkType::ENC, with(&[2, 0, 0, 0], &[0; 8]), &v4),
        (LinkType::PPI, with(&[0, 0, 8, 0, 1, 0, 0, 0], &ethernet(0x0800)), &v4),
        (LinkType::PKTAP, with(&pktap, &ethernet(0x86dd)), &v6),
        (LinkType::ERF, erf(2, &with(&[0; 2], &ethernet(0x0800))), &v4),
        (
            LinkType::ERF,
            erf(0x82, &with(&[0x80, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0], &ethernet(0x0800))),
            &v4,
        ),
        (LinkType::ERF, erf(1, &[0x0f, 0, 0x08, 0x00]), &v4),
        (LinkType::ETHERNET_MPACKET, with(&[0x55; 8], &ethernet(0x0800)), &v4),
        (LinkType::SLIP, vec![0; 16], &v4),
        (LinkType::IP_OVER_FIREWIRE, with(&[0; 16], &[0x08, 0x00]), &v4),
        (LinkType::ARCNET_LINUX, with(&[0xbe, 0x50, 0, 0], &[212, 0, 1, 0x66]), &v4),
        (LinkType::ARCNET_LINUX, with(&[0xbe, 0x50, 0, 0], &[240]), &v4),
    ];
    assert_all_decode(cases);
}

#[test]
fn serial_lines_and_old_networks_are_read() {
    let (v4, v6) = (tcp_v4(b"hello"), tcp_v6(b"hello"));
    let snap = [0xaa, 0xaa, 3, 0, 0, 0, 0x08, 0x00];
    let with = |header: &[u8], rest: &[u8]| [header, rest].concat();
    let mut routed = [0_u8; 14];
    routed[8] = 0x80;
    let cases: Vec<(LinkType, Vec<u8>, &[u8])> = vec![
        (LinkType::PPP_WITH_DIRECTION, vec![1, 0xff, 0x03, 0x00, 0x21], &v4),
        (LinkType::PPP_PPPD, vec![0, 0x03, 0x00, 0x57], &v6),
        (LinkType::CISCO_HDLC_WITH_DIRECTION, vec![1, 0x0f, 0x00, 0x08, 0x00], &v4),
        (LinkType::FRAME_RELAY, vec![0x18, 0x41, 0x03, 0xcc], &v4),
        (LinkType::FRAME_RELAY, vec![0x18, 0x40, 0x00, 0x01, 0x03, 0x8e], &v6),
        (LinkType::FRAME_RELAY, vec![0x18, 0x41, 0x03, 0x00, 0x80, 0, 0, 0, 0x08, 0x00], &v4),
        (LinkType::FRAME_RELAY, vec![0x18, 0x41, 0x08, 0x00], &v4),
        (LinkType::FRAME_RELAY_WITH_DIRECTION, vec![0, 0x18, 0x41, 0x03, 0xcc], &v4),
        (LinkType::ATM_RFC1483, snap.to_vec(), &v4),
        (LinkType::ATM_RFC1483, vec![6, 6, 3], &v4),
        (LinkType::IP_OVER_FIBRE_CHANNEL, with(&[0; 16], &snap), &v4),
        (LinkType::FDDI, with(&[0x50; 13], &snap), &v4),
        (LinkType::TOKEN_RING, with(&[0x10; 14], &snap), &v4),
        (LinkType::TOKEN_RING, with(&with(&routed, &[6, 0, 1, 2, 3, 4]), &snap), &v4),
    ];
    assert_all_decode(cases);
}

#[test]
fn wireless_data_frames_are_read_unless_encrypted() {
    let v4 = tcp_v4(b"hello");
    let snap = [0xaa, 0xaa, 3, 0, 0, 0, 0x08, 0x00];
    let with = |header: &[u8], rest: &[u8]| [header, rest].concat();
    let wifi = |control: u8, flags: u8, len: usize| {
        let mut header = vec![0; len];
        (header[0], header[1]) = (control, flags);
        with(&header, &snap)
    };
    // Two words of what is present, a time stamp at a multiple of eight, and the flags: padded to a multiple of four.
    let padded = [&[0, 0, 25, 0, 3, 0, 0, 0x80, 0, 0, 0, 0][..], &[0; 4], &[9; 8], &[0x20]].concat();
    let aggregated = {
        let mut header = vec![0; 26];
        (header[0], header[24]) = (0x88, 0x80);
        with(&with(&header, &[0; 14]), &snap)
    };
    let prism = with(&[&[0, 0, 0, 0x44, 144, 0, 0, 0][..], &[0; 136]].concat(), &wifi(0x08, 1, 24));
    let avs = with(&[&[0x80, 0x21, 0x10, 1, 0, 0, 0, 64][..], &[0; 56]].concat(), &wifi(0x08, 1, 24));
    let cases: Vec<(LinkType, Vec<u8>, &[u8])> = vec![
        (LinkType::WIFI, wifi(0x08, 1, 24), &v4),
        (LinkType::WIFI, wifi(0x88, 2, 26), &v4),
        (LinkType::WIFI, wifi(0x88, 3, 32), &v4),
        (LinkType::WIFI, wifi(0x88, 0x82, 30), &v4),
        (LinkType::WIFI, aggregated, &v4),
        (LinkType::WIFI_RADIOTAP, with(&[0, 0, 8, 0, 0, 0, 0, 0], &wifi(0x08, 1, 24)), &v4),
        (
            LinkType::WIFI_RADIOTAP,
            with(&[0, 0, 13, 0, 2, 0, 0, 0x80, 0, 0, 0, 0, 0], &wifi(0x08, 1, 24)),
            &v4,
        ),
        (LinkType::WIFI_RADIOTAP, with(&padded, &wifi(0x88, 2, 28)), &v4),
        (LinkType::WIFI_PRISM, prism, &v4),
        (LinkType::WIFI_AVS, avs, &v4),
    ];
    assert_all_decode(cases);
    for (control, flags) in [(0x08, 0x41), (0x48, 0x01), (0x80, 0x00), (0xb4, 0x00)] {
        let bytes = with(&wifi(control, flags, 24), &v4);
        let error = error_of(&frame(LinkType::WIFI, &bytes));
        assert_eq!((error.layer, error.reason), (Layer::Link, DecodeErrorReason::UnsupportedProtocol));
    }
}

#[test]
fn a_cooked_frame_of_version_2_names_its_interface() {
    let header = [&[0x08, 0x00, 0, 0, 0, 0, 0, 9][..], &[0; 12]].concat();
    let bytes = [&header[..], &tcp_v4(b"hello")].concat();
    let packet = decode(&frame(LinkType::LINUX_SLL2, &bytes).with_interface(InterfaceId(9))).unwrap();
    assert_eq!(packet.interface, InterfaceId((1 << 31) | 9), "not the file's ninth interface");
}

#[test]
fn tags_are_read_and_those_taken_out_put_back() {
    let tags = |outer, inner| VlanTags { outer, inner };
    let ip = tcp_v4(b"hello");
    let one = ethernet(0x8100, &[&[0x60, 0x05, 0x08, 0x00], &ip[..]].concat());
    let two = ethernet(0x88a8, &[&[0, 7, 0x81, 0, 0, 5, 0x08, 0x00], &ip[..]].concat());
    let priority = ethernet(0x8100, &[&[0x60, 0, 0x08, 0x00], &ip[..]].concat());
    let vlan = |bytes: &[u8], stripped| {
        let frame = frame(LinkType::ETHERNET, bytes).with_stripped_vlan(stripped);
        let packet = decode(&frame).unwrap();
        assert_is_the_request(&packet);
        assert_eq!(packet.frame_len, frame.original_len + if stripped.outer.is_some() { 4 } else { 0 });
        packet.vlan
    };
    assert_eq!(vlan(&one, tags(None, None)), tags(Some(5), None));
    assert_eq!(vlan(&two, tags(None, None)), tags(Some(7), Some(5)));
    assert_eq!(vlan(&priority, tags(None, None)), tags(None, None));
    assert_eq!(vlan(&one, tags(Some(9), None)), tags(Some(9), Some(5)));
    assert_eq!(vlan(&ethernet(0x0800, &ip), tags(Some(9), None)), tags(Some(9), None));
}

#[test]
fn padding_behind_the_ip_packet_is_left_out() {
    let mut bytes = ethernet(0x0800, &tcp_v4(b""));
    bytes.resize(60, 0xff);
    let packet = decode(&frame(LinkType::ETHERNET, &bytes)).unwrap();
    assert_eq!((packet.payload, packet.payload_len, packet.frame_len, packet.ip_len), (&b""[..], 0, 60, 40));
}

#[test]
fn a_frame_cut_by_the_snap_length_keeps_its_lengths() {
    let whole = ethernet(0x0800, &tcp_v4(&[b'x'; 1000]));
    for captured in [60, 54, 53, 50, 48] {
        let frame = frame(LinkType::ETHERNET, &whole[..captured]).with_original_len(1054);
        let packet = decode(&frame).unwrap();
        assert_eq!((packet.payload_len, packet.ip_len, packet.frame_len), (1000, 1040, 1054));
        assert_eq!(packet.payload.len(), captured.saturating_sub(54));
        let TransportHeader::Tcp(segment) = packet.transport else { panic!() };
        assert_eq!((segment.sequence_number, packet.destination.port), (1000, 80));
        assert_eq!(segment.window, if captured < 50 { 0 } else { 512 });
    }
    let cut = frame(LinkType::ETHERNET, &whole[..47]).with_original_len(1054);
    let error = error_of(&cut);
    assert_eq!((error.layer, error.offset, error.reason), (Layer::Tcp, 34, DecodeErrorReason::Truncated));
}

#[test]
fn a_length_of_zero_before_segmentation_offload_means_the_whole_frame() {
    let mut v4 = tcp_v4(&[1; 3000]);
    v4[2..4].fill(0);
    let mut v6 = tcp_v6(&[1; 3000]);
    v6[4..6].fill(0);
    for bytes in [v4, v6] {
        let cut = frame(LinkType::RAW, &bytes[..200]).with_original_len(u32::try_from(bytes.len()).unwrap());
        assert_eq!(decode(&frame(LinkType::RAW, &bytes)).unwrap().payload_len, 3000);
        assert_eq!(decode(&cut).unwrap().payload_len, 3000);
    }
}

#[test]
fn a_length_beyond_the_frame_is_not_believed() {
    let mut bytes = tcp_v4(b"hello");
    bytes[2..4].copy_from_slice(&9000_u16.to_be_bytes());
    assert_eq!(decode(&frame(LinkType::RAW, &bytes)).unwrap().payload_len, 5);
}

#[test]
fn udp_is_bounded_by_its_own_length_and_by_ip() {
    let mut bytes = udp_v4(b"question");
    let packet = decode(&frame(LinkType::RAW, &bytes)).unwrap();
    assert_eq!(
        (packet.payload, packet.payload_len, packet.transport),
        (&b"question"[..], 8, TransportHeader::Udp)
    );
    for (claimed, payload) in [(12_u16, &b"ques"[..]), (9000, b"question"), (0, b"question"), (8, b"")] {
        bytes[24..26].copy_from_slice(&claimed.to_be_bytes());
        let packet = decode(&frame(LinkType::RAW, &bytes)).unwrap();
        assert_eq!((packet.payload, packet.payload_len as usize), (payload, payload.len()));
    }
    bytes[24..26].copy_from_slice(&7_u16.to_be_bytes());
    assert_eq!(error_of(&frame(LinkType::RAW, &bytes)).reason, DecodeErrorReason::Malformed);
}

#[test]
fn the_messages_of_an_icmp_pair_have_the_same_ends() {
    let (mut v4, mut v6) = (Vec::new(), Vec::new());
    PacketBuilder::ipv4(CLIENT, SERVER, 64).icmpv4_echo_request(7, 2).write(&mut v4, b"ping").unwrap();
    PacketBuilder::ipv6([1; 16], [2; 16], 64).icmpv6_echo_reply(7, 2).write(&mut v6, b"ping").unwrap();
    for (bytes, kind, role, ports) in [(v4, 8, IcmpRole::Request, (7, 0)), (v6, 129, IcmpRole::Reply, (0, 7))]
    {
        let packet = decode(&frame(LinkType::RAW, &bytes)).unwrap();
        assert_eq!(packet.transport, TransportHeader::Icmp(IcmpHeader::new(kind, 0).with_role(role)));
        assert_eq!((packet.source.port, packet.destination.port), ports);
        assert_eq!((packet.payload[0], &packet.payload[8..], packet.payload_len), (kind, &b"ping"[..], 12));
    }
}

/// An IPv6 packet with headers between, of which the last announces TCP.
fn with_extensions(first: u8, extensions: &[u8]) -> Vec<u8> {
    let mut bytes = tcp_v6(b"hello");
    bytes[6] = first;
    bytes.splice(40..40, extensions.iter().copied());
    let payload_len = u16::try_from(bytes.len() - 40).unwrap();
    bytes[4..6].copy_from_slice(&payload_len.to_be_bytes());
    bytes
}

#[test]
fn ipv6_extension_headers_are_passed() {
    let hop_by_hop_then_routing = [43, 0, 0, 0, 0, 0, 0, 0, 6, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let authentication = [6, 2, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0];
    let whole_fragment = [6, 0, 0, 0, 0, 0, 0, 1];
    let cases: [(u8, &[u8]); 3] =
        [(0, &hop_by_hop_then_routing), (51, &authentication), (44, &whole_fragment)];
    for (first, extensions) in cases {
        let bytes = with_extensions(first, extensions);
        assert_is_the_request(&decode(&frame(LinkType::RAW, &bytes)).unwrap());
    }
    let endless = with_extensions(0, &[0; 8].repeat(2000));
    assert!(decode(&frame(LinkType::RAW, &endless)).is_err());
}

#[test]
fn fragments_are_told_apart() {
    let mut more_follows = tcp_v4(b"hello");
    more_follows[6] = 0x20;
    let mut not_first = tcp_v4(b"hello");
    not_first[7] = 0x10;
    let v6_first = with_extensions(44, &[6, 0, 0, 1, 0, 0, 0, 1]);
    let v6_later = with_extensions(44, &[6, 0, 0, 8, 0, 0, 0, 1]);
    for bytes in [more_follows, not_first, v6_first, v6_later] {
        assert_eq!(error_of(&frame(LinkType::RAW, &bytes)).reason, DecodeErrorReason::Fragment);
    }
}

#[test]
fn what_is_malformed_or_unsupported_says_so() {
    use DecodeErrorReason::{Malformed, Truncated, UnsupportedLinkType, UnsupportedProtocol};
    let changed = |at: usize, value: u8| {
        let mut bytes = tcp_v4(b"hello");
        bytes[at] = value;
        bytes
    };
    let cases = [
        (LinkType::RAW, changed(0, 0x44), Layer::Ipv4, Malformed),
        (LinkType::RAW, changed(0, 0x15), Layer::Link, Malformed),
        (LinkType::IPV4, changed(0, 0x65), Layer::Ipv4, Malformed),
        (LinkType::RAW, changed(3, 19), Layer::Ipv4, Malformed),
        (LinkType::RAW, changed(32, 0x40), Layer::Tcp, Malformed),
        (LinkType::RAW, changed(32, 0xf0), Layer::Tcp, Malformed),
        (LinkType::RAW, changed(9, 89), Layer::Ipv4, UnsupportedProtocol),
        (LinkType::RAW, vec![], Layer::Link, Truncated),
        (LinkType::RAW, tcp_v4(b"")[..19].to_vec(), Layer::Ipv4, Truncated),
        (LinkType::ETHERNET, vec![0; 13], Layer::Link, Truncated),
        (LinkType::ETHERNET, ethernet(0x8100, &[0, 1, 8]), Layer::Vlan, Truncated),
        (LinkType::ETHERNET, ethernet(0x8847, &[0, 1, 0]), Layer::Mpls, Truncated),
        (LinkType::ETHERNET, ethernet(0x8864, &[0x21, 0, 0, 1, 0, 9, 0, 0x21]), Layer::Ppp, Malformed),
        (LinkType::ETHERNET, ethernet(0x0806, &[0; 28]), Layer::Link, UnsupportedProtocol),
        (LinkType::ETHERNET, ethernet(38, &[0x42, 0x42, 3]), Layer::Link, UnsupportedProtocol),
        (LinkType(195), vec![0; 60], Layer::Link, UnsupportedLinkType),
    ];
    let mut stats = DecodeStats::default();
    for (link_type, bytes, layer, reason) in &cases {
        let decoded = decode(&frame(*link_type, bytes));
        stats.count(&decoded);
        let error = decoded.unwrap_err();
        assert_eq!((error.layer, error.reason), (*layer, *reason), "{link_type} {bytes:02x?}: {error}");
        assert!(usize::try_from(error.offset).unwrap() <= bytes.len());
    }
    assert_eq!(stats.frames(), u64::try_from(cases.len()).unwrap());
    assert_eq!((stats.malformed, stats.truncated, stats.unsupported_protocols), (7, 5, 3));
    assert_eq!(stats.unsupported_link_types, 1);
}
