//! The laws of reassembly and accounting, for any cut, order, repetition and loss of segments.
#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking; clippy knows it as a test only inside test functions"
)]

use std::net::Ipv4Addr;
use std::time::Duration;

use df_core::{
    Chunk, Direction, Endpoint, FlowKey, Packet, TcpFlags, TcpSegment, Timestamp, TransportHeader,
};
use df_flow::{DirectionEvidence, FlowConfig, FlowRecord, FlowSink, FlowTable};
use proptest::prelude::*;

/// What one flow delivered: bytes with their offsets, per direction.
#[derive(Debug, Default, Clone, PartialEq)]
struct Delivered {
    bytes: [Vec<(u64, u8)>; 2],
    end: [u64; 2],
}

/// Collects everything, and checks that offsets only grow.
#[derive(Debug, Default)]
struct Collector {
    ended: Vec<(FlowRecord, Delivered)>,
}

impl FlowSink<Delivered> for Collector {
    fn opened(&mut self, _: &FlowKey) -> Delivered {
        Delivered::default()
    }

    fn chunk(&mut self, _: &FlowKey, state: &mut Delivered, chunk: Chunk<'_>) -> DirectionEvidence {
        let way = chunk.direction.index();
        assert!(chunk.offset >= state.end[way], "bytes are delivered once and in order");
        state.end[way] = chunk.end_offset();
        state.bytes[way].extend(chunk.bytes.iter().zip(chunk.offset..).map(|(byte, offset)| (offset, *byte)));
        DirectionEvidence::None
    }

    fn ended(&mut self, record: FlowRecord, state: Delivered) {
        self.ended.push((record, state));
    }
}

#[derive(Debug, Clone)]
struct Piece {
    from: usize,
    len: usize,
}

fn client() -> Endpoint {
    Endpoint::new(Ipv4Addr::new(10, 0, 0, 1).into(), 40_000)
}

fn server() -> Endpoint {
    Endpoint::new(Ipv4Addr::new(10, 0, 0, 2).into(), 80)
}

fn tcp(direction: Direction, at: u64, segment: TcpSegment, payload: &[u8]) -> Packet<'_> {
    let (source, destination) = match direction {
        Direction::ToServer => (client(), server()),
        Direction::ToClient => (server(), client()),
    };
    Packet::new(Timestamp::from_nanos(at), source, destination, TransportHeader::Tcp(segment), payload)
}

fn open(table: &mut FlowTable<Delivered>, sink: &mut Collector, initial: u32) {
    let syn = TcpSegment::new(initial.wrapping_sub(1), 0, TcpFlags::SYN, 1_000);
    table.handle_packet(&tcp(Direction::ToServer, 1, syn, b""), sink);
}

fn send(
    table: &mut FlowTable<Delivered>,
    sink: &mut Collector,
    initial: u32,
    stream: &[u8],
    pieces: &[Piece],
) {
    for (at, piece) in (2..).zip(pieces) {
        let number = initial.wrapping_add(u32::try_from(piece.from).unwrap());
        let segment = TcpSegment::new(number, 0, TcpFlags::ACK, 1_000);
        let payload = &stream[piece.from..piece.from + piece.len];
        table.handle_packet(&tcp(Direction::ToServer, at, segment, payload), sink);
    }
}

fn run(initial: u32, stream: &[u8], pieces: &[Piece]) -> (Collector, FlowTable<Delivered>) {
    let (mut table, mut sink) = (FlowTable::new(FlowConfig::default()), Collector::default());
    open(&mut table, &mut sink, initial);
    send(&mut table, &mut sink, initial, stream, pieces);
    table.finish(&mut sink);
    (sink, table)
}

/// A stream, cut into pieces.
fn cut_stream() -> impl Strategy<Value = (u32, Vec<u8>, Vec<Piece>)> {
    (any::<u32>(), prop::collection::vec(any::<u8>(), 1..400), prop::collection::vec(1_usize..40, 1..40))
        .prop_map(|(initial, stream, lengths)| {
            let mut pieces = Vec::new();
            let mut from = 0;
            for len in lengths.into_iter().cycle() {
                let len = len.min(stream.len() - from);
                pieces.push(Piece { from, len });
                from += len;
                if from == stream.len() {
                    break;
                }
            }
            (initial, stream, pieces)
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Any order of the segments, with any of them repeated or overlapping, gives the same bytes; sequence numbers may
    /// wrap anywhere.
    #[test]
    fn order_repetition_and_overlap_change_nothing(
        (initial, stream, pieces) in cut_stream(),
        shuffle in any::<u64>(),
        repeats in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..30), 0..10),
    ) {
        let mut pieces = pieces;
        for (index, more) in repeats {
            let piece = pieces[index.index(pieces.len())].clone();
            let from = piece.from.saturating_sub(more / 2);
            let len = (piece.len + more).min(stream.len() - from);
            pieces.push(Piece { from, len });
        }
        let mut state = shuffle | 1;
        for place in (1..pieces.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            pieces.swap(place, (state >> 33) as usize % (place + 1));
        }
        let (sink, table) = run(initial, &stream, &pieces);
        let [(record, delivered)] = &sink.ended[..] else { panic!("one flow") };
        let bytes: Vec<u8> = delivered.bytes[0].iter().map(|(_, byte)| *byte).collect();
        prop_assert_eq!(bytes, stream);
        prop_assert_eq!(record.to_server.packets, pieces.len() as u64 + 1);
        let total: usize = pieces.iter().map(|piece| piece.len).sum();
        prop_assert_eq!(record.to_server.l4_bytes, total as u64);
        let stats = table.stats();
        prop_assert_eq!(stats.payload_bytes, stats.delivered_bytes + stats.repeated_bytes + stats.held_bytes);
        prop_assert_eq!(stats.held_bytes, 0);
        prop_assert_eq!(stats.flows_opened, stats.flows_ended);
    }

    /// Lost segments leave a hole of their size; what is delivered stands where it stood in the stream.
    #[test]
    fn a_loss_leaves_a_hole_of_its_size(
        (initial, stream, pieces) in cut_stream(),
        kept in prop::collection::vec(any::<bool>(), 40..400),
    ) {
        let kept: Vec<Piece> =
            pieces.iter().zip(kept.iter().cycle()).filter(|(_, kept)| **kept).map(|(piece, _)| piece.clone()).collect();
        let (sink, _) = run(initial, &stream, &kept);
        let [(_, delivered)] = &sink.ended[..] else { panic!("one flow") };
        let expected: Vec<(u64, u8)> = kept
            .iter()
            .flat_map(|piece| (piece.from..piece.from + piece.len).map(|place| (place as u64, stream[place])))
            .collect();
        prop_assert_eq!(&delivered.bytes[0], &expected);
    }

    /// Bytes held for holes that are never filled stay within the bound, and every byte is accounted for.
    #[test]
    fn what_is_held_is_bounded(
        segments in prop::collection::vec((any::<u32>(), 0_u8..64, 1_usize..1_400), 1..300),
    ) {
        let mut config = FlowConfig::default();
        config.max_out_of_order_bytes = 8_000;
        config.max_total_out_of_order_bytes = 12_000;
        config.max_flows = 4;
        let (mut table, mut sink) = (FlowTable::new(config), Collector::default());
        let payload = vec![7; 1_400];
        for (at, (number, flags, len)) in (1..).zip(segments) {
            let segment = TcpSegment::new(number, number ^ 0xffff, TcpFlags(flags), 10);
            table.handle_packet(&tcp(Direction::ToServer, at, segment, &payload[..len]), &mut sink);
            prop_assert!(table.stats().held_bytes <= 12_000 + 1_400);
        }
        table.finish(&mut sink);
        let stats = table.stats();
        prop_assert_eq!(stats.payload_bytes, stats.delivered_bytes + stats.repeated_bytes);
        prop_assert_eq!(stats.flows_opened, stats.flows_ended);
    }
}

/// Every record of a table that packs flows after `rest_after`.
fn records(packets: &[(u8, u8, u32, u8, u16)], rest_after: Duration) -> Vec<FlowRecord> {
    let mut config = FlowConfig::default();
    config.rest_after = rest_after;
    let (mut table, mut sink) = (FlowTable::new(config), Collector::default());
    let mut now = Timestamp::from_parts(1_000, 0);
    for (ends, flags, number, len, gap) in packets {
        now = now.saturating_add(Duration::from_millis(u64::from(*gap)));
        let end =
            |host: u8| Endpoint::new(Ipv4Addr::new(10, 0, 0, host & 3).into(), u16::from(host & 1) + 40);
        let segment = TcpSegment::new(*number, number.wrapping_add(7), TcpFlags(*flags & 0x1f), 100);
        let header = if *flags & 0xc0 == 0 { TransportHeader::Udp } else { TransportHeader::Tcp(segment) };
        let payload = vec![b'x'; usize::from(*len)];
        table.handle_packet(&Packet::new(now, end(*ends), end(*ends >> 4), header, &payload), &mut sink);
    }
    table.finish(&mut sink);
    let mut records: Vec<FlowRecord> = sink.ended.into_iter().map(|(record, _)| record).collect();
    records.sort_by_key(|record| (record.start, record.id));
    records
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn resting_changes_nothing(
        packets in prop::collection::vec((any::<u8>(), any::<u8>(), 0..200_u32, 0..20_u8, any::<u16>()), 0..60)
    ) {
        let restless = records(&packets, Duration::from_secs(100_000));
        prop_assert_eq!(records(&packets, Duration::from_millis(1)), restless);
    }
}
