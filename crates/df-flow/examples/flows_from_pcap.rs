//! Learn to account for flows: who talked to whom in a capture file, how much, and how it ended.
//!
//! `cargo run -p df-flow --example flows_from_pcap -- trace.pcap`
#![allow(clippy::print_stdout, reason = "an example prints")]

use std::error::Error;

use df_capture::{DecodeStats, FrameSource, PcapFile, decode};
use df_core::{Chunk, FlowKey};
use df_flow::{DirectionEvidence, FlowConfig, FlowRecord, FlowSink, FlowTable};

/// Prints each flow at its end. Its state per flow: how many bytes came in order.
struct Print;

impl FlowSink<u64> for Print {
    fn opened(&mut self, _: &FlowKey) -> u64 {
        0
    }

    fn chunk(&mut self, _: &FlowKey, in_order_bytes: &mut u64, chunk: Chunk<'_>) -> DirectionEvidence {
        *in_order_bytes += chunk.bytes.len() as u64;
        DirectionEvidence::None
    }

    fn ended(&mut self, record: FlowRecord, in_order_bytes: u64) {
        let FlowRecord { key, to_server, to_client, close_type, .. } = &record;
        println!(
            "{:4} {} -> {}  {} packets, {in_order_bytes} bytes in order, {} retransmissions, {:?}, {}",
            key.transport.name(),
            key.client,
            key.server,
            to_server.packets + to_client.packets,
            to_server.retransmissions + to_client.retransmissions,
            record.duration(),
            close_type.name(),
        );
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: flows_from_pcap FILE")?;
    let mut source = PcapFile::open(path)?;
    let mut flows = FlowTable::new(FlowConfig::default());
    let mut decoding = DecodeStats::default();
    while let Some(frame) = source.next_frame()? {
        let decoded = decode(&frame);
        decoding.count(&decoded);
        if let Ok(packet) = decoded {
            flows.handle_packet(&packet, &mut Print);
        }
    }
    flows.finish(&mut Print);
    println!(
        "{} frames, {} of them packets, {} flows",
        decoding.frames(),
        decoding.packets,
        flows.stats().flows_ended
    );
    Ok(())
}
