//! The flow table with a thousand to a million flows: `cargo run --release -p df-bench --bin flows -- [FLOWS...]`.
//!
//! For each number of flows: opens that many TCP connections, sends packets over them in random order, and lets all of them
//! time out. Tells the processor time per packet, the longest that a group of packets took, and the memory per flow.
#![allow(clippy::print_stdout, reason = "a command line tool prints")]

use std::error::Error;
use std::net::Ipv4Addr;

use df_bench::{process_time, resident_bytes};
use df_core::{Chunk, Endpoint, FlowKey, Packet, TcpFlags, TcpSegment, Timestamp, TransportHeader};
use df_flow::{DirectionEvidence, FlowConfig, FlowRecord, FlowSink, FlowTable};

/// Wants nothing but the account.
#[derive(Default)]
struct Counting {
    ended: u64,
}

impl FlowSink<()> for Counting {
    fn opened(&mut self, _: &FlowKey) {}

    fn chunk(&mut self, _: &FlowKey, (): &mut (), _: Chunk<'_>) -> DirectionEvidence {
        DirectionEvidence::None
    }

    fn ended(&mut self, _: FlowRecord, (): ()) {
        self.ended += 1;
    }
}

/// What one step took.
struct Timing {
    packets: u64,
    total_ns: u64,
    longest_group_ns: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut numbers: Vec<u32> =
        std::env::args().skip(1).map(|number| number.parse()).collect::<Result<_, _>>()?;
    if numbers.is_empty() {
        numbers = vec![1_000, 10_000, 100_000, 1_000_000];
    }
    println!(
        "| flows | ns/packet opening | ns/packet at random | ns/flow ending | longest {GROUP} packets, ms | bytes/flow |\n| --- | --- | --- | --- | --- | --- |"
    );
    for flows in numbers {
        measure(flows)?;
    }
    Ok(())
}

#[allow(clippy::cast_precision_loss, reason = "figures for people")]
fn measure(flows: u32) -> Result<(), Box<dyn Error>> {
    let mut config = FlowConfig::default();
    config.max_flows = usize::try_from(flows)? + GROUP;
    let (mut table, mut sink) = (FlowTable::new(config), Counting::default());
    let before = resident_bytes()?;
    let opening = timed(u64::from(flows) * 3, |numbers| {
        let packets = numbers.map(|number| handshake(u32::try_from(number / 3).unwrap_or_default(), number));
        table.handle_packets(&packets, &mut sink);
    });
    let grown = resident_bytes()?.saturating_sub(before);
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let using = timed(USED_PACKETS, |numbers| {
        let packets = numbers.map(|number| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let flow = u32::try_from(((random >> 32) * u64::from(flows)) >> 32).unwrap_or_default();
            acknowledgment(flow, u64::from(flows) * 3 + number, random)
        });
        table.handle_packets(&packets, &mut sink);
    });
    // Everything is long over when these come, one by one.
    let later = u64::from(flows) * 3 + USED_PACKETS + 400_000_000_000 / PACKET_EVERY_NS;
    let ending = timed(u64::from(flows) / 32 + GROUP as u64, |numbers| {
        let packets = numbers.map(|number| acknowledgment(u32::MAX, later + number, 0));
        table.handle_packets(&packets, &mut sink);
    });
    let longest_ns = opening.longest_group_ns.max(using.longest_group_ns).max(ending.longest_group_ns);
    println!(
        "| {flows} | {} | {} | {} | {:.2} | {} |",
        opening.total_ns / opening.packets,
        using.total_ns / using.packets,
        ending.total_ns / sink.ended.max(1),
        longest_ns as f64 / 1e6,
        grown / u64::from(flows)
    );
    if sink.ended < u64::from(flows) {
        return Err(format!("{} of {flows} flows ended", sink.ended).into());
    }
    Ok(())
}

/// Sends `packets` packets in groups, and looks at the processor's time after each.
fn timed(packets: u64, mut send: impl FnMut([u64; GROUP])) -> Timing {
    let started = process_time();
    let (mut last, mut longest_group_ns, mut number) = (started, 0, 0);
    while number < packets {
        send(std::array::from_fn(|at| number + at as u64));
        number += GROUP as u64;
        let now = process_time();
        longest_group_ns = longest_group_ns.max(now - last);
        last = now;
    }
    Timing { packets: number, total_ns: process_time() - started, longest_group_ns }
}

fn handshake(flow: u32, number: u64) -> Packet<'static> {
    match number % 3 {
        0 => packet(flow, number, true, TcpSegment::new(100, 0, TcpFlags::SYN, 1_000)),
        1 => {
            let flags = TcpFlags::SYN.union(TcpFlags::ACK);
            packet(flow, number, false, TcpSegment::new(500, 101, flags, 1_000))
        }
        _ => packet(flow, number, true, TcpSegment::new(101, 501, TcpFlags::ACK, 1_000)),
    }
}

/// A packet of an established connection, one way or the other.
fn acknowledgment(flow: u32, number: u64, random: u64) -> Packet<'static> {
    let is_to_server = random & 1 == 0;
    let (sent, received) = if is_to_server { (101, 501) } else { (501, 101) };
    packet(flow, number, is_to_server, TcpSegment::new(sent, received, TcpFlags::ACK, 1_000))
}

fn packet(flow: u32, number: u64, is_to_server: bool, segment: TcpSegment) -> Packet<'static> {
    let client =
        Endpoint::new(Ipv4Addr::from_bits(0x0a00_0000 | (flow >> 8)).into(), 40_000 + (flow & 0xff) as u16);
    let server = Endpoint::new(Ipv4Addr::new(192, 0, 2, 1).into(), 80);
    let (source, destination) = if is_to_server { (client, server) } else { (server, client) };
    let at = Timestamp::from_nanos(1_700_000_000_000_000_000 + number * PACKET_EVERY_NS);
    Packet::new(at, source, destination, TransportHeader::Tcp(segment), b"")
}

/// Packets between two looks at the clock.
const GROUP: usize = 64;
const USED_PACKETS: u64 = 4_000_000;
/// Four million packets a second.
const PACKET_EVERY_NS: u64 = 250;
