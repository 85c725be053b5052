//! System calls that move bytes of a socket, each noted with what it really moved.

use std::fmt::Write as _;
use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use df_core::Transfer;
use rustix::net::{
    MMsgHdr, RecvAncillaryBuffer, RecvFlags, SendAncillaryBuffer, SendFlags, SocketAddrAny, sockopt,
};

pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// What one system call moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) is_server: bool,
    pub(crate) transfer: Transfer,
    pub(crate) function: String,
    /// Empty where the kernel copies nothing from or to the process.
    pub(crate) bytes: Vec<u8>,
    /// How many bytes the call moved.
    pub(crate) original_len: usize,
}

impl Call {
    fn line(&self) -> String {
        let end = if self.is_server { "server" } else { "client" };
        let mut line = format!("{end} {} {:?} {} ", self.function, self.transfer, self.original_len);
        for byte in &self.bytes {
            // Into a string it cannot fail.
            let _ = write!(line, "{byte:02x}");
        }
        line
    }

    /// What [`line`](Self::line) gave.
    pub(crate) fn from_line(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let is_server = words.next()? == "server";
        let function = words.next()?.to_owned();
        let transfer = if words.next()? == "Sent" { Transfer::Sent } else { Transfer::Received };
        let original_len = words.next()?.parse().ok()?;
        let digits = words.next()?.as_bytes().chunks(2);
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        Some(Self {
            is_server,
            transfer,
            function,
            bytes: digits.map(byte).collect::<Option<_>>()?,
            original_len,
        })
    }
}

/// One end of a conversation.
pub(crate) struct End {
    socket: OwnedFd,
    is_server: bool,
}

impl End {
    pub(crate) fn new(socket: impl Into<OwnedFd>, is_server: bool) -> Result<Self> {
        let socket = socket.into();
        // Nothing waits for ever, should an answer not come.
        sockopt::set_socket_timeout(&socket, sockopt::Timeout::Recv, Some(Duration::from_secs(20)))?;
        Ok(Self { socket, is_server })
    }

    pub(crate) fn socket(&self) -> &OwnedFd {
        &self.socket
    }

    pub(crate) fn send(&self, bytes: &[u8]) -> Result<()> {
        let sent = rustix::net::send(&self.socket, bytes, SendFlags::empty())?;
        self.note("sendto", Transfer::Sent, bytes, sent);
        Ok(())
    }

    pub(crate) fn send_to(&self, peer: &SocketAddrAny, bytes: &[u8]) -> Result<()> {
        let sent = rustix::net::sendto(&self.socket, bytes, SendFlags::empty(), peer)?;
        self.note("sendto", Transfer::Sent, bytes, sent);
        Ok(())
    }

    pub(crate) fn write(&self, bytes: &[u8]) -> Result<()> {
        let sent = rustix::io::write(&self.socket, bytes)?;
        self.note("write", Transfer::Sent, bytes, sent);
        Ok(())
    }

    pub(crate) fn write_vector(&self, parts: &[&[u8]]) -> Result<()> {
        let sent = rustix::io::writev(&self.socket, &slices(parts))?;
        self.note("writev", Transfer::Sent, &parts.concat(), sent);
        Ok(())
    }

    pub(crate) fn send_message(&self, peer: Option<&SocketAddrAny>, parts: &[&[u8]]) -> Result<()> {
        let (slices, flags) = (slices(parts), SendFlags::empty());
        let mut control = SendAncillaryBuffer::default();
        let sent = match peer {
            Some(peer) => rustix::net::sendmsg_addr(&self.socket, peer, &slices, &mut control, flags)?,
            None => rustix::net::sendmsg(&self.socket, &slices, &mut control, flags)?,
        };
        self.note("sendmsg", Transfer::Sent, &parts.concat(), sent);
        Ok(())
    }

    pub(crate) fn send_two_messages(&self, first: &[u8], second: &[u8]) -> Result<()> {
        let (one, two) = ([IoSlice::new(first)], [IoSlice::new(second)]);
        let (mut control, mut other) = (SendAncillaryBuffer::default(), SendAncillaryBuffer::default());
        let mut messages = [MMsgHdr::new(&one, &mut control), MMsgHdr::new(&two, &mut other)];
        let sent = rustix::net::sendmmsg(&self.socket, &mut messages, SendFlags::empty())?;
        for bytes in [first, second].into_iter().take(sent) {
            self.note("sendmmsg", Transfer::Sent, bytes, bytes.len());
        }
        Ok(())
    }

    /// Receives at most so many bytes.
    pub(crate) fn receive(&self, max_bytes: usize) -> Result<usize> {
        let mut buffer = vec![0; max_bytes];
        let (received, _) = rustix::net::recv(&self.socket, &mut buffer, RecvFlags::empty())?;
        Ok(self.note_received("recvfrom", &buffer, received))
    }

    pub(crate) fn receive_from(&self) -> Result<SocketAddrAny> {
        let mut buffer = [0; 2048];
        let (received, _, peer) = rustix::net::recvfrom(&self.socket, &mut buffer[..], RecvFlags::empty())?;
        self.note_received("recvfrom", &buffer, received);
        peer.ok_or_else(|| "a datagram from nowhere".into())
    }

    /// Looks without taking, which is no transfer.
    pub(crate) fn look(&self) -> Result<()> {
        rustix::net::recv(&self.socket, &mut [0; 100][..], RecvFlags::PEEK)?;
        Ok(())
    }

    /// The kernel throws the bytes away instead of copying them.
    pub(crate) fn throw_away(&self, max_bytes: usize) -> Result<()> {
        let mut buffer = vec![0; max_bytes];
        let (_, thrown) = rustix::net::recv(&self.socket, &mut buffer[..], RecvFlags::TRUNC)?;
        self.note("recvfrom", Transfer::Received, &[], thrown);
        Ok(())
    }

    pub(crate) fn read(&self) -> Result<usize> {
        let mut buffer = [0; 2048];
        let received = rustix::io::read(&self.socket, &mut buffer)?;
        Ok(self.note_received("read", &buffer, received))
    }

    /// Into two buffers, the first of which is small.
    pub(crate) fn read_vector(&self) -> Result<usize> {
        let (mut first, mut second) = ([0; 4], [0; 2044]);
        let mut slices = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
        let received = rustix::io::readv(&self.socket, &mut slices)?;
        Ok(self.note_received("readv", &[&first[..], &second].concat(), received))
    }

    pub(crate) fn receive_message(&self) -> Result<usize> {
        let (mut first, mut second) = ([0; 1500], [0; 1500]);
        let mut slices = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
        let mut control = RecvAncillaryBuffer::default();
        let message = rustix::net::recvmsg(&self.socket, &mut slices, &mut control, RecvFlags::empty())?;
        Ok(self.note_received("recvmsg", &[&first[..], &second].concat(), message.bytes))
    }

    /// Those that are there, up to three of at most 50 bytes.
    pub(crate) fn receive_messages(&self) -> Result<()> {
        use std::os::fd::AsRawFd;

        use nix::sys::socket::{MsgFlags, MultiHeaders, recvmmsg};

        let mut buffers = [[0; 50]; 3];
        let mut slices: Vec<_> = buffers.iter_mut().map(|buffer| [IoSliceMut::new(buffer)]).collect();
        let mut headers: MultiHeaders<()> = MultiHeaders::preallocate(slices.len(), None);
        let socket = self.socket.as_raw_fd();
        let messages = recvmmsg(socket, &mut headers, slices.iter_mut(), MsgFlags::MSG_DONTWAIT, None)?;
        let lengths: Vec<usize> = messages.map(|message| message.bytes).collect();
        for (buffer, length) in buffers.iter().zip(lengths) {
            self.note_received("recvmmsg", buffer, length);
        }
        Ok(())
    }

    pub(crate) fn send_file(&self, file: impl AsFd, length: usize) -> Result<()> {
        let sent = rustix::fs::sendfile(&self.socket, file, Some(&mut 0), length)?;
        self.note("sendfile", Transfer::Sent, &[], sent);
        Ok(())
    }

    pub(crate) fn splice_from(&self, pipe: impl AsFd, length: usize) -> Result<()> {
        let flags = rustix::pipe::SpliceFlags::empty();
        let sent = rustix::pipe::splice(pipe, None, &self.socket, None, length, flags)?;
        self.note("splice", Transfer::Sent, &[], sent);
        Ok(())
    }

    pub(crate) fn splice_to(&self, pipe: impl AsFd, max_bytes: usize) -> Result<usize> {
        let flags = rustix::pipe::SpliceFlags::empty();
        let received = rustix::pipe::splice(&self.socket, None, pipe, None, max_bytes, flags)?;
        self.note("splice", Transfer::Received, &[], received);
        Ok(received)
    }

    fn note_received(&self, function: &str, buffer: &[u8], received: usize) -> usize {
        self.note(function, Transfer::Received, buffer, received);
        received
    }

    /// Standard output is a pipe to the process that compares.
    fn note(&self, function: &str, transfer: Transfer, buffer: &[u8], moved: usize) {
        let bytes = buffer.get(..moved.min(buffer.len())).unwrap_or_default().to_vec();
        let function = function.to_owned();
        let call = Call { is_server: self.is_server, transfer, function, bytes, original_len: moved };
        println!("{}", call.line());
    }
}

fn slices<'a>(parts: &[&'a [u8]]) -> Vec<IoSlice<'a>> {
    parts.iter().map(|part| IoSlice::new(part)).collect()
}
