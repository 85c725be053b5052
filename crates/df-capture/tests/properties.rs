//! Laws of capture files and of decoding, over generated input.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should stop")]

use std::io::Cursor;
use std::net::IpAddr;

use df_capture::{Frame, FrameSource, LinkType, PcapFile, PcapWriter, decode, fuzzing};
use df_core::{Endpoint, Timestamp, Transport, TransportHeader};
use etherparse::PacketBuilder;
use proptest::collection::vec;
use proptest::prelude::*;

/// What a packet is built from.
#[derive(Debug, Clone)]
struct Conversation {
    addresses: ([u8; 16], [u8; 16]),
    is_v6: bool,
    is_tcp: bool,
    ports: (u16, u16),
    sequence_number: u32,
    vlan: Option<u16>,
    payload: Vec<u8>,
}

fn conversation() -> impl Strategy<Value = Conversation> {
    let vlan = proptest::option::of(1..4095_u16);
    (
        any::<([u8; 16], [u8; 16])>(),
        any::<(bool, bool)>(),
        any::<(u16, u16, u32)>(),
        vlan,
        vec(any::<u8>(), 0..1400),
    )
        .prop_map(
            |(addresses, (is_v6, is_tcp), (source, destination, sequence_number), vlan, payload)| {
                let ports = (source, destination);
                Conversation { addresses, is_v6, is_tcp, ports, sequence_number, vlan, payload }
            },
        )
}

impl Conversation {
    fn ips(&self) -> (IpAddr, IpAddr) {
        if self.is_v6 {
            return (IpAddr::from(self.addresses.0), IpAddr::from(self.addresses.1));
        }
        let short = |address: &[u8; 16]| IpAddr::from(*address.first_chunk::<4>().unwrap());
        (short(&self.addresses.0), short(&self.addresses.1))
    }

    fn frame(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let ethernet = PacketBuilder::ethernet2([2; 6], [4; 6]);
        let (source, destination) = self.ports;
        macro_rules! finish {
            ($builder:expr) => {{
                let builder = match self.ips() {
                    (IpAddr::V4(from), IpAddr::V4(to)) => $builder.ipv4(from.octets(), to.octets(), 9),
                    (IpAddr::V6(from), IpAddr::V6(to)) => $builder.ipv6(from.octets(), to.octets(), 9),
                    _ => unreachable!(),
                };
                if self.is_tcp {
                    builder
                        .tcp(source, destination, self.sequence_number, 100)
                        .write(&mut bytes, &self.payload)
                        .unwrap();
                } else {
                    builder.udp(source, destination).write(&mut bytes, &self.payload).unwrap();
                }
            }};
        }
        if let Some(identifier) = self.vlan {
            finish!(ethernet.single_vlan(identifier.try_into().unwrap()));
        } else {
            finish!(ethernet);
        }
        bytes
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn what_is_built_is_what_is_decoded(conversation in conversation(), padding in 0..64_usize) {
        let mut bytes = conversation.frame();
        bytes.resize(bytes.len() + padding, 0xee);
        let packet = decode(&Frame::new(Timestamp::ZERO, LinkType::ETHERNET, &bytes)).unwrap();
        let (from, to) = conversation.ips();
        prop_assert_eq!(packet.source, Endpoint::new(from, conversation.ports.0));
        prop_assert_eq!(packet.destination, Endpoint::new(to, conversation.ports.1));
        prop_assert_eq!(packet.payload, &conversation.payload[..]);
        prop_assert_eq!(packet.payload_len as usize, conversation.payload.len());
        prop_assert_eq!(packet.vlan.outer, conversation.vlan);
        match packet.transport {
            TransportHeader::Tcp(segment) => {
                prop_assert!(conversation.is_tcp);
                prop_assert_eq!(segment.sequence_number, conversation.sequence_number);
            }
            other => prop_assert!(!conversation.is_tcp && other.transport() == Transport::Udp),
        }
    }

    #[test]
    fn a_snap_length_changes_what_is_captured_and_nothing_else(
        conversation in conversation(),
        snap_len in 14..1500_usize,
    ) {
        let bytes = conversation.frame();
        let whole = Frame::new(Timestamp::ZERO, LinkType::ETHERNET, &bytes);
        let expected = decode(&whole).unwrap();
        let cut = Frame::new(Timestamp::ZERO, LinkType::ETHERNET, &bytes[..snap_len.min(bytes.len())])
            .with_original_len(whole.original_len);
        let Ok(packet) = decode(&cut) else {
            prop_assert!(snap_len < 14 + 4 + 40 + 20, "all headers were captured");
            return Ok(());
        };
        prop_assert_eq!((packet.source, packet.destination), (expected.source, expected.destination));
        prop_assert_eq!(packet.payload_len, expected.payload_len);
        prop_assert_eq!((packet.ip_len, packet.frame_len), (expected.ip_len, expected.frame_len));
        prop_assert!(expected.payload.starts_with(packet.payload));
    }

    #[test]
    fn mutated_frames_never_panic(
        conversation in conversation(),
        link_type in any::<u8>(),
        flips in vec((0..120_usize, any::<u8>()), 0..8),
        len in any::<u16>(),
    ) {
        let mut bytes = conversation.frame();
        for (at, value) in flips {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
        bytes.truncate(usize::from(len));
        fuzzing::packet_decode(&[&[link_type][..], &len.to_be_bytes(), &bytes].concat());
        fuzzing::packet_decode(&[&[0][..], &[0, 0], &bytes].concat());
    }

    #[test]
    fn what_is_written_is_what_is_read(
        frames in vec((0..4_000_000_000_000_000_000_u64, vec(any::<u8>(), 0..300), any::<u16>()), 0..40),
    ) {
        let mut writer = PcapWriter::new(Vec::new(), LinkType::RAW).unwrap();
        let frames: Vec<Frame<'_>> = frames
            .iter()
            .map(|(nanoseconds, bytes, len)| {
                Frame::new(Timestamp::from_nanos(*nanoseconds), LinkType::RAW, bytes)
                    .with_original_len(u32::from(*len))
            })
            .collect();
        for frame in &frames {
            writer.write(frame).unwrap();
        }
        let mut source = PcapFile::from_reader("memory", Cursor::new(writer.finish().unwrap())).unwrap();
        for frame in &frames {
            prop_assert_eq!(source.next_frame().unwrap(), Some(*frame));
        }
        prop_assert_eq!(source.next_frame().unwrap(), None);
    }

    #[test]
    fn damaged_files_never_panic(
        packets in vec(vec(any::<u8>(), 0..100), 1..5),
        flips in vec((0..400_usize, any::<u8>()), 0..10),
        is_pcapng in any::<bool>(),
        cut in any::<u16>(),
    ) {
        let mut file = if is_pcapng { pcapng(&packets) } else { pcap(&packets) };
        for (at, value) in flips {
            // The magic stays, or nothing behind it would be read.
            if let Some(byte) = file.get_mut(at + 4) {
                *byte = value;
            }
        }
        fuzzing::pcap_file(&file);
        file.truncate(usize::from(cut) % file.len());
        fuzzing::pcap_file(&file);
    }
}

fn pcap(packets: &[Vec<u8>]) -> Vec<u8> {
    let mut writer = PcapWriter::new(Vec::new(), LinkType::ETHERNET).unwrap();
    for packet in packets {
        writer.write(&Frame::new(Timestamp::ZERO, LinkType::ETHERNET, packet)).unwrap();
    }
    writer.finish().unwrap()
}

fn pcapng(packets: &[Vec<u8>]) -> Vec<u8> {
    let block = |kind: u32, body: &[u8]| {
        let len = u32::try_from(body.len() + 12).unwrap().to_le_bytes();
        [&kind.to_le_bytes()[..], &len, body, &len].concat()
    };
    let mut file = block(
        0x0a0d_0d0a,
        &[0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    );
    file.extend(block(1, &[1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 2, 0, b'l', b'o', 0, 0, 9, 0, 1, 0, 9, 0, 0, 0]));
    for packet in packets {
        let len = u32::try_from(packet.len()).unwrap();
        let mut body = [0, 0, 7, len, len].map(u32::to_le_bytes).concat();
        body.extend(packet);
        body.resize(body.len().next_multiple_of(4), 0);
        body.extend([2, 0, 4, 0, 1, 0, 0, 0]);
        file.extend(block(6, &body));
    }
    file
}
