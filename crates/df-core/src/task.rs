//! Who moved bytes: a thread of a process, and why it did.

use std::borrow::Cow;
use std::num::NonZeroU64;

/// A thread, as the kernel knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Task {
    /// The process (`tgid` in the kernel), in the PID namespace of the host.
    pub pid: u32,
    /// The thread (`pid` in the kernel), in the PID namespace of the host.
    pub tid: u32,
    /// The goroutine, or what the language's runtime has in its place.
    pub coroutine: Option<u64>,
    /// The thread's name.
    pub command: Command,
}

impl Task {
    /// A thread that runs no coroutine.
    pub const fn new(pid: u32, tid: u32, command: Command) -> Self {
        Self { pid, tid, coroutine: None, command }
    }

    /// Says which coroutine the thread was running.
    pub const fn with_coroutine(mut self, coroutine: u64) -> Self {
        self.coroutine = Some(coroutine);
        self
    }
}

/// A thread's name: at most 15 bytes, whatever they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Command([u8; 16]);

impl Command {
    /// The name in a field as the kernel keeps it: up to the first zero byte.
    pub const fn new(field: [u8; 16]) -> Self {
        Self(field)
    }

    /// The name as text; bytes that are not UTF-8 are replaced.
    pub fn as_text(&self) -> Cow<'_, str> {
        let length = self.0.iter().position(|byte| *byte == 0).unwrap_or(self.0.len());
        String::from_utf8_lossy(self.0.get(..length).unwrap_or_default())
    }
}

/// Joins what one thread or coroutine received with what it sent because of it. Unique on one host while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CausalId(NonZeroU64);

impl CausalId {
    /// The id with this number; 0 is none.
    pub const fn new(number: u64) -> Option<Self> {
        match NonZeroU64::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The number.
    pub const fn number(self) -> u64 {
        self.0.get()
    }
}

/// Where bytes were taken from the side of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum EventSource {
    /// A system call on a socket.
    Syscall,
    /// A function of OpenSSL or of its kin: plain text of an encrypted connection.
    OpenSsl,
    /// A function of Go's `crypto/tls`: plain text of an encrypted connection.
    GoTls,
}

impl EventSource {
    /// The record's `source`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Syscall => "syscall",
            Self::OpenSsl => "openssl",
            Self::GoTls => "gotls",
        }
    }

    /// Whether the bytes travel encrypted.
    pub const fn is_plaintext_of_tls(self) -> bool {
        matches!(self, Self::OpenSsl | Self::GoTls)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_ends_at_its_first_zero_byte_and_need_not_be_text() {
        let mut field = [0; 16];
        field[..5].copy_from_slice(b"nginx");
        assert_eq!(Command::new(field).as_text(), "nginx");
        assert_eq!(Command::new([b'a'; 16]).as_text().len(), 16);
        assert_eq!(Command::new([0xff; 16]).as_text().chars().count(), 16);
    }
}
