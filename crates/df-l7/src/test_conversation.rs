//! Conversations for the tests of protocols: bytes of both ends in, exchanges out.

use std::sync::Arc;

use df_core::{Chunk, Direction, Timestamp, Transport};

use crate::{Connection, ConnectionConfig, Exchange};

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
