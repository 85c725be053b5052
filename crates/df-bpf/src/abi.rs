//! The layout of the records that come through the rings: `bpf/record.h`, read field by field.

use df_core::Timestamp;

use crate::event::RecordError;

/// A record, still in the kernel's terms. Times are of `CLOCK_MONOTONIC`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    pub(crate) kind: u8,
    pub(crate) source: u8,
    pub(crate) transfer: u8,
    pub(crate) role: u8,
    pub(crate) function: u8,
    pub(crate) flags: u8,
    pub(crate) original_bytes: u32,
    pub(crate) entry_ns: u64,
    pub(crate) exit_ns: u64,
    pub(crate) socket_id: u64,
    pub(crate) causal_id: u64,
    pub(crate) coroutine: u64,
    pub(crate) offset: u64,
    pub(crate) sequence_number: u32,
    pub(crate) network_namespace: u32,
    pub(crate) pid: u32,
    pub(crate) tid: u32,
    pub(crate) endpoints: Endpoints,
    pub(crate) command: [u8; 16],
    pub(crate) payload: &'a [u8],
}

/// Both ends of a socket, in the kernel's terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Endpoints {
    pub(crate) family: u8,
    pub(crate) protocol: u8,
    pub(crate) local_port: u16,
    pub(crate) remote_port: u16,
    pub(crate) local: [u8; 16],
    pub(crate) remote: [u8; 16],
}

/// What follows the header of a record about a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProcessDetails<'a> {
    pub(crate) start_ns: u64,
    pub(crate) parent_pid: u32,
    pub(crate) exit_code: u32,
    pub(crate) path: &'a [u8],
}

impl<'a> Record<'a> {
    /// Reads a record. What follows its payload is padding.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, RecordError> {
        let mut fields = Fields(bytes);
        let [kind, source, transfer, role, function, flags, _, _] = fields.take()?;
        let payload_bytes = fields.u32()?;
        Ok(Self {
            kind,
            source,
            transfer,
            role,
            function,
            flags,
            original_bytes: fields.u32()?,
            entry_ns: fields.u64()?,
            exit_ns: fields.u64()?,
            socket_id: fields.u64()?,
            causal_id: fields.u64()?,
            coroutine: fields.u64()?,
            offset: fields.u64()?,
            sequence_number: fields.u32()?,
            network_namespace: fields.u32()?,
            pid: fields.u32()?,
            tid: fields.u32()?,
            endpoints: fields.endpoints()?,
            command: fields.take()?,
            payload: fields.payload(payload_bytes)?,
        })
    }

    /// When the call began and when it came back, on the kernel's clock; only the second is sure to be the later one.
    pub(crate) fn exit(&self) -> Timestamp {
        Timestamp::from_nanos(self.exit_ns.max(self.entry_ns))
    }
}

impl<'a> ProcessDetails<'a> {
    /// Reads what follows the header of a record about a process.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, RecordError> {
        let mut fields = Fields(bytes);
        let (start_ns, parent_pid, exit_code) = (fields.u64()?, fields.u32()?, fields.u32()?);
        let path = fields.0;
        let length = path.iter().position(|byte| *byte == 0).unwrap_or(path.len());
        Ok(Self { start_ns, parent_pid, exit_code, path: path.get(..length).unwrap_or_default() })
    }
}

/// When a record came back, without reading the rest of it: rings are merged by it. 0 for what is no record.
pub(crate) fn exit_ns_of(record: &[u8]) -> u64 {
    let field = record.get(EXIT_OFFSET..).and_then(|rest| rest.first_chunk());
    field.map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// How many bytes of a record in a ring are used: its room is larger.
pub(crate) fn used_bytes(record: &[u8]) -> usize {
    let field = record.get(PAYLOAD_BYTES_OFFSET..).and_then(|rest| rest.first_chunk());
    let payload = field.map_or(0, |bytes| u32::from_le_bytes(*bytes));
    usize::try_from(payload).unwrap_or(usize::MAX).saturating_add(HEADER_BYTES).min(record.len())
}

/// The fields that are not read yet.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], RecordError> {
        let (field, rest) = self.0.split_first_chunk().ok_or(RecordError::TooShort)?;
        self.0 = rest;
        Ok(*field)
    }

    fn u16(&mut self) -> Result<u16, RecordError> {
        self.take().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, RecordError> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, RecordError> {
        self.take().map(u64::from_le_bytes)
    }

    fn endpoints(&mut self) -> Result<Endpoints, RecordError> {
        let [family, protocol] = self.take()?;
        let (local_port, remote_port) = (self.u16()?, self.u16()?);
        self.u16()?;
        Ok(Endpoints { family, protocol, local_port, remote_port, local: self.take()?, remote: self.take()? })
    }

    fn payload(&self, length: u32) -> Result<&'a [u8], RecordError> {
        let length = usize::try_from(length).map_err(|_| RecordError::TooShort)?;
        self.0.get(..length).ok_or(RecordError::TooShort)
    }
}

/// `enum record_kind`.
pub(crate) mod kind {
    pub(crate) const DATA: u8 = 1;
    pub(crate) const OPENED: u8 = 2;
    pub(crate) const CLOSED: u8 = 3;
    pub(crate) const EXEC: u8 = 4;
    pub(crate) const FORK: u8 = 5;
    pub(crate) const EXIT: u8 = 6;
    pub(crate) const PATH: u8 = 7;
}

/// `enum record_flags`.
pub(crate) mod flag {
    pub(crate) const HAS_SEQUENCE_NUMBER: u8 = 1;
    pub(crate) const IS_PLAINTEXT: u8 = 2;
    pub(crate) const IS_COUNTED: u8 = 4;
}

/// Names of `enum function`, in its order.
pub(crate) const FUNCTIONS: &[&str] = &[
    "",
    "read",
    "write",
    "readv",
    "writev",
    "recvfrom",
    "sendto",
    "recvmsg",
    "sendmsg",
    "recvmmsg",
    "sendmmsg",
    "sendfile",
    "splice",
    "connect",
    "accept",
    "accept4",
    "close",
    "shutdown",
    "SSL_read",
    "SSL_write",
    "SSL_read_ex",
    "SSL_write_ex",
    "crypto/tls.(*Conn).Read",
    "crypto/tls.(*Conn).Write",
];

/// Bytes of a record before its payload.
pub(crate) const HEADER_BYTES: usize = 136;
const PAYLOAD_BYTES_OFFSET: usize = 8;
const EXIT_OFFSET: usize = 24;
