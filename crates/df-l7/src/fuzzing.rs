//! The laws that hold for every protocol and any bytes: bodies of fuzz targets and property tests, not part of the API.

use std::sync::Arc;

use df_core::{Chunk, Direction, Timestamp, Transport};

use crate::ai::TIME_TO_FIRST_CHUNK;
use crate::protocols::tls::HANDSHAKE_DURATION;
use crate::{Connection, ConnectionConfig, Exchange, Protocol, ProtocolRow};

mod compressed;
mod text;

pub use compressed::decompress;
pub use text::{context, sql};

/// A piece of a conversation.
#[derive(Debug, Clone)]
pub struct Piece {
    /// Who sent it.
    pub direction: Direction,
    /// What was captured.
    pub bytes: Vec<u8>,
    /// Bytes cut from its end.
    pub truncated: usize,
    /// Bytes lost before it.
    pub lost: usize,
}

/// Which response was given to which request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    request_id: Option<u64>,
    /// What request and response say they are, carried by another protocol.
    carried: [Option<Protocol>; 2],
    kind: String,
    resource: Option<String>,
    code: Option<String>,
}

impl Pair {
    /// Whether this is `whole` with something unknown.
    pub fn is_part_of(&self, whole: &Self) -> bool {
        let is_cut = |part: &Option<String>, all: &Option<String>| match (part, all) {
            (None, _) => true,
            (Some(part), Some(all)) => all.starts_with(part.as_str()),
            (Some(_), None) => false,
        };
        // Without the field that tells the carried protocol, a message is shown in the words of its carrier.
        let is_carrier = |side: usize| self.carried[side].is_none() && whole.carried[side].is_some();
        let is_kind = self.kind.is_empty() || self.kind == whole.kind;
        self.request_id == whole.request_id
            && (is_carrier(0) || (is_kind && is_cut(&self.resource, &whole.resource)))
            && (is_carrier(1) || self.code.is_none() || self.code == whole.code)
    }
}

/// Reads any bytes as a conversation over TCP, found out or of one protocol, and checks what must always hold.
pub fn stream(protocol: Option<Protocol>, data: &[u8]) {
    let pieces = pieces_of(data);
    let config = Arc::new(small_config());
    let connection = || connection_of(protocol, Transport::Tcp, &config);
    let whole = observe(connection(), &pieces, &config);
    if pieces.iter().any(|piece| piece.truncated + piece.lost > 0) || protocol.is_none() {
        return;
    }
    if whole.is_clean {
        let split = observe(connection(), &split(&pieces, data.len() % 7 + 1), &config);
        assert_eq!(whole.exchanges, split.exchanges, "exchanges must not depend on how the bytes are cut");
    }
}

/// Reads any bytes as a conversation of datagrams, found out or of one protocol, and checks what must always hold.
pub fn datagrams(protocol: Option<Protocol>, data: &[u8]) {
    let config = Arc::new(small_config());
    observe(connection_of(protocol, Transport::Udp, &config), &pieces_of(data), &config);
}

/// What a conversation gave.
#[derive(Debug)]
pub struct Observation {
    /// The exchanges without their times, as text, in order.
    pub exchanges: Vec<String>,
    /// Which request was paired with which response.
    pub pairs: Vec<Pair>,
    /// Whether it was a whole conversation of one protocol: every byte understood, no message left unfinished, every
    /// request answered.
    pub is_clean: bool,
}

/// Runs a conversation through a connection, checking its bounds and its account on the way.
pub fn observe(mut connection: Connection, pieces: &[Piece], config: &ConnectionConfig) -> Observation {
    let (mut exchanges, mut pairs) = (Vec::new(), Vec::new());
    let mut offsets = [0_u64; 2];
    let bound = 2 * config.max_buffered_bytes as u64 + 65_536;
    for (at, piece) in (1..).zip(pieces) {
        let offset = &mut offsets[piece.direction.index()];
        *offset += piece.lost as u64;
        let chunk = Chunk::new(piece.direction, Timestamp::from_nanos(at), *offset, &piece.bytes)
            .with_original_len(piece.bytes.len() + piece.truncated);
        *offset = chunk.end_offset();
        connection.handle_chunk(chunk);
        assert!(connection.buffered_bytes() <= bound, "a connection holds no more than its bound");
        while let Some(exchange) = connection.poll_exchange() {
            pairs.extend(pair_of(&exchange));
            exchanges.push(without_times(&exchange));
        }
    }
    let stats = connection.stats();
    let elsewhere = stats.bytes_unknown + stats.bytes_dropped + connection.buffered_bytes();
    assert_eq!(stats.bytes, stats.bytes_parsed + elsewhere, "every byte is accounted for");
    // What follows a protocol that left the connection must be found out, and detection answers what it is asked: it
    // gives up on a chunk that fits nothing, where the same bytes in smaller ones may still become something.
    let is_clean = stats.parse_errors == 0
        && stats.bytes_unknown == 0
        && stats.bytes_dropped == 0
        && stats.gaps == 0
        && stats.protocol_changes == 0;
    connection.handle_timeout(Timestamp::from_parts(100_000, 0));
    connection.handle_close();
    while let Some(exchange) = connection.poll_exchange() {
        pairs.extend(pair_of(&exchange));
        exchanges.push(without_times(&exchange));
    }
    assert_eq!(connection.poll_timeout(), None, "a closed connection waits for nothing");
    let is_clean = is_clean
        && connection.stats().parse_errors == 0
        && pairs.len() == exchanges.len()
        && !pairs.is_empty();
    Observation { exchanges, pairs, is_clean }
}

/// The same conversation in pieces of at most `len` bytes.
pub fn split(pieces: &[Piece], len: usize) -> Vec<Piece> {
    let cut = |piece: &Piece| -> Vec<Piece> {
        let parts = piece.bytes.chunks(len.max(1)).map(|bytes| Piece {
            direction: piece.direction,
            bytes: bytes.to_vec(),
            truncated: 0,
            lost: 0,
        });
        let mut parts: Vec<Piece> = parts.collect();
        if let Some(first) = parts.first_mut() {
            first.lost = piece.lost;
        }
        if let Some(last) = parts.last_mut() {
            last.truncated = piece.truncated;
        }
        parts
    };
    pieces.iter().flat_map(cut).collect()
}

fn connection_of(
    protocol: Option<Protocol>,
    transport: Transport,
    config: &Arc<ConnectionConfig>,
) -> Connection {
    let connection = Connection::new(transport, Arc::clone(config));
    match protocol.and_then(row_of) {
        Some(row) => connection.with_protocol(row),
        None => connection,
    }
}

fn row_of(protocol: Protocol) -> Option<&'static ProtocolRow> {
    crate::protocols::PROTOCOLS.iter().find(|row| row.protocol == protocol)
}

fn small_config() -> ConnectionConfig {
    ConnectionConfig { max_buffered_bytes: 4_096, max_pending_requests: 16, ..ConnectionConfig::default() }
}

/// Each piece has a head of two bytes: the lowest bit of the first is its direction, the next two ask for truncation and
/// loss; the second byte is its length.
fn pieces_of(mut data: &[u8]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    while let [flags, len, rest @ ..] = data {
        let len = if flags & 8 == 0 { usize::from(*len) } else { usize::from(*len) * 16 };
        let (bytes, after) = rest.split_at(len.min(rest.len()));
        let direction = if flags & 1 == 0 { Direction::ToServer } else { Direction::ToClient };
        let truncated = if flags & 2 == 0 { 0 } else { usize::from(flags >> 4) + 1 };
        let lost = if flags & 4 == 0 { 0 } else { usize::from(flags >> 4) * 9 + 1 };
        if !bytes.is_empty() {
            pieces.push(Piece { direction, bytes: bytes.to_vec(), truncated, lost });
        }
        data = after;
    }
    pieces
}

/// The pieces of a conversation as the bytes that [`stream`] and [`datagrams`] read: seeds for a corpus.
pub fn encode(pieces: &[Piece]) -> Vec<u8> {
    let mut data = Vec::new();
    for piece in pieces {
        for bytes in piece.bytes.chunks(usize::from(u8::MAX)) {
            data.push(u8::from(piece.direction == Direction::ToClient));
            data.push(u8::try_from(bytes.len()).unwrap_or(u8::MAX));
            data.extend_from_slice(bytes);
        }
    }
    data
}

/// What identifies the halves of a complete exchange.
fn pair_of(exchange: &Exchange) -> Option<Pair> {
    let (request, response) = (exchange.request.as_ref()?, exchange.response.as_ref()?);
    let (request, response) = (&request.content, &response.content);
    Some(Pair {
        request_id: exchange.request_id,
        carried: [request.protocol, response.protocol],
        kind: request.kind.to_string(),
        resource: request.resource.clone(),
        code: response.code.as_deref().map(str::to_owned),
    })
}

/// Everything an exchange says but when.
fn without_times(exchange: &Exchange) -> String {
    let mut exchange = exchange.clone();
    if let Some(request) = &mut exchange.request {
        (request.start, request.end) = (Timestamp::ZERO, Timestamp::ZERO);
    }
    if let Some(response) = &mut exchange.response {
        (response.start, response.end) = (Timestamp::ZERO, Timestamp::ZERO);
        let attributes = std::mem::take(&mut response.content.attributes);
        let is_time = |key: &str| key == TIME_TO_FIRST_CHUNK || key == HANDSHAKE_DURATION;
        for attribute in attributes.into_iter().filter(|attribute| !is_time(&attribute.key)) {
            response.content.attributes.push(attribute.key, attribute.value);
        }
    }
    format!("{exchange:?}")
}
