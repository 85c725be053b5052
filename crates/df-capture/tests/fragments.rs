//! Fragments through a decoder: inside and around tunnels, cut by a snap length; SCTP and ICMP errors.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should stop")]

use df_capture::{DecodeErrorReason, Decoder, Frame, LinkType};
use df_core::{IcmpHeader, IcmpRole, Packet, SctpChunks, SctpHeader, Timestamp, Transport, TransportHeader};
use etherparse::{IpNumber, PacketBuilder};

fn frame(bytes: &[u8]) -> Frame<'_> {
    Frame::new(Timestamp::from_nanos(1), LinkType::RAW, bytes)
}

fn ipv4(from: u8, to: u8, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    PacketBuilder::ipv4([10, 0, 0, from], [10, 0, 0, to], 64)
        .write(&mut bytes, IpNumber(protocol), payload)
        .unwrap();
    bytes
}

fn udp(from: u8, to: u8, ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let builder = PacketBuilder::ipv4([10, 0, 0, from], [10, 0, 0, to], 64).udp(ports.0, ports.1);
    builder.write(&mut bytes, payload).unwrap();
    bytes
}

/// The IPv4 packet cut in two at `at` bytes behind its header.
fn halves(packet: &[u8], at: usize) -> [Vec<u8>; 2] {
    let (header, payload) = packet.split_at(20);
    let piece = |place: u16, bytes: &[u8]| {
        let mut header = header.to_vec();
        header[2..4].copy_from_slice(&u16::try_from(20 + bytes.len()).unwrap().to_be_bytes());
        header[4..6].copy_from_slice(&[0, 77]);
        header[6..8].copy_from_slice(&place.to_be_bytes());
        [&header, bytes].concat()
    };
    [piece(0x2000, &payload[..at]), piece(u16::try_from(at / 8).unwrap(), &payload[at..])]
}

fn in_vxlan(packet: &[u8]) -> Vec<u8> {
    let header = [&[0x08, 0, 0, 0, 0, 0, 42, 0][..], &[2; 12], &[0x08, 0x00]].concat();
    udp(8, 9, (5555, 4789), &[&header, packet].concat())
}

/// Gives both frames to a decoder; the second one brings the packet.
#[track_caller]
fn decoded(frames: &[Vec<u8>; 2], check: impl FnOnce(&Packet<'_>)) {
    let mut decoder = Decoder::default();
    let error = decoder.decode(&frame(&frames[0])).unwrap_err();
    assert_eq!(error.reason, DecodeErrorReason::Fragment);
    check(&decoder.decode(&frame(&frames[1])).unwrap());
    assert_eq!((decoder.stats().packets, decoder.stats().fragments), (1, 1));
    assert_eq!((decoder.fragment_stats().datagrams, decoder.fragment_stats().reassembled), (1, 2));
}

#[test]
fn a_packet_of_fragments_accounts_for_each() {
    let whole = udp(1, 2, (5353, 53), b"what is the meaning of this");
    let pieces = halves(&whole, 16);
    decoded(&pieces, |packet| {
        assert_eq!((packet.source.port, packet.payload), (5353, &b"what is the meaning of this"[..]));
        let bytes = u32::try_from(pieces[0].len() + pieces[1].len()).unwrap();
        assert_eq!((packet.fragments, packet.frame_len, packet.ip_len), (2, bytes, bytes));
    });
}

#[test]
fn fragments_inside_of_a_tunnel() {
    let pieces =
        halves(&udp(1, 2, (5353, 53), b"what is the meaning of this"), 16).map(|piece| in_vxlan(&piece));
    decoded(&pieces, |packet| {
        assert_eq!((packet.source.port, packet.payload.len(), packet.fragments), (5353, 27, 2));
        assert_eq!(packet.frame_len as usize, pieces[0].len() + pieces[1].len());
        assert_eq!((packet.ip_len, packet.tunnels.len()), (27 + 8 + 40, 1));
    });
}

#[test]
fn fragments_around_a_tunnel_carry_one_packet() {
    let pieces = halves(&in_vxlan(&udp(1, 2, (5353, 53), b"what is the meaning of this")), 48);
    decoded(&pieces, |packet| {
        assert_eq!((packet.source.port, packet.payload.len(), packet.fragments), (5353, 27, 1));
        assert_eq!(packet.frame_len as usize, pieces[0].len() + pieces[1].len());
        assert_eq!((packet.ip_len, packet.tunnels.len()), (27 + 8 + 20, 1));
    });
}

#[test]
fn fragments_in_fragments() {
    let inner = halves(&udp(1, 2, (5353, 53), &[b'x'; 200]), 104);
    let mut outer: Vec<Vec<u8>> = inner.iter().flat_map(|piece| halves(&in_vxlan(piece), 64)).collect();
    // The identifications of the two datagrams outside must differ.
    outer[2][5] = 78;
    outer[3][5] = 78;
    let mut decoder = Decoder::default();
    for bytes in &outer[..3] {
        assert_eq!(decoder.decode(&frame(bytes)).unwrap_err().reason, DecodeErrorReason::Fragment);
    }
    let packet = decoder.decode(&frame(&outer[3])).unwrap();
    assert_eq!((packet.payload, packet.fragments), (&[b'x'; 200][..], 2));
    assert_eq!(packet.frame_len as usize, outer.iter().map(Vec::len).sum::<usize>());
    let stats = decoder.fragment_stats();
    assert_eq!((stats.fragments, stats.datagrams, stats.held()), (6, 3, 0));
}

#[test]
fn fragments_cut_by_a_snap_length_keep_their_lengths() {
    let pieces = halves(&udp(1, 2, (5353, 53), &[b'x'; 1000]), 600);
    let mut decoder = Decoder::default();
    let cut = |piece: &[u8]| u32::try_from(piece.len()).unwrap();
    let first = frame(&pieces[0][..100]).with_original_len(cut(&pieces[0]));
    let second = frame(&pieces[1][..100]).with_original_len(cut(&pieces[1]));
    assert!(decoder.decode(&first).is_err());
    let packet = decoder.decode(&second).unwrap();
    assert_eq!((packet.payload.len(), packet.payload_len), (72, 1000));
    assert_eq!((packet.ip_len, packet.frame_len), (1048, 1048));
}

#[test]
fn overlapping_fragments_are_refused_in_ipv4_too() {
    let [first, second] = halves(&udp(1, 2, (5353, 53), &[b'x'; 100]), 64);
    let mut overlapping = second.clone();
    overlapping[7] -= 1;
    let mut decoder = Decoder::default();
    for bytes in [&first, &overlapping, &second] {
        assert_eq!(decoder.decode(&frame(bytes)).unwrap_err().reason, DecodeErrorReason::Fragment);
    }
    assert_eq!((decoder.fragment_stats().refused, decoder.stats().fragments), (3, 3));
}

#[test]
fn sctp_tells_its_ports_and_chunks() {
    let init = [&[1, 0, 0, 20][..], &[0; 16]].concat();
    let data = [0, 3, 0, 18, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, b'h', b'i', 0, 0];
    let abort = [6, 0, 0, 4];
    let header = [0x9c, 0x40, 0x0b, 0x59, 0, 0, 0, 9, 0, 0, 0, 0];
    let mut decoder = Decoder::default();
    for (chunks, expected) in [
        (init.clone(), SctpChunks::INIT),
        ([&data[..], &abort].concat(), SctpChunks::DATA.union(SctpChunks::ABORT)),
        (vec![64, 0, 0, 0], SctpChunks::DATA),
        (vec![200, 0, 0, 4, 14, 0, 0, 4], SctpChunks::SHUTDOWN_COMPLETE),
        (vec![], SctpChunks::default()),
    ] {
        let bytes = ipv4(1, 2, 132, &[&header[..], &chunks].concat());
        let packet = decoder.decode(&frame(&bytes)).unwrap();
        assert_eq!(packet.transport, TransportHeader::Sctp(SctpHeader::new(9, expected)));
        assert_eq!((packet.source.port, packet.destination.port), (40_000, 2905));
        assert_eq!((packet.payload, packet.payload_len as usize), (&chunks[..], chunks.len()));
    }
    let cut = ipv4(1, 2, 132, &header[..11]);
    assert_eq!(decoder.decode(&frame(&cut)).unwrap_err().reason, DecodeErrorReason::Truncated);
}

#[test]
fn an_icmp_error_names_the_flow_that_it_quotes() {
    let question = udp(1, 2, (5353, 53), b"question");
    let unreachable = |quoted: &[u8]| ipv4(9, 1, 1, &[&[3, 3, 0, 0, 0, 0, 0, 0][..], quoted].concat());
    let mut decoder = Decoder::default();
    let bytes = unreachable(&question[..28]);
    let packet = decoder.decode(&frame(&bytes)).unwrap();
    assert_eq!(packet.transport, TransportHeader::Icmp(IcmpHeader::new(3, 3).with_role(IcmpRole::Error)));
    let quoted = packet.quoted.unwrap();
    assert_eq!(quoted.transport, Transport::Udp);
    assert_eq!(
        (quoted.client.to_string(), quoted.server.to_string()),
        ("10.0.0.1:5353".into(), "10.0.0.2:53".into())
    );
    // An echo request that died on the way is quoted by its identifier.
    let echo = ipv4(1, 2, 1, &[8, 0, 0, 0, 0, 7, 0, 1]);
    let quoted = *decoder.decode(&frame(&unreachable(&echo))).unwrap().quoted.unwrap();
    assert_eq!((quoted.transport, quoted.client.port, quoted.server.port), (Transport::Icmp, 7, 0));
    // What is cut before the ports, no first fragment or of another protocol names none.
    for bytes in [&question[..23], &halves(&question, 8)[1], &ipv4(1, 2, 89, &[0; 8])] {
        assert_eq!(decoder.decode(&frame(&unreachable(bytes))).unwrap().quoted, None);
    }
}

#[test]
fn an_icmpv6_error_names_the_flow_that_it_quotes() {
    let mut question = Vec::new();
    PacketBuilder::ipv6([1; 16], [2; 16], 64).udp(5353, 53).write(&mut question, b"question").unwrap();
    let mut bytes = Vec::new();
    let message = [&[3, 0, 0, 0, 0, 0, 0, 0][..], &question].concat();
    PacketBuilder::ipv6([9; 16], [1; 16], 64).write(&mut bytes, IpNumber::IPV6_ICMP, &message).unwrap();
    let mut decoder = Decoder::default();
    let packet = decoder.decode(&frame(&bytes)).unwrap();
    assert_eq!(packet.quoted.map(|quoted| (quoted.client.port, quoted.server.port)), Some((5353, 53)));
    assert_eq!(packet.payload, &message[..]);
}
