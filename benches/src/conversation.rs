//! Recorded conversations as chunks, to be read again and again.

use std::sync::Arc;

use df_capture::decode;
use df_core::{Chunk, Direction, FlowKey, Timestamp};
use df_flow::{DirectionEvidence, FlowConfig, FlowRecord, FlowSink, FlowTable};
use df_l7::{Connection, ConnectionConfig};

use crate::Recording;

/// The chunks of one connection.
#[derive(Debug)]
pub struct Conversation {
    key: FlowKey,
    pieces: Vec<(Direction, Timestamp, u64, Vec<u8>)>,
}

/// What was read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reading {
    /// Messages.
    pub messages: u64,
    /// Exchanges.
    pub exchanges: u64,
    /// Bytes of application protocols.
    pub bytes: u64,
}

impl Conversation {
    /// One without bytes yet.
    pub const fn new(key: FlowKey) -> Self {
        Self { key, pieces: Vec::new() }
    }

    /// Adds bytes behind those that the direction has.
    pub fn push(&mut self, direction: Direction, timestamp: Timestamp, bytes: &[u8]) {
        let before = self.pieces.iter().rfind(|(of, ..)| *of == direction);
        let offset = before.map_or(0, |(_, _, offset, bytes)| offset + bytes.len() as u64);
        self.pieces.push((direction, timestamp, offset, bytes.to_vec()));
    }

    /// Has a new connection find out the protocol and read everything.
    pub fn read(&self, config: &Arc<ConnectionConfig>, reading: &mut Reading) {
        let mut connection = Connection::new(self.key.transport, Arc::clone(config))
            .with_ports(self.key.client.port, self.key.server.port);
        for (direction, timestamp, offset, piece) in &self.pieces {
            connection.handle_chunk(Chunk::new(*direction, *timestamp, *offset, piece));
            while connection.poll_exchange().is_some() {
                reading.exchanges += 1;
            }
        }
        reading.messages += u64::from(connection.stats().messages);
        reading.bytes += connection.stats().bytes;
    }
}

/// The conversations of every protocol, by its name.
pub fn conversations(recordings: &[Recording]) -> Vec<(&str, Vec<Conversation>)> {
    let same_protocol = recordings.chunk_by(|one, next| one.protocol == next.protocol);
    same_protocol
        .filter_map(|group| {
            let mut sink = Conversations::default();
            for recording in group {
                let mut table = FlowTable::new(FlowConfig::default());
                for frame in &recording.frames {
                    if let Ok(packet) = decode(&frame.at(1)) {
                        table.handle_packet(&packet, &mut sink);
                    }
                }
                table.finish(&mut sink);
            }
            group.first().map(|recording| (recording.protocol.as_str(), sink.0))
        })
        .collect()
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
