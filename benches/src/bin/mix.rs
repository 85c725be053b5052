//! Makes a large mixed capture of many flows out of the recordings in `testdata`.
//!
//! `cargo run --release -p df-bench --bin mix -- OUT.pcap [COPIES]`: every recording is repeated COPIES times (default
//! 1,200), each time between hosts of its own, a few milliseconds later, and all are interleaved by time.
#![allow(clippy::print_stdout, reason = "a command line tool prints")]

use std::error::Error;
use std::fs::File;
use std::io::BufWriter;

use df_bench::{RecordedFrame, recordings};
use df_capture::{LinkType, PcapWriter};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let out = arguments.next().ok_or("usage: mix OUT.pcap [COPIES]")?;
    let copies: u32 = arguments.next().map_or(Ok(1_200), |copies| copies.parse())?;
    let recordings = recordings()?;
    let mut order: Vec<(u64, u64, u32, &RecordedFrame)> = Vec::new();
    for (case, recording) in (0_u64..).zip(&recordings) {
        for copy in 0..copies {
            let start_ns = START_NS + u64::from(copy) * COPY_EVERY_NS + case * CASE_EVERY_NS;
            order.extend(
                recording.frames.iter().map(|frame| (start_ns + frame.after_ns, start_ns, copy, frame)),
            );
        }
    }
    order.sort_by_key(|(at_ns, ..)| *at_ns);
    let mut writer = PcapWriter::new(BufWriter::new(File::create(&out)?), LinkType::ETHERNET)?;
    for (_, start_ns, copy, frame) in &order {
        let mut frame = RecordedFrame::clone(frame);
        move_hosts(&mut frame.bytes, *copy);
        writer.write(&frame.at(*start_ns))?;
    }
    writer.finish()?;
    println!("{out}: {} packets of {} recordings, {copies} times", order.len(), recordings.len());
    Ok(())
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

const START_NS: u64 = 1_700_000_000_000_000_000;
const COPY_EVERY_NS: u64 = 20_000_000;
const CASE_EVERY_NS: u64 = 700_000;
