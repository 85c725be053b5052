//! Conversations for the tests of protocols: bytes of both ends in, exchanges out.

use std::sync::Arc;

use df_core::{Chunk, Direction, Timestamp, Transport};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::fuzzing::{Piece, observe};
use crate::{Connection, ConnectionConfig, Exchange, ProtocolRow};

/// What a connection finds out and makes of these turns over TCP, whose bytes come in pieces of at most `piece_len`.
pub(crate) fn exchanges_of<B: AsRef<[u8]>>(turns: &[(Direction, B)], piece_len: usize) -> Vec<Exchange> {
    let config = Arc::new(ConnectionConfig::default());
    exchanges_with(Connection::new(Transport::Tcp, config), turns, piece_len)
}

/// The same with a connection of the caller's. A turn without bytes is a gap of a thousand; turns are 10 ms apart.
pub(crate) fn exchanges_with<B: AsRef<[u8]>>(
    mut connection: Connection,
    turns: &[(Direction, B)],
    piece_len: usize,
) -> Vec<Exchange> {
    let (mut offsets, mut clock) = ([0_u64; 2], 0);
    for (direction, bytes) in turns {
        clock += 10_000_000;
        let offset = &mut offsets[direction.index()];
        if bytes.as_ref().is_empty() {
            *offset += 1_000;
        }
        for piece in bytes.as_ref().chunks(piece_len) {
            connection.handle_chunk(Chunk::new(*direction, Timestamp::from_nanos(clock), *offset, piece));
            *offset += piece.len() as u64;
        }
    }
    connection.handle_close();
    std::iter::from_fn(|| connection.poll_exchange()).collect()
}

/// What a line says of each exchange of these turns over TCP, which is the same however they are cut.
#[track_caller]
pub(crate) fn lines_however_cut<B: AsRef<[u8]>>(
    turns: &[(Direction, B)],
    line: impl Fn(&Exchange) -> String,
) -> Vec<String> {
    let lines = |piece_len| -> Vec<String> { exchanges_of(turns, piece_len).iter().map(&line).collect() };
    let whole = lines(usize::MAX);
    for piece_len in [1, 2, 3, 5, 11, 16, 17, 33, 64] {
        assert_eq!(lines(piece_len), whole, "in pieces of {piece_len}");
    }
    whole
}

/// Bytes that are not what they were: where, and what.
pub(crate) type Flips = Vec<(Index, u8)>;

/// A few changed bytes.
pub(crate) fn any_flips() -> impl Strategy<Value = Flips> {
    prop::collection::vec((any::<Index>(), any::<u8>()), 0..8)
}

/// Lets a connection read bytes of which some are changed, lost, cut or sent by the wrong end, and checks what always holds.
pub(crate) fn check_survival(
    row: &'static ProtocolRow,
    transport: Transport,
    bytes: &[u8],
    flips: &Flips,
    piece_len: usize,
) {
    let mut bytes = bytes.to_vec();
    let len = bytes.len();
    for (place, byte) in flips.iter().filter(|_| len > 0) {
        bytes[place.index(len)] = *byte;
    }
    let piece = |(at, piece): (usize, &[u8])| Piece {
        direction: if at % 3 == 0 { Direction::ToClient } else { Direction::ToServer },
        bytes: piece.to_vec(),
        truncated: at % 5 / 4,
        lost: at % 7 / 6,
    };
    let pieces: Vec<Piece> = bytes.chunks(piece_len).enumerate().map(piece).collect();
    let config = ConnectionConfig::default();
    let connection = Connection::new(transport, Arc::new(config.clone())).with_protocol(row);
    observe(connection, &pieces, &config);
}

/// One line for a message to a broker: what, to where, and how it went.
pub(crate) fn message_line(exchange: &Exchange) -> String {
    let response = exchange.response.as_ref().map(|response| &response.content);
    let code = response.and_then(|response| response.code.as_deref()).unwrap_or("-");
    format!("{} {code}", asked_line(exchange))
}

/// The same without what was answered.
pub(crate) fn asked_line(exchange: &Exchange) -> String {
    let request = exchange.asked();
    let kind = request.map_or("?", |request| &request.kind);
    let name = request.and_then(|request| request.endpoint.as_deref()).unwrap_or("-");
    format!("{} {kind} {name} {}", exchange.kind.name(), exchange.status().name())
}

/// One line for a remote procedure call: what was called in which trace, and how it went.
pub(crate) fn call_line(exchange: &Exchange) -> String {
    let asked = exchange.asked().map(|request| {
        let context = request.context.as_ref();
        let trace = context.and_then(|context| context.trace_id.clone()).unwrap_or_default();
        format!("{} {} {trace}", request.kind, request.endpoint.as_deref().unwrap_or("-"))
            .trim_end()
            .to_owned()
    });
    let response = exchange.response.as_ref().map(|response| &response.content);
    let code = response.and_then(|response| response.code.as_deref()).unwrap_or_default();
    let text = response.and_then(|response| response.exception.as_deref()).unwrap_or_default();
    let (kind, status) = (exchange.kind.name(), exchange.status().name());
    let id = exchange.request_id.unwrap_or_default();
    format!("{kind} {id} {}: {status} {code} {text}", asked.as_deref().unwrap_or("?")).trim_end().to_owned()
}

/// A turn of the client.
pub(crate) fn up(bytes: Vec<u8>) -> (Direction, Vec<u8>) {
    (Direction::ToServer, bytes)
}

/// A turn of the server.
pub(crate) fn down(bytes: Vec<u8>) -> (Direction, Vec<u8>) {
    (Direction::ToClient, bytes)
}
