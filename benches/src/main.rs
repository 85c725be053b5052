//! Makes a large mixed capture of many flows out of the recordings in `testdata`.
//!
//! `cargo run --release -p df-bench -- OUT.pcap [COPIES]`: every recording is repeated COPIES times (default 200), each
//! time between hosts of its own, a few milliseconds later, and all are interleaved by time.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool prints")]

use std::error::Error;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use df_capture::{Frame, FrameSource, LinkType, PcapFile, PcapWriter};
use df_core::Timestamp;

/// A frame of a recording, its time counted from the recording's first frame.
struct Recorded {
    after_ns: u64,
    bytes: Vec<u8>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let Some(out) = arguments.next() else {
        return Err("usage: df-bench OUT.pcap [COPIES]".into());
    };
    let copies: u32 = arguments.next().map_or(Ok(200), |copies| copies.parse())?;
    let recordings = recordings(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata"))?;
    let mut order: Vec<(u64, usize, usize, u32)> = Vec::new();
    for (case, frames) in recordings.iter().enumerate() {
        for copy in 0..copies {
            let start = u64::from(copy) * COPY_EVERY_NS + case as u64 * CASE_EVERY_NS;
            order.extend(
                frames.iter().enumerate().map(|(place, frame)| (start + frame.after_ns, case, place, copy)),
            );
        }
    }
    order.sort_unstable();
    let mut writer = PcapWriter::new(BufWriter::new(File::create(&out)?), LinkType::ETHERNET)?;
    for (after_ns, case, place, copy) in &order {
        let frame =
            recordings.get(*case).and_then(|frames| frames.get(*place)).ok_or("a frame that was read")?;
        let mut bytes = frame.bytes.clone();
        move_hosts(&mut bytes, *copy);
        writer.write(&Frame::new(Timestamp::from_nanos(START_NS + after_ns), LinkType::ETHERNET, &bytes))?;
    }
    writer.finish()?;
    println!("{out}: {} packets of {} recordings, {copies} times", order.len(), recordings.len());
    Ok(())
}

/// Every recording over Ethernet and IPv4.
fn recordings(root: &Path) -> Result<Vec<Vec<Recorded>>, Box<dyn Error>> {
    let mut recordings = Vec::new();
    for protocol in folders(root)? {
        for case in folders(&protocol)? {
            let mut source = PcapFile::open(case.join("input.pcap"))?;
            let mut frames = Vec::new();
            let mut first = None;
            while let Some(frame) = source.next_frame()? {
                let first = *first.get_or_insert(frame.timestamp);
                let after_ns = u64::try_from(frame.timestamp.since(first).as_nanos())?;
                if frame.link_type == LinkType::ETHERNET {
                    frames.push(Recorded { after_ns, bytes: frame.bytes.to_vec() });
                }
            }
            recordings.push(frames);
        }
    }
    Ok(recordings)
}

/// Gives both IPv4 hosts of a frame addresses of their own: the copy's number goes into their second and third byte.
fn move_hosts(frame: &mut [u8], copy: u32) {
    let [_, _, high, low] = copy.to_be_bytes();
    if frame.get(12..14) != Some(&[0x08, 0x00]) {
        return;
    }
    for host in [26, 30] {
        if let Some([_, second, third, _]) = frame.get_mut(host..host + 4) {
            *second ^= high;
            *third ^= low;
        }
    }
}

fn folders(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(path)?.collect::<std::io::Result<Vec<_>>>()?;
    let mut folders: Vec<PathBuf> =
        entries.iter().map(fs::DirEntry::path).filter(|path| path.is_dir()).collect();
    folders.sort();
    Ok(folders)
}

const START_NS: u64 = 1_700_000_000_000_000_000;
const COPY_EVERY_NS: u64 = 20_000_000;
const CASE_EVERY_NS: u64 = 700_000;
