//! The recordings in `testdata`, as material for timing.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use df_capture::{Frame, FrameSource, LinkType, PcapFile};
use df_core::Timestamp;

mod conversation;
mod heads;

pub use conversation::{Conversation, Reading, conversations};
pub use heads::heads;

/// One recording: the frames of one case.
#[derive(Debug)]
pub struct Recording {
    /// The protocol's folder.
    pub protocol: String,
    /// The frames, those over Ethernet only.
    pub frames: Vec<RecordedFrame>,
}

/// A frame of a recording.
#[derive(Debug, Clone)]
pub struct RecordedFrame {
    /// When it was captured, counted from the recording's first frame, in nanoseconds.
    pub after_ns: u64,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl RecordedFrame {
    /// The frame `start_ns` later.
    pub fn at(&self, start_ns: u64) -> Frame<'_> {
        Frame::new(Timestamp::from_nanos(start_ns + self.after_ns), LinkType::ETHERNET, &self.bytes)
    }
}

/// Reads every recording of the repository, in the order of their names.
pub fn recordings() -> Result<Vec<Recording>, Box<dyn Error>> {
    let mut recordings = Vec::new();
    for protocol in folders(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata"))? {
        for case in folders(&protocol)? {
            let name = protocol.file_name().unwrap_or_default().to_string_lossy().into_owned();
            recordings.push(Recording { protocol: name, frames: frames(&case.join("input.pcap"))? });
        }
    }
    Ok(recordings)
}

/// The processor time that this process has taken, in nanoseconds.
pub fn process_time() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let part = |count: i64| u64::try_from(count).unwrap_or_default();
    part(time.tv_sec) * 1_000_000_000 + part(time.tv_nsec)
}

/// What the process has in memory, as the kernel tells it.
pub fn resident_bytes() -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS in /proc/self/status")?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kilobytes * 1024)
}

fn frames(path: &Path) -> Result<Vec<RecordedFrame>, Box<dyn Error>> {
    let mut source = PcapFile::open(path)?;
    let mut frames = Vec::new();
    let mut first = None;
    while let Some(frame) = source.next_frame()? {
        let first = *first.get_or_insert(frame.timestamp);
        let after_ns = u64::try_from(frame.timestamp.since(first).as_nanos())?;
        if frame.link_type == LinkType::ETHERNET {
            frames.push(RecordedFrame { after_ns, bytes: frame.bytes.to_vec() });
        }
    }
    Ok(frames)
}

fn folders(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(path)?.collect::<std::io::Result<Vec<_>>>()?;
    let mut folders: Vec<PathBuf> =
        entries.iter().map(fs::DirEntry::path).filter(|path| path.is_dir()).collect();
    folders.sort();
    Ok(folders)
}
