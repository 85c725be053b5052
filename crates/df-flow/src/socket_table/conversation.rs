//! What is kept of one conversation of a socket.

use df_core::{
    Direction, Endpoint, EventSource, FlowKey, Socket, SocketData, SocketEvent, SocketId, SocketRole,
    StreamPosition, Task, Timestamp, Transfer, Transport,
};

use super::stretch::Stretch;
use super::{SocketConfig, SocketSink, SocketStats};

/// Who talks in a conversation, and which end is the process that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConversationEnds {
    /// The connection, client first. Its interface is number 0.
    pub key: FlowKey,
    /// Which of the ends the process is.
    pub local: LocalEnd,
    /// Where the bytes were taken.
    pub source: EventSource,
    /// The thread that moved bytes last.
    pub task: Task,
    /// Inode number of the network namespace of the socket.
    pub network_namespace: u32,
}

/// Which end of a conversation the process is that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LocalEnd {
    /// It asks.
    Client,
    /// It answers.
    Server,
}

impl ConversationEnds {
    pub(super) fn new(socket: &Socket, task: Task, data: &SocketData<'_>) -> Self {
        let local = local_end(socket, data.transfer);
        let (client, server) = match local {
            LocalEnd::Client => (socket.local, socket.remote),
            LocalEnd::Server => (socket.remote, socket.local),
        };
        let key = FlowKey::new(socket.transport, client, server);
        Self { key, local, source: data.source, task, network_namespace: socket.network_namespace }
    }

    const fn direction(&self, transfer: Transfer) -> Direction {
        match (self.local, transfer) {
            (LocalEnd::Client, Transfer::Sent) | (LocalEnd::Server, Transfer::Received) => {
                Direction::ToServer
            }
            (LocalEnd::Client, Transfer::Received) | (LocalEnd::Server, Transfer::Sent) => {
                Direction::ToClient
            }
        }
    }
}

/// The kernel knows who connected; else the lower port is the one that others know, and the first to send asks.
fn local_end(socket: &Socket, first: Transfer) -> LocalEnd {
    let (local, remote) = (socket.local.port, socket.remote.port);
    let is_server = match socket.role {
        SocketRole::Client => false,
        SocketRole::Server => true,
        SocketRole::Unknown if local.min(remote) < FIRST_EPHEMERAL_PORT && local != remote => local < remote,
        SocketRole::Unknown => first == Transfer::Received,
    };
    if is_server { LocalEnd::Server } else { LocalEnd::Client }
}

/// Names a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) socket: SocketId,
    pub(super) lane: Lane,
}

/// Which of a socket's conversations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Lane {
    /// The bytes as they travel.
    Stream,
    /// What is inside, where they are encrypted.
    Plaintext,
    /// Datagrams to and from one peer.
    Datagrams(Endpoint),
}

impl Lane {
    pub(super) fn of(socket: &Socket, data: &SocketData<'_>) -> Self {
        match data.position {
            StreamPosition::Tcp(_) | StreamPosition::Counted { .. } => Self::Stream,
            StreamPosition::Plaintext { .. } => Self::Plaintext,
            StreamPosition::Datagram => Self::Datagrams(socket.remote),
        }
    }

    /// All that a socket may have, as far as its closing tells the peer.
    pub(super) fn all_of(socket: &Socket) -> impl Iterator<Item = Self> + use<> {
        let lanes = match socket.transport {
            Transport::Tcp | Transport::Unix => [Some(Self::Stream), Some(Self::Plaintext)],
            _ => [Some(Self::Datagrams(socket.remote)), None],
        };
        lanes.into_iter().flatten()
    }
}

/// A conversation in the table.
#[derive(Debug)]
pub(super) struct Conversation<S> {
    pub(super) key: Key,
    /// Tells it from later ones at the same place of the table.
    pub(super) number: u64,
    /// When the wheel will find it, in nanoseconds of the table's clock.
    pub(super) found_ns: Option<u64>,
    ends: ConversationEnds,
    stretches: [Stretch; 2],
    last_seen: Timestamp,
    state: S,
}

impl<S> Conversation<S> {
    pub(super) fn new(key: Key, ends: ConversationEnds, number: u64, state: S) -> Self {
        let stretches = [Stretch::default(), Stretch::default()];
        Self { key, number, found_ns: None, ends, stretches, last_seen: Timestamp::ZERO, state }
    }

    pub(super) const fn state(&mut self) -> &mut S {
        &mut self.state
    }

    pub(super) fn handle_data(
        &mut self,
        event: &SocketEvent<'_>,
        data: &SocketData<'_>,
        config: &SocketConfig,
        stats: &mut SocketStats,
        sink: &mut impl SocketSink<S>,
    ) {
        self.last_seen = self.last_seen.max(event.timestamp);
        self.ends.task = event.task;
        let direction = self.ends.direction(data.transfer);
        let Self { ends, stretches, state, .. } = self;
        let stretch = &mut stretches[direction.index()];
        stretch.handle(direction, event.timestamp, data, stats, |chunk| sink.chunk(ends, state, chunk));
        if stretch.held_bytes() > config.max_out_of_order_bytes || stretch.holds_too_many() {
            stats.gaps_forced += 1;
            stretch.give_up_hole(direction, stats, |chunk| sink.chunk(ends, state, chunk));
        }
    }

    /// Time has passed: gives up bytes that are missing for long, and tells the state if it wanted that.
    pub(super) fn handle_timeout(
        &mut self,
        now: Timestamp,
        config: &SocketConfig,
        stats: &mut SocketStats,
        sink: &mut impl SocketSink<S>,
    ) {
        let Self { ends, stretches, state, .. } = self;
        for (stretch, direction) in stretches.iter_mut().zip(Direction::BOTH) {
            if stretch.hole_since().is_some_and(|since| now.since(since) >= config.max_hole_age) {
                stretch.give_up_hole(direction, stats, |chunk| sink.chunk(ends, state, chunk));
            }
        }
        if sink.deadline(state).is_some_and(|deadline| deadline <= now) {
            sink.timed_out(ends, state, now);
        }
    }

    /// Delivers all that is held, over whatever is missing.
    pub(super) fn give_up_holes(&mut self, stats: &mut SocketStats, sink: &mut impl SocketSink<S>) {
        let Self { ends, stretches, state, .. } = self;
        for (stretch, direction) in stretches.iter_mut().zip(Direction::BOTH) {
            while stretch.hole_since().is_some() {
                stretch.give_up_hole(direction, stats, |chunk| sink.chunk(ends, state, chunk));
            }
        }
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.stretches.iter().map(Stretch::held_bytes).sum()
    }

    /// When the conversation ends if nothing more happens.
    pub(super) fn idle_deadline(&self, config: &SocketConfig) -> Timestamp {
        let timeout = match self.key.lane {
            Lane::Stream | Lane::Plaintext => config.stream_timeout,
            Lane::Datagrams(_) => config.datagram_timeout,
        };
        self.last_seen.saturating_add(timeout)
    }

    /// When it must be looked at next.
    pub(super) fn next_deadline(&self, config: &SocketConfig, sink: &impl SocketSink<S>) -> Timestamp {
        let holes = self.stretches.iter().filter_map(Stretch::hole_since);
        let holes = holes.map(|since| since.saturating_add(config.max_hole_age));
        let idle = self.idle_deadline(config);
        holes.chain(sink.deadline(&self.state)).fold(idle, Timestamp::min)
    }

    pub(super) fn end(self, sink: &mut impl SocketSink<S>) {
        sink.ended(&self.ends, self.state);
    }
}

/// Where Linux begins to number the ports of those that connect (`net.ipv4.ip_local_port_range`).
const FIRST_EPHEMERAL_PORT: u16 = 32_768;
