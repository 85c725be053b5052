//! The packet inside a tunnel is the one that decodes.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should stop")]

use df_capture::{DecodeErrorReason, Frame, Layer, LinkType, decode};
use df_core::{Timestamp, TransportHeader, VlanTags};
use etherparse::{IpNumber, PacketBuilder};

const GRE: u8 = 47;

/// A TCP packet from 10.0.0.1 with five bytes.
fn inside() -> Vec<u8> {
    let mut bytes = Vec::new();
    let builder = PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64).tcp(40_000, 80, 1000, 512);
    builder.write(&mut bytes, b"hello").unwrap();
    bytes
}

fn tagged_frame(rest: &[u8]) -> Vec<u8> {
    [&[2; 12][..], &[0x81, 0x00, 0, 7, 0x08, 0x00], rest].concat()
}

/// What a router between 192.0.2.1 and 192.0.2.2 sends.
fn outside(protocol: u8, header: &[u8], rest: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let builder = PacketBuilder::ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64);
    builder.write(&mut bytes, IpNumber(protocol), &[header, rest].concat()).unwrap();
    bytes
}

#[track_caller]
fn assert_shows_the_inside(bytes: &[u8], vlan: VlanTags) {
    let packet = decode(&Frame::new(Timestamp::from_nanos(1), LinkType::RAW, bytes)).unwrap();
    assert_eq!((packet.source.to_string().as_str(), packet.payload), ("10.0.0.1:40000", &b"hello"[..]));
    assert!(matches!(packet.transport, TransportHeader::Tcp(_)));
    assert_eq!((packet.payload_len, packet.ip_len, packet.vlan), (5, 45, vlan));
}

#[test]
fn ip_in_ip_to_a_sane_depth() {
    let mut bytes = outside(4, &[], &inside());
    assert_shows_the_inside(&bytes, VlanTags::default());
    for _ in 0..3 {
        bytes = outside(4, &[], &bytes);
    }
    assert_shows_the_inside(&bytes, VlanTags::default());
    bytes = outside(4, &[], &bytes);
    let error = decode(&Frame::new(Timestamp::from_nanos(1), LinkType::RAW, &bytes)).unwrap_err();
    assert_eq!(error.reason, DecodeErrorReason::UnsupportedProtocol);
}

#[test]
fn gre_with_and_without_its_optional_fields() {
    assert_shows_the_inside(&outside(GRE, &[0, 0, 8, 0], &inside()), VlanTags::default());
    let all_fields = [&[0xb0, 0, 8, 0][..], &[0; 4], &[0, 0, 0, 42], &[0, 0, 0, 1]].concat();
    assert_shows_the_inside(&outside(GRE, &all_fields, &inside()), VlanTags::default());
}

#[test]
fn frames_in_gre_and_in_the_three_kinds_of_erspan() {
    let vlan = VlanTags { outer: Some(7), inner: None };
    let frame = tagged_frame(&inside());
    let sequence_number = [0, 0, 0, 1];
    assert_shows_the_inside(&outside(GRE, &[0, 0, 0x65, 0x58], &frame), vlan);
    assert_shows_the_inside(&outside(GRE, &[0, 0, 0x88, 0xbe], &frame), vlan);
    let second = [&[0x10, 0, 0x88, 0xbe][..], &sequence_number, &[0x10; 8]].concat();
    assert_shows_the_inside(&outside(GRE, &second, &frame), vlan);
    let third = [&[0x10, 0, 0x22, 0xeb][..], &sequence_number, &[0x20; 12]].concat();
    assert_shows_the_inside(&outside(GRE, &third, &frame), vlan);
    let with_platform = [&[0x10, 0, 0x22, 0xeb][..], &sequence_number, &[0x21; 12], &[0; 8]].concat();
    assert_shows_the_inside(&outside(GRE, &with_platform, &frame), vlan);
}

#[test]
fn a_header_cut_or_of_another_kind_is_an_error() {
    for (header, reason) in [
        (&[0xb0, 0, 8, 0, 1, 2][..], DecodeErrorReason::Truncated),
        (&[0x40, 0, 8, 0], DecodeErrorReason::Malformed),
        (&[0x30, 1, 0x12, 0x34], DecodeErrorReason::UnsupportedProtocol),
        (&[0x10], DecodeErrorReason::Truncated),
    ] {
        let bytes = outside(GRE, header, &[]);
        let error = decode(&Frame::new(Timestamp::from_nanos(1), LinkType::RAW, &bytes)).unwrap_err();
        assert_eq!((error.layer, error.offset, error.reason), (Layer::Gre, 20, reason));
    }
}
