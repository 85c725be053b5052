//! Writes capture files, for tests and for programs that keep what they saw.

use std::io::{self, Write};

use df_core::Timestamp;

use crate::{Frame, LinkType};

/// Writes a classic pcap file with nanosecond timestamps, in little-endian order.
///
/// ```
/// use df_capture::{Frame, FrameSource, LinkType, PcapFile, PcapWriter};
/// use df_core::Timestamp;
///
/// let mut file = Vec::new();
/// let mut writer = PcapWriter::new(&mut file, LinkType::ETHERNET)?;
/// writer.write(&Frame::new(Timestamp::from_nanos(5), LinkType::ETHERNET, b"an Ethernet frame"))?;
///
/// let mut source = PcapFile::from_reader("memory", std::io::Cursor::new(file))?;
/// assert_eq!(source.next_frame()?.unwrap().bytes, b"an Ethernet frame");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct PcapWriter<W> {
    writer: W,
    link_type: LinkType,
}

impl<W: Write> PcapWriter<W> {
    /// Starts a file for frames of one link type.
    pub fn new(mut writer: W, link_type: LinkType) -> io::Result<Self> {
        writer.write_all(&MAGIC_NANOSECONDS.to_le_bytes())?;
        writer.write_all(&2_u16.to_le_bytes())?;
        writer.write_all(&4_u16.to_le_bytes())?;
        writer.write_all(&[0; 8])?;
        writer.write_all(&SNAP_LEN.to_le_bytes())?;
        writer.write_all(&u32::from(link_type.0).to_le_bytes())?;
        Ok(Self { writer, link_type })
    }

    /// Adds a frame. One of another link type is refused, and so is a moment after the year 2106.
    pub fn write(&mut self, frame: &Frame<'_>) -> io::Result<()> {
        if frame.link_type != self.link_type {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a pcap file has one link type only"));
        }
        let (seconds, nanoseconds) = parts(frame.timestamp)?;
        let captured_len = u32::try_from(frame.bytes.len()).map_err(io::Error::other)?;
        self.writer.write_all(&seconds.to_le_bytes())?;
        self.writer.write_all(&nanoseconds.to_le_bytes())?;
        self.writer.write_all(&captured_len.to_le_bytes())?;
        self.writer.write_all(&frame.original_len.to_le_bytes())?;
        self.writer.write_all(frame.bytes)
    }

    /// Flushes and gives the underlying writer back.
    pub fn finish(mut self) -> io::Result<W> {
        self.writer.flush()?;
        Ok(self.writer)
    }
}

fn parts(timestamp: Timestamp) -> io::Result<(u32, u32)> {
    let too_late = |_| io::Error::new(io::ErrorKind::InvalidInput, "a pcap file ends in the year 2106");
    let seconds = u32::try_from(timestamp.as_nanos() / 1_000_000_000).map_err(too_late)?;
    let nanoseconds = u32::try_from(timestamp.as_nanos() % 1_000_000_000).map_err(too_late)?;
    Ok((seconds, nanoseconds))
}

const MAGIC_NANOSECONDS: u32 = 0xa1b2_3c4d;
const SNAP_LEN: u32 = 262_144;
