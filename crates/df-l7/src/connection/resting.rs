//! Connections of which nothing is in progress, in little memory.

use std::num::NonZeroU64;
use std::sync::Arc;

use df_core::Transport;

use super::active::Active;
use super::{Connection, State};
use crate::{ConnectionConfig, Protocol, ProtocolRow};

/// A [`Connection`] that rests: no message has begun, no request waits and the parser remembers nothing.
#[derive(Debug)]
pub struct RestingConnection {
    state: RestingState,
    transport: Transport,
    client_port: u16,
    server_port: u16,
    is_reversed: bool,
}

#[derive(Debug)]
enum RestingState {
    /// No bytes were seen.
    New {
        expected: Option<Protocol>,
    },
    /// Where each direction stands, plus one; none where no bytes were seen.
    Between {
        row: &'static ProtocolRow,
        offsets: [Option<NonZeroU64>; 2],
    },
    Opaque,
}

impl Connection {
    /// Packs the connection if nothing of it is in progress; gives it back otherwise. What was counted until now is
    /// forgotten: ask for [`stats`](Self::stats) before.
    pub fn rest(self) -> Result<RestingConnection, Box<Self>> {
        if !self.exchanges.is_empty() {
            return Err(Box::new(self));
        }
        let state = match &self.state {
            State::Detecting(detecting) if detecting.is_new() => {
                RestingState::New { expected: detecting.expected }
            }
            State::Active(active) => match active.offsets_at_rest() {
                Some(offsets) => RestingState::Between {
                    row: active.row(),
                    offsets: offsets.map(|offset| NonZeroU64::new(offset?.saturating_add(1))),
                },
                None => return Err(Box::new(self)),
            },
            State::Opaque => RestingState::Opaque,
            State::Detecting(_) => return Err(Box::new(self)),
        };
        let Self { transport, client_port, server_port, is_reversed, .. } = self;
        Ok(RestingConnection { state, transport, client_port, server_port, is_reversed })
    }
}

impl RestingConnection {
    /// The connection, ready for more. `config` is the one that it had before.
    pub fn wake(self, config: Arc<ConnectionConfig>) -> Connection {
        let mut connection =
            Connection::new(self.transport, config).with_ports(self.client_port, self.server_port);
        connection.is_reversed = self.is_reversed;
        match self.state {
            RestingState::New { expected } => {
                if let Some(expected) = expected {
                    connection.expect(expected);
                }
            }
            RestingState::Between { row, offsets } => {
                let mut active = Active::new(row, &connection.config, self.transport);
                active.resume_at(offsets.map(|offset| Some(offset?.get() - 1)));
                connection.state = State::Active(Box::new(active));
            }
            RestingState::Opaque => connection.state = State::Opaque,
        }
        connection
    }
}

#[cfg(test)]
mod tests {
    use df_core::{Chunk, Direction, Timestamp};

    use super::*;

    const ASK: &[u8] = b"GET /a HTTP/1.1\r\nHost: a.test\r\n\r\n";
    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    fn exchange(connection: &mut Connection, number: u64) -> usize {
        let at = |bytes: &[u8]| number * bytes.len() as u64;
        let time = Timestamp::from_nanos(number + 1);
        connection.handle_chunk(Chunk::new(Direction::ToServer, time, at(ASK), ASK));
        connection.handle_chunk(Chunk::new(Direction::ToClient, time, at(ANSWER), ANSWER));
        std::iter::from_fn(|| connection.poll_exchange()).filter(|one| one.response.is_some()).count()
    }

    #[test]
    fn a_connection_goes_on_where_it_rested() {
        let config = Arc::new(ConnectionConfig::default());
        let mut connection = Connection::new(Transport::Tcp, Arc::clone(&config)).with_ports(40_000, 80);
        connection = connection.rest().unwrap().wake(Arc::clone(&config));
        for number in 0..3 {
            assert_eq!(exchange(&mut connection, number), 1);
            connection = connection.rest().unwrap().wake(Arc::clone(&config));
            assert_eq!(connection.protocol(), Some(Protocol::Http1));
        }
        assert_eq!(connection.stats().gaps, 0);
        let later = Chunk::new(Direction::ToServer, Timestamp::from_nanos(9), 4 * ASK.len() as u64, ASK);
        connection.handle_chunk(later);
        assert_eq!(connection.stats().gaps, 1, "it knows what it has missed");
    }

    #[test]
    fn what_is_in_progress_does_not_rest() {
        let config = Arc::new(ConnectionConfig::default());
        let mut connection = Connection::new(Transport::Tcp, Arc::clone(&config)).with_ports(40_000, 80);
        let ask = |offset: usize, bytes| {
            Chunk::new(Direction::ToServer, Timestamp::from_nanos(1), offset as u64, bytes)
        };
        for (offset, bytes) in [(0, &ASK[..9]), (9, &ASK[9..])] {
            connection.handle_chunk(ask(offset, bytes));
            connection = *connection.rest().unwrap_err();
        }
        connection.handle_chunk(Chunk::new(Direction::ToClient, Timestamp::from_nanos(2), 0, ANSWER));
        connection = *connection.rest().unwrap_err();
        assert!(connection.poll_exchange().is_some());
        assert!(connection.rest().is_ok());
    }
}
