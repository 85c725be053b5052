//! One connection: finds out its protocol, has it parsed, and pairs requests with responses.

use std::collections::VecDeque;
use std::sync::Arc;

use df_core::{Chunk, Timestamp, Transport};

use crate::{ConnectionConfig, Exchange, Protocol, ProtocolRow};

mod active;
mod detecting;
mod proxy_header;
mod resting;
mod started;

use active::{Active, Outputs};
use detecting::{Detecting, Verdict};
pub use resting::RestingConnection;

/// One connection (or, over UDP, one pair of endpoints): bytes in, exchanges out.
///
/// Give it every [`Chunk`] in the order of arrival, then poll exchanges until there are none. It knows no addresses, no
/// clock and no socket; it holds at most what its [`ConnectionConfig`] allows. Nothing on the wire makes it panic.
#[derive(Debug)]
pub struct Connection {
    config: Arc<ConnectionConfig>,
    exchanges: VecDeque<Exchange>,
    state: State,
    /// What goes on inside of TLS, for whoever sees that.
    inside_tls: Option<Box<Active>>,
    stats: ConnectionStats,
    transport: Transport,
    client_port: u16,
    server_port: u16,
    is_reversed: bool,
}

#[derive(Debug)]
enum State {
    Detecting(Box<Detecting>),
    Active(Box<Active>),
    Opaque,
}

/// What a connection did with its input. Bytes handled = parsed + unknown + dropped + still buffered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ConnectionStats {
    /// Chunks handled.
    pub chunks: u32,
    /// Messages read.
    pub messages: u32,
    /// Exchanges made.
    pub exchanges: u32,
    /// Times that bytes could not be parsed and the parser looked for the next message.
    pub parse_errors: u32,
    /// Times that bytes were missing and no announced body covered them.
    pub gaps: u32,
    /// Times that a protocol left the connection to another one (an upgrade, a tunnel, encryption).
    pub protocol_changes: u32,
    /// Bytes handled.
    pub bytes: u64,
    /// Bytes that a parser consumed or that had been seen before.
    pub bytes_parsed: u64,
    /// Bytes that belong to no known protocol.
    pub bytes_unknown: u64,
    /// Bytes thrown away after an error or a gap, until the next message start.
    pub bytes_dropped: u64,
}

impl Connection {
    /// A connection of which nothing is known yet.
    pub fn new(transport: Transport, config: Arc<ConnectionConfig>) -> Self {
        Self {
            config,
            exchanges: VecDeque::new(),
            state: State::Detecting(Box::default()),
            inside_tls: None,
            stats: ConnectionStats::default(),
            // What is inside of it does not tell a Unix socket's stream from one of TCP.
            transport: if transport == Transport::Unix { Transport::Tcp } else { transport },
            client_port: 0,
            server_port: 0,
            is_reversed: false,
        }
    }

    /// Tells the ports. They are a second proof where the bytes alone are not certain, never a proof.
    pub const fn with_ports(mut self, client_port: u16, server_port: u16) -> Self {
        self.client_port = client_port;
        self.server_port = server_port;
        self
    }

    /// Says which protocol the connection speaks instead of finding it out. With a row of your own this reads a
    /// protocol that the library does not know.
    pub fn with_protocol(mut self, row: &'static ProtocolRow) -> Self {
        self.state = State::Active(Box::new(Active::new(row, &self.config, self.transport)));
        self
    }

    /// Tells what the server was last found to speak (see [`Verdicts`](crate::Verdicts)): a second proof where the bytes
    /// alone are not certain. Says nothing once the protocol is known.
    pub fn expect(&mut self, protocol: Protocol) {
        if let State::Detecting(detecting) = &mut self.state {
            detecting.expected = Some(protocol);
        }
    }

    /// The connection inside of TLS, once the protocol has left this one to it and goes on there from what was agreed on in
    /// clear: for whoever sees the plain text too. Give it the plain text from its first byte on.
    #[must_use]
    pub fn take_inside_tls(&mut self) -> Option<Self> {
        let state = State::Active(self.inside_tls.take()?);
        let mut inside = Self::new(self.transport, Arc::clone(&self.config));
        inside = inside.with_ports(self.client_port, self.server_port);
        Some(Self { state, is_reversed: self.is_reversed, ..inside })
    }

    /// Takes the next bytes of one direction.
    pub fn handle_chunk(&mut self, chunk: Chunk<'_>) {
        self.stats.chunks = self.stats.chunks.saturating_add(1);
        self.stats.bytes = self.stats.bytes.saturating_add(chunk.bytes.len() as u64);
        self.dispatch(chunk);
    }

    /// Gives up requests whose response did not come in time. Call it at [`poll_timeout`](Self::poll_timeout), or now and
    /// then.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        let (active, mut outputs) = self.parts();
        if let Some(active) = active {
            active.handle_timeout(now, &mut outputs);
        }
    }

    /// The connection has ended: what was read so far leaves as it stands.
    pub fn handle_close(&mut self) {
        let (active, mut outputs) = self.parts();
        if let Some(active) = active {
            active.handle_close(&mut outputs);
        }
        if let State::Detecting(detecting) = &mut self.state {
            self.stats.bytes_unknown += detecting.release();
        }
        self.state = State::Opaque;
    }

    /// The next finished exchange.
    #[must_use]
    pub fn poll_exchange(&mut self) -> Option<Exchange> {
        let exchange = self.exchanges.pop_front();
        if exchange.is_none() && self.exchanges.capacity() > MAX_IDLE_EXCHANGES {
            self.exchanges = VecDeque::new();
        }
        exchange
    }

    /// When the next request will have waited too long.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        match &self.state {
            State::Active(active) => active.poll_timeout(),
            State::Detecting(_) | State::Opaque => None,
        }
    }

    /// The protocol, once it is known.
    pub fn protocol(&self) -> Option<Protocol> {
        match &self.state {
            State::Active(active) => Some(active.protocol()),
            State::Detecting(_) | State::Opaque => None,
        }
    }

    /// Whether the protocol shows that client and server are the other way round than the caller believes.
    pub const fn is_reversed(&self) -> bool {
        self.is_reversed
    }

    /// What was done so far.
    pub fn stats(&self) -> ConnectionStats {
        let elsewhere = self.stats.bytes_unknown + self.stats.bytes_dropped + self.buffered_bytes();
        ConnectionStats { bytes_parsed: self.stats.bytes.saturating_sub(elsewhere), ..self.stats }
    }

    /// How many bytes of its input the connection holds until more come.
    pub fn buffered_bytes(&self) -> u64 {
        match &self.state {
            State::Detecting(detecting) => detecting.buffered_bytes(),
            State::Active(active) => active.buffered_bytes(),
            State::Opaque => 0,
        }
    }

    /// One chunk may hold any number of protocols, each of which left the connection to the next: they are gone through
    /// in a loop, since the stack has no room for all of them.
    fn dispatch(&mut self, chunk: Chunk<'_>) {
        let mut rest = Some(chunk);
        while let Some(chunk) = rest {
            rest = match &mut self.state {
                State::Opaque => {
                    self.stats.bytes_unknown += chunk.bytes.len() as u64;
                    None
                }
                State::Detecting(_) => self.detect(chunk),
                State::Active(_) => self.parse(chunk),
            };
        }
    }

    /// Gives the bytes that the protocol has left to another one.
    fn parse<'a>(&mut self, mut chunk: Chunk<'a>) -> Option<Chunk<'a>> {
        if self.is_reversed {
            chunk.direction = chunk.direction.reversed();
        }
        let transport = self.transport;
        let (active, mut outputs) = self.parts();
        let active = active?;
        let rest = if transport == Transport::Tcp {
            active.handle_chunk(&chunk, &mut outputs)
        } else {
            active.handle_datagram(&chunk, &mut outputs);
            None
        };
        match active.state() {
            active::ParserState::Reading => None,
            active::ParserState::Ended => self.start_again(rest),
            active::ParserState::GaveUp => {
                self.handle_close();
                None
            }
        }
    }

    /// The protocol has left the connection: finds out what the bytes behind it are.
    fn start_again<'a>(&mut self, rest: Option<Chunk<'a>>) -> Option<Chunk<'a>> {
        let (active, mut outputs) = self.parts();
        let mut inside_tls = None;
        if let Some(active) = active {
            active.handle_close(&mut outputs);
            inside_tls = active.inside_tls().map(Box::new);
        }
        self.inside_tls = inside_tls;
        self.stats.protocol_changes = self.stats.protocol_changes.saturating_add(1);
        self.state = State::Detecting(Box::new(Detecting::at_start()));
        rest.map(|mut rest| {
            if self.is_reversed {
                rest.direction = rest.direction.reversed();
            }
            rest
        })
    }

    /// Gives the chunk back if the protocol is known now.
    fn detect<'a>(&mut self, chunk: Chunk<'a>) -> Option<Chunk<'a>> {
        let State::Detecting(detecting) = &mut self.state else { return Some(chunk) };
        let header_len = proxy_header::header_len(chunk.bytes).filter(|_| detecting.is_new());
        if let Some(rest) = header_len.and_then(|len| chunk.bytes.get(len..)) {
            self.stats.bytes_unknown += (chunk.bytes.len() - rest.len()) as u64;
            return Some(active::rest_of(&chunk, rest)).filter(|chunk| !chunk.bytes.is_empty());
        }
        let ports = [self.client_port, self.server_port];
        let question = detecting::Question { transport: self.transport, ports, config: &self.config };
        let verdict = detecting.handle_chunk(&chunk, &question);
        self.stats.bytes_unknown += detecting.take_unknown_bytes();
        match verdict {
            Verdict::Undecided { unknown_bytes } => {
                self.stats.bytes_unknown += unknown_bytes;
                None
            }
            Verdict::Unknown { unknown_bytes } => {
                self.stats.bytes_unknown += unknown_bytes + detecting.release();
                self.state = State::Opaque;
                None
            }
            Verdict::Known(known) => {
                let held = detecting.take_held();
                self.is_reversed = known.reversed;
                let mut active = Active::new(known.row, &self.config, self.transport);
                active.set_searching(known.searching);
                self.state = State::Active(Box::new(active));
                for held in &held {
                    // What of these is held again are fewer chunks than before, so this goes no deeper than their number.
                    self.dispatch(held.as_chunk());
                }
                Some(chunk)
            }
        }
    }

    fn parts(&mut self) -> (Option<&mut Active>, Outputs<'_>) {
        let outputs = Outputs {
            exchanges: &mut self.exchanges,
            stats: &mut self.stats,
            config: &self.config,
            is_reversed: self.is_reversed,
        };
        match &mut self.state {
            State::Active(active) => (Some(active), outputs),
            State::Detecting(_) | State::Opaque => (None, outputs),
        }
    }
}

/// The room for finished exchanges that an idle connection keeps.
const MAX_IDLE_EXCHANGES: usize = 8;

#[cfg(test)]
mod tests;
