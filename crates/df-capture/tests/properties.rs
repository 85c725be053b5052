//! Laws of capture files and of decoding, over generated input.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should stop")]

use std::io::Cursor;
use std::net::IpAddr;

use df_capture::{Decoder, Frame, FrameSource, LinkType, PcapFile, PcapWriter, decode, fuzzing};
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
    fn a_datagram_in_fragments_is_the_datagram(
        conversation in conversation(),
        cuts in vec(1..180_usize, 0..6),
        seed in any::<u64>(),
        repeated in any::<bool>(),
    ) {
        let bytes = conversation.frame();
        let link_len = if conversation.vlan.is_some() { 18 } else { 14 };
        let (link, ip) = bytes.split_at(link_len);
        let mut pieces = if conversation.is_v6 { fragments_v6(ip, &cuts) } else { fragments_v4(ip, &cuts) };
        // A fragment that repeats the only one would be a datagram of its own.
        if repeated && pieces.len() > 1 {
            pieces.insert(0, pieces[0].clone());
        }
        let last = pieces.len() - 1;
        shuffle(&mut pieces, seed);
        let frames: Vec<Vec<u8>> = pieces.iter().map(|piece| [link, piece].concat()).collect();
        let mut decoder = Decoder::default();
        let mut whole = 0;
        for (index, bytes) in frames.iter().enumerate() {
            let frame = Frame::new(Timestamp::from_nanos(index as u64), LinkType::ETHERNET, bytes);
            let Ok(packet) = decoder.decode(&frame) else { continue };
            whole += 1;
            let (from, to) = conversation.ips();
            prop_assert_eq!(packet.source, Endpoint::new(from, conversation.ports.0));
            prop_assert_eq!(packet.destination, Endpoint::new(to, conversation.ports.1));
            prop_assert_eq!(packet.payload, &conversation.payload[..]);
            let seen: usize = frames[..=index].iter().map(Vec::len).sum();
            prop_assert_eq!((packet.fragments as usize, packet.frame_len as usize), (index + 1, seen));
        }
        prop_assert_eq!(whole, 1);
        let stats = decoder.fragment_stats();
        prop_assert_eq!(stats.dropped(), 0);
        prop_assert!(stats.held() <= 1 && (last == 0 || stats.datagrams == 1));
    }

    #[test]
    fn sequences_of_mutated_frames_never_panic(
        conversations in vec(conversation(), 1..4),
        cuts in vec(1..180_usize, 0..4),
        flips in vec((0..200_usize, any::<u8>()), 0..8),
        link_type in any::<u8>(),
    ) {
        let mut bytes = vec![link_type, 0, 0];
        for conversation in conversations {
            let frame = conversation.frame();
            let (link, ip) = frame.split_at(if conversation.vlan.is_some() { 18 } else { 14 });
            let pieces = if conversation.is_v6 { fragments_v6(ip, &cuts) } else { fragments_v4(ip, &cuts) };
            for piece in pieces {
                let mut frame = [link, &piece].concat();
                for (at, value) in &flips {
                    if let Some(byte) = frame.get_mut(*at) {
                        *byte = *value;
                    }
                }
                bytes.extend(u16::try_from(frame.len()).unwrap().to_be_bytes());
                bytes.extend(frame);
            }
        }
        fuzzing::packet_decode(&bytes);
        bytes[0] = 0;
        fuzzing::packet_decode(&bytes);
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

/// Cuts what is behind the header: units of eight bytes each.
fn cut(payload: &[u8], cuts: &[usize]) -> Vec<(usize, Vec<u8>)> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut * 8).filter(|at| *at < payload.len()).collect();
    places.extend([0, payload.len()]);
    places.sort_unstable();
    places.dedup();
    places.windows(2).map(|ends| (ends[0], payload[ends[0]..ends[1]].to_vec())).collect()
}

fn fragments_v4(ip: &[u8], cuts: &[usize]) -> Vec<Vec<u8>> {
    let (header, payload) = ip.split_at(20);
    let pieces = cut(payload, cuts);
    let more = |at: usize, len: usize| if at + len < payload.len() { 0x2000 } else { 0 };
    let piece = |(at, bytes): &(usize, Vec<u8>)| {
        let mut header = header.to_vec();
        header[2..4].copy_from_slice(&u16::try_from(20 + bytes.len()).unwrap().to_be_bytes());
        let place = u16::try_from(at / 8).unwrap() | more(*at, bytes.len());
        header[6..8].copy_from_slice(&place.to_be_bytes());
        [&header, &bytes[..]].concat()
    };
    pieces.iter().map(piece).collect()
}

fn fragments_v6(ip: &[u8], cuts: &[usize]) -> Vec<Vec<u8>> {
    let (header, payload) = ip.split_at(40);
    let piece = |(at, bytes): &(usize, Vec<u8>)| {
        let mut header = header.to_vec();
        let next = std::mem::replace(&mut header[6], 44);
        header[4..6].copy_from_slice(&u16::try_from(8 + bytes.len()).unwrap().to_be_bytes());
        let place = u16::try_from(*at).unwrap() | u16::from(at + bytes.len() < payload.len());
        [&header, &[next, 0][..], &place.to_be_bytes(), &[0, 0, 0, 9], bytes].concat()
    };
    cut(payload, cuts).iter().map(piece).collect()
}

fn shuffle(pieces: &mut [Vec<u8>], mut seed: u64) {
    for index in (1..pieces.len()).rev() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        pieces.swap(index, usize::try_from(seed >> 33).unwrap() % (index + 1));
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
