//! What came through a ring, in df's terms: the pure half of the crate, which builds everywhere.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use df_core::{
    CausalId, Command, Endpoint, EventSource, Socket, SocketActivity, SocketData, SocketEvent, SocketId,
    SocketRole, StreamPosition, Task, Timestamp, Transfer, Transport, UnixAddress,
};

use crate::ClockOffset;
use crate::abi::{Endpoints, FUNCTIONS, ProcessDetails, Record, flag, kind};

/// What the programs saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A process did something with a socket.
    Socket(SocketEvent<'a>),
    /// A process started, became another program or ended.
    Process(ProcessEvent<'a>),
    /// The path that leads to the server of a Unix socket's connection, told before the connection's other events as far as the
    /// order of events goes. [`Probes`](crate::Probes) puts it into their ends and does not hand it out.
    Path(SocketId, &'a [u8]),
}

/// A process that started, became another program or ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProcessEvent<'a> {
    /// When.
    pub timestamp: Timestamp,
    /// Its first thread.
    pub task: Task,
    /// The process that started it, in the PID namespace of the host.
    pub parent_pid: u32,
    /// When it started, in nanoseconds since the host did (`CLOCK_BOOTTIME`): with the pid it names the process.
    pub start_ns: u64,
    /// What happened.
    pub change: ProcessChange<'a>,
}

/// What happened to a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProcessChange<'a> {
    /// It was forked from its parent.
    Started,
    /// It runs another program from now on.
    Executed {
        /// The path as it was given, up to 127 bytes of it.
        path: &'a [u8],
    },
    /// It ended.
    Exited {
        /// The status as `wait` gives it: the exit code times 256, or the number of the signal.
        status: u32,
    },
}

/// Why bytes are no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// There are fewer bytes than the record says or needs.
    #[error("the record ends early")]
    TooShort,
    /// The record's kind is unknown.
    #[error("a record of unknown kind")]
    UnknownKind,
    /// A field has a value that it cannot have.
    #[error("the record's {0} is impossible")]
    Impossible(&'static str),
}

/// Reads one record of a ring. Never panics, whatever the bytes.
pub fn decode_event(record: &[u8], clock: ClockOffset) -> Result<Event<'_>, RecordError> {
    let record = Record::parse(record)?;
    match record.kind {
        kind::DATA => data_event(&record, clock),
        kind::OPENED => socket_event(&record, clock.unix(record.entry_ns), SocketActivity::Opened),
        kind::CLOSED => socket_event(&record, clock.unix(record.entry_ns), SocketActivity::Closed),
        kind::PATH => Ok(Event::Path(SocketId(record.socket_id), record.payload)),
        kind::EXEC | kind::FORK | kind::EXIT => process_event(&record, clock),
        _ => Err(RecordError::UnknownKind),
    }
}

fn data_event<'a>(record: &Record<'a>, clock: ClockOffset) -> Result<Event<'a>, RecordError> {
    let transfer = match record.transfer {
        1 => Transfer::Sent,
        2 => Transfer::Received,
        _ => return Err(RecordError::Impossible("transfer")),
    };
    let entry = clock.unix(record.entry_ns);
    let exit = clock.unix(record.exit().as_nanos());
    let original_len = usize::try_from(record.original_bytes).unwrap_or(usize::MAX);
    let data =
        SocketData::new(transfer, source_of(record)?, position_of(record), record.payload, [entry, exit])
            .with_original_len(original_len)
            .with_function(FUNCTIONS.get(usize::from(record.function)).copied().unwrap_or_default())
            .with_causal_id(CausalId::new(record.causal_id));
    let timestamp = if transfer == Transfer::Sent { entry } else { exit };
    socket_event(record, timestamp, SocketActivity::Data(data))
}

fn source_of(record: &Record<'_>) -> Result<EventSource, RecordError> {
    match record.source {
        0 => Ok(EventSource::Syscall),
        1 => Ok(EventSource::OpenSsl),
        2 => Ok(EventSource::GoTls),
        _ => Err(RecordError::Impossible("source")),
    }
}

fn position_of(record: &Record<'_>) -> StreamPosition {
    let has_sequence_number = record.flags & flag::HAS_SEQUENCE_NUMBER != 0;
    if record.flags & flag::IS_PLAINTEXT != 0 {
        let sequence_number = has_sequence_number.then_some(record.sequence_number);
        return StreamPosition::Plaintext { offset: record.offset, sequence_number };
    }
    if record.flags & flag::IS_COUNTED != 0 {
        return StreamPosition::Counted { offset: record.offset, is_from_start: has_sequence_number };
    }
    if has_sequence_number {
        return StreamPosition::Tcp(record.sequence_number);
    }
    StreamPosition::Datagram
}

fn socket_event<'a>(
    record: &Record<'a>,
    timestamp: Timestamp,
    activity: SocketActivity<'a>,
) -> Result<Event<'a>, RecordError> {
    Ok(Event::Socket(SocketEvent::new(timestamp, socket_of(record)?, task_of(record), activity)))
}

fn socket_of(record: &Record<'_>) -> Result<Socket, RecordError> {
    let ends = &record.endpoints;
    let transport = match (ends.family, ends.protocol) {
        (AF_UNIX, _) => Transport::Unix,
        (_, IPPROTO_TCP) => Transport::Tcp,
        (_, IPPROTO_UDP) => Transport::Udp,
        _ => return Err(RecordError::Impossible("transport")),
    };
    let (local, remote) = ends_of(ends)?;
    let role = match record.role {
        0 => SocketRole::Unknown,
        1 => SocketRole::Client,
        2 => SocketRole::Server,
        _ => return Err(RecordError::Impossible("role")),
    };
    let socket = Socket::new(SocketId(record.socket_id), transport, local, remote);
    Ok(socket.with_network_namespace(record.network_namespace).with_role(role))
}

fn ends_of(ends: &Endpoints) -> Result<(Endpoint, Endpoint), RecordError> {
    if ends.family == AF_UNIX {
        return Ok((unix_end(ends.local)?, unix_end(ends.remote)?));
    }
    let (local, remote) =
        of_one_family(address(ends.family, ends.local)?, address(ends.family, ends.remote)?);
    Ok((Endpoint::new(local, ends.local_port), Endpoint::new(remote, ends.remote_port)))
}

/// The inode number of a Unix socket, which the kernel gives 32 bits.
fn unix_end(bytes: [u8; 16]) -> Result<Endpoint, RecordError> {
    let inode = bytes.first_chunk().map_or(0, |inode| u64::from_le_bytes(*inode));
    let inode = u32::try_from(inode).map_err(|_| RecordError::Impossible("inode number"))?;
    Ok(Endpoint::unix(UnixAddress::of_inode(inode)))
}

/// IPv4 addresses mapped into IPv6 are given as IPv4.
fn address(family: u8, bytes: [u8; 16]) -> Result<IpAddr, RecordError> {
    match family {
        AF_INET => {
            let [a, b, c, d, ..] = bytes;
            Ok(IpAddr::V4(Ipv4Addr::new(a, b, c, d)))
        }
        AF_INET6 => Ok(IpAddr::V6(Ipv6Addr::from(bytes)).to_canonical()),
        _ => Err(RecordError::Impossible("address family")),
    }
}

/// A socket that is bound to every address and has an IPv4 peer is an IPv4 socket.
fn of_one_family(local: IpAddr, remote: IpAddr) -> (IpAddr, IpAddr) {
    let unspecified = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    match (local, remote) {
        (IpAddr::V6(ip), IpAddr::V4(_)) if ip.is_unspecified() => (unspecified, remote),
        (IpAddr::V4(_), IpAddr::V6(ip)) if ip.is_unspecified() => (local, unspecified),
        _ => (local, remote),
    }
}

fn task_of(record: &Record<'_>) -> Task {
    let task = Task::new(record.pid, record.tid, Command::new(record.command));
    if record.coroutine == 0 { task } else { task.with_coroutine(record.coroutine) }
}

fn process_event<'a>(record: &Record<'a>, clock: ClockOffset) -> Result<Event<'a>, RecordError> {
    let details = ProcessDetails::parse(record.payload)?;
    let change = match record.kind {
        kind::FORK => ProcessChange::Started,
        kind::EXEC => ProcessChange::Executed { path: details.path },
        _ => ProcessChange::Exited { status: details.exit_code },
    };
    Ok(Event::Process(ProcessEvent {
        timestamp: clock.unix(record.entry_ns),
        task: task_of(record),
        parent_pid: details.parent_pid,
        start_ns: details.start_ns,
        change,
    }))
}

const IPPROTO_TCP: u8 = 6;
const IPPROTO_UDP: u8 = 17;
const AF_UNIX: u8 = 1;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;

#[cfg(test)]
mod tests;
