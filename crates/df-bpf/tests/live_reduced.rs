//! The tests of `live.rs`, with the reduced programs, and what their buffers do when nobody reads them.
#![cfg(all(feature = "aya", target_os = "linux"))]
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::panic,
    reason = "tests say what they skip and fail where they are"
)]

#[path = "live.rs"]
mod live;

use std::io::Write;
use std::time::Duration;

use df_bpf::{ProbeConfig, ProgramSet};
use live::watch::{ports, probes, python, watch};

#[test]
fn records_without_room_are_counted_as_dropped() {
    let config = ProbeConfig::default().with_ring_bytes(4096);
    let Some(mut probes) = probes(&config) else { return };
    assert_eq!(probes.report().program_set, ProgramSet::Reduced);
    let Some(mut child) = python(include_str!("live/flood.py"), &[]) else { return };
    let port = ports(&mut child)[0];
    // It sends a thousand messages while nobody reads, then, when it is told to go on, one more.
    std::thread::sleep(Duration::from_secs(2));
    let mut go_on = child.stdin.take().expect("piped");
    probes.poll(Duration::from_millis(1), |_| ()).expect("the buffers can be read");
    go_on.write_all(b"go on\n").expect("it reads");
    let seen = watch(&mut probes, &mut child, &[port]);
    let told = seen.iter().filter_map(|one| one.moved()).filter(|moved| moved.bytes == b"last").count();
    assert_eq!(told, 2, "there is room again: sent and received");
    let stats = probes.stats().expect("counters can be read");
    // A page has room for some twenty records: those of the other thousands are told by the kernel when there is room again.
    assert!(stats.dropped_records() >= 1000, "{stats:?}");
    assert!(stats.processors.iter().any(|processor| processor.dropped_records > 0 && processor.records > 0));
}
