//! What a system call or a TLS hook saw of a socket.

use crate::{CausalId, Endpoint, EventSource, Task, Timestamp, Transport};

/// What a process did with a socket: the counterpart of a [`Packet`](crate::Packet) inside the host.
///
/// Events of one socket may come out of order, since each processor has a ring of its own: data is put in order by its
/// position, and an opening that comes late tells what it tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SocketEvent<'a> {
    /// When it happened: the entry of a call that sends, the exit of one that receives.
    pub timestamp: Timestamp,
    /// The socket and its ends.
    pub socket: Socket,
    /// The thread.
    pub task: Task,
    /// What was done.
    pub activity: SocketActivity<'a>,
}

impl<'a> SocketEvent<'a> {
    /// An event from its parts.
    pub const fn new(timestamp: Timestamp, socket: Socket, task: Task, activity: SocketActivity<'a>) -> Self {
        Self { timestamp, socket, task, activity }
    }
}

/// A socket, and who is at its ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Socket {
    /// Names the socket as long as it lives, on this host.
    pub id: SocketId,
    /// The transport.
    pub transport: Transport,
    /// The end of this process. IPv4 addresses mapped into IPv6 are given as IPv4.
    pub local: Endpoint,
    /// The other end.
    pub remote: Endpoint,
    /// Inode number of the network namespace in which the ends have these addresses.
    pub network_namespace: u32,
    /// Whether the process asks or answers, where the kernel can tell.
    pub role: SocketRole,
}

impl Socket {
    /// A socket of unknown role in an unknown namespace.
    pub const fn new(id: SocketId, transport: Transport, local: Endpoint, remote: Endpoint) -> Self {
        Self { id, transport, local, remote, network_namespace: 0, role: SocketRole::Unknown }
    }

    /// Says in which namespace it is.
    pub const fn with_network_namespace(mut self, inode: u32) -> Self {
        self.network_namespace = inode;
        self
    }

    /// Says which end the process is.
    pub const fn with_role(mut self, role: SocketRole) -> Self {
        self.role = role;
        self
    }
}

/// Names a socket as long as it lives, on one host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SocketId(pub u64);

/// Which end of a connection a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SocketRole {
    /// Not known.
    #[default]
    Unknown,
    /// It connected.
    Client,
    /// It accepted, or listens at the local port.
    Server,
}

/// What was done with a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SocketActivity<'a> {
    /// It was connected or accepted.
    Opened,
    /// Bytes went through it.
    Data(SocketData<'a>),
    /// It was closed.
    Closed,
}

/// Bytes that went through a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SocketData<'a> {
    /// Whether the process sent or received them.
    pub transfer: Transfer,
    /// Where they were taken.
    pub source: EventSource,
    /// Where the first byte stands in its direction.
    pub position: StreamPosition,
    /// The bytes themselves.
    pub bytes: &'a [u8],
    /// How many bytes there were before the rest was left out; at least `bytes.len()`.
    pub original_len: usize,
    /// When the call began.
    pub entry: Timestamp,
    /// When the call came back.
    pub exit: Timestamp,
    /// The name of the system call or function, such as `recvfrom` or `SSL_read`.
    pub function: &'static str,
    /// What this thread received before and sends because of it shares this id.
    pub causal_id: Option<CausalId>,
}

impl<'a> SocketData<'a> {
    /// Bytes that are complete, moved by one call.
    pub const fn new(
        transfer: Transfer,
        source: EventSource,
        position: StreamPosition,
        bytes: &'a [u8],
        called: [Timestamp; 2],
    ) -> Self {
        let [entry, exit] = called;
        let original_len = bytes.len();
        Self { transfer, source, position, bytes, original_len, entry, exit, function: "", causal_id: None }
    }

    /// Says how many bytes there were before the rest was left out. Values below `bytes.len()` are raised to it.
    pub const fn with_original_len(mut self, original_len: usize) -> Self {
        self.original_len = if original_len < self.bytes.len() { self.bytes.len() } else { original_len };
        self
    }

    /// Names the system call or function.
    pub const fn with_function(mut self, function: &'static str) -> Self {
        self.function = function;
        self
    }

    /// Gives the causal id.
    pub const fn with_causal_id(mut self, causal_id: Option<CausalId>) -> Self {
        self.causal_id = causal_id;
        self
    }
}

/// Whether bytes left the process or came to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transfer {
    /// The process sent them.
    Sent,
    /// The process received them.
    Received,
}

/// Where bytes stand in one direction of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StreamPosition {
    /// At a TCP sequence number: that which the packets carry.
    Tcp(u32),
    /// In the plain text of an encrypted stream.
    Plaintext {
        /// How many bytes of plain text came before, as far as they were seen.
        offset: u64,
        /// TCP sequence number of the first record that carries them, where it is known.
        sequence_number: Option<u32>,
    },
    /// In a stream that the kernel does not number, as that of a Unix socket.
    Counted {
        /// How many bytes came before, as far as they were seen.
        offset: u64,
        /// Whether that is since the connection was made: then both ends count alike.
        is_from_start: bool,
    },
    /// A datagram, which stands alone.
    Datagram,
}
