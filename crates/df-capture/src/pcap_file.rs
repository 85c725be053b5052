//! Frames from capture files: pcap and pcapng, plain or gzip-compressed.

use std::fmt;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use df_core::InterfaceId;

use crate::{Frame, FrameSource};

mod buffer;
mod byte_order;
mod classic;
mod damage;
mod error;
mod frames;
mod input;
mod interface;
mod pcapng;
mod record;
mod writer;

use buffer::StreamBuffer;
use classic::Classic;
use damage::Damage;
pub use error::PcapFileError;
pub use frames::Frames;
use frames::{MAX_FRAMES, PlacedRecord};
use input::Input;
use pcapng::Pcapng;
use record::Record;
pub use writer::PcapWriter;

/// The longest record that is believed. Longer ones are damage: no capture tool keeps frames of that size.
const MAX_RECORD_BYTES: usize = 64 << 20;

/// A capture file, read from its beginning to its end in constant memory and without copying frames.
///
/// What is damaged is told with file and offset, after everything before it was delivered.
pub struct PcapFile {
    name: String,
    buffer: StreamBuffer,
    format: Format,
    /// The records of the frames that were given together.
    records: Vec<PlacedRecord>,
    is_done: bool,
    bytes_read: Arc<AtomicU64>,
    total_bytes: Option<u64>,
}

impl PcapFile {
    /// Opens a capture file; `-` is standard input.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, PcapFileError> {
        let path = path.as_ref();
        let name = path.display().to_string();
        match Input::open(path) {
            Ok(input) => Self::new(name, input),
            Err(source) => Err(PcapFileError::Open { file: name, source }),
        }
    }

    /// Reads a capture from anywhere; `name` is what errors call it.
    pub fn from_reader(
        name: impl Into<String>,
        reader: impl Read + Send + 'static,
    ) -> Result<Self, PcapFileError> {
        let name = name.into();
        match Input::from_reader(Box::new(reader)) {
            Ok(input) => Self::new(name, input),
            Err(source) => Err(PcapFileError::Open { file: name, source }),
        }
    }

    fn new(name: String, input: Input) -> Result<Self, PcapFileError> {
        let mut buffer = StreamBuffer::new(input.reader);
        let format = match Format::detect(&mut buffer) {
            Ok(Some(format)) => format,
            Ok(None) => {
                let magic = buffer.available().iter().copied().take(MAGIC_LEN).collect();
                return Err(PcapFileError::NotACapture { file: name, magic });
            }
            Err(damage) => return Err(damage.at(&name, buffer.offset())),
        };
        let (bytes_read, total_bytes) = (input.bytes_read, input.total_bytes);
        Ok(Self { name, buffer, format, records: Vec::new(), is_done: false, bytes_read, total_bytes })
    }

    /// Bytes taken from the file so far, compressed ones where it is compressed.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// The file's size in bytes; none for standard input and other streams.
    pub const fn total_bytes(&self) -> Option<u64> {
        self.total_bytes
    }

    /// The name of an interface, where the file gives one (pcapng only).
    pub fn interface_name(&self, interface: InterfaceId) -> Option<&str> {
        self.format.interface_name(interface)
    }

    /// The next frames: those that lie in the buffer together, at least one and at most 128. None at the end of the file.
    /// What is damaged is told once everything before it was given, as by [`FrameSource::next_frame`].
    pub fn next_frames(&mut self) -> Result<Option<Frames<'_>>, PcapFileError> {
        self.records.clear();
        if self.is_done {
            return Ok(None);
        }
        match self.next_record() {
            Ok(Some(record)) => self.place(record),
            Ok(None) => {
                self.is_done = true;
                return Ok(None);
            }
            Err(damage) => return Err(self.fail(damage)),
        }
        self.buffer.hold();
        while self.records.len() < MAX_FRAMES {
            // The end of what is at hand, the end of the file and damage are all told by the next call.
            let Ok(Some(record)) = self.next_record() else { break };
            self.place(record);
        }
        self.buffer.release();
        Ok(Some(Frames { records: &self.records, bytes: self.buffer.all(), format: &self.format }))
    }

    fn place(&mut self, record: Record) {
        let start = self.buffer.start();
        self.buffer.consume(record.total_len);
        self.records.push(PlacedRecord { record, start });
    }

    fn fail(&mut self, damage: Damage) -> PcapFileError {
        self.is_done = true;
        damage.at(&self.name, self.buffer.offset())
    }

    fn next_record(&mut self) -> Result<Option<Record>, Damage> {
        match &mut self.format {
            Format::Classic(classic) => classic.next_record(&mut self.buffer),
            Format::Pcapng(pcapng) => pcapng.next_record(&mut self.buffer),
        }
    }
}

impl FrameSource for PcapFile {
    type Error = PcapFileError;

    fn next_frame(&mut self) -> Result<Option<Frame<'_>>, PcapFileError> {
        if self.is_done {
            return Ok(None);
        }
        match self.next_record() {
            Ok(Some(record)) => Ok(Some(record.frame(self.buffer.consume(record.total_len)))),
            Ok(None) => {
                self.is_done = true;
                Ok(None)
            }
            Err(damage) => Err(self.fail(damage)),
        }
    }
}

impl fmt::Debug for PcapFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PcapFile")
            .field("name", &self.name)
            .field("offset", &self.buffer.offset())
            .field("total_bytes", &self.total_bytes)
            .finish_non_exhaustive()
    }
}

/// The two families of capture files.
enum Format {
    Classic(Classic),
    Pcapng(Pcapng),
}

impl Format {
    fn interface_name(&self, interface: InterfaceId) -> Option<&str> {
        match self {
            Self::Classic(_) => None,
            Self::Pcapng(pcapng) => pcapng.interfaces.name(interface),
        }
    }

    /// Tells the format by the first bytes; none when it is neither.
    fn detect(buffer: &mut StreamBuffer) -> Result<Option<Self>, Damage> {
        buffer.require(MAGIC_LEN)?;
        let Some(magic) = buffer.available().first_chunk::<MAGIC_LEN>().copied() else { return Ok(None) };
        if Pcapng::is_magic(magic) {
            return Ok(Some(Self::Pcapng(Pcapng::new())));
        }
        if Classic::is_magic(magic) {
            return Classic::read(buffer).map(|classic| Some(Self::Classic(classic)));
        }
        Ok(None)
    }
}

const MAGIC_LEN: usize = 4;
