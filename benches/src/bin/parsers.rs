//! How fast each parser reads the recordings of its protocol, on one core: `cargo run --release -p df-bench --bin parsers`.
//!
//! The chunks of every recorded connection are given to a new `Connection`, detection and matching included, again and
//! again for two seconds per protocol.
#![allow(clippy::print_stdout, reason = "a command line tool prints")]

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use df_bench::recordings;
use df_capture::decode;
use df_core::{Chunk, Direction, FlowKey, Timestamp};
use df_flow::{DirectionEvidence, FlowConfig, FlowRecord, FlowSink, FlowTable};
use df_l7::{Connection, ConnectionConfig};

/// The chunks of one connection.
struct Conversation {
    key: FlowKey,
    pieces: Vec<(Direction, Timestamp, u64, Vec<u8>)>,
}

#[derive(Default)]
struct Conversations(Vec<Conversation>);

impl FlowSink<Conversation> for Conversations {
    fn opened(&mut self, key: &FlowKey) -> Conversation {
        Conversation { key: *key, pieces: Vec::new() }
    }

    fn chunk(&mut self, _: &FlowKey, state: &mut Conversation, chunk: Chunk<'_>) -> DirectionEvidence {
        state.pieces.push((chunk.direction, chunk.timestamp, chunk.offset, chunk.bytes.to_vec()));
        DirectionEvidence::None
    }

    fn ended(&mut self, _: FlowRecord, state: Conversation) {
        self.0.push(state);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let recordings = recordings()?;
    let mut protocols: Vec<&str> = recordings.iter().map(|recording| recording.protocol.as_str()).collect();
    protocols.dedup();
    println!("{:12} {:>12} {:>12} {:>8}", "protocol", "messages/s", "exchanges/s", "MB/s");
    for protocol in protocols {
        let (mut table, mut sink) = (FlowTable::new(FlowConfig::default()), Conversations::default());
        for recording in recordings.iter().filter(|recording| recording.protocol == protocol) {
            for frame in &recording.frames {
                if let Ok(packet) = decode(&frame.at(1)) {
                    table.handle_packet(&packet, &mut sink);
                }
            }
            table.finish(&mut sink);
        }
        measure(protocol, &sink.0);
    }
    Ok(())
}

#[allow(clippy::cast_precision_loss, reason = "rates for people")]
fn measure(protocol: &str, conversations: &[Conversation]) {
    let config = Arc::new(ConnectionConfig::default());
    let (mut messages, mut exchanges, mut bytes) = (0_u64, 0_u64, 0_u64);
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(2) {
        for conversation in conversations {
            let mut connection = Connection::new(conversation.key.transport, Arc::clone(&config))
                .with_ports(conversation.key.client.port, conversation.key.server.port);
            for (direction, timestamp, offset, piece) in &conversation.pieces {
                connection.handle_chunk(Chunk::new(*direction, *timestamp, *offset, piece));
                while connection.poll_exchange().is_some() {
                    exchanges += 1;
                }
            }
            messages += u64::from(connection.stats().messages);
            bytes += connection.stats().bytes;
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let rate = |count: u64| count as f64 / seconds;
    println!("{protocol:12} {:>12.0} {:>12.0} {:>8.0}", rate(messages), rate(exchanges), rate(bytes) / 1e6);
}
