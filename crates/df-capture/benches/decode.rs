//! Nanoseconds per frame: reading a capture file, decoding, and both.
#![allow(missing_docs, reason = "criterion's macros make public functions")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot be set up should stop")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use df_capture::{Frame, FrameSource, LinkType, PcapFile, PcapWriter, decode};
use df_core::Timestamp;
use etherparse::PacketBuilder;

/// Few enough to stay in the processor's cache: the cost of the code is measured, not that of memory.
const FRAMES: usize = 256;

/// A mix of TCP and UDP over IPv4 and IPv6, with payloads of 0 to 1400 bytes.
fn frames() -> Vec<Vec<u8>> {
    (0..FRAMES)
        .map(|index| {
            let payload = vec![0x61; index * 37 % 1401];
            let port = u16::try_from(1024 + index).unwrap();
            let ethernet = PacketBuilder::ethernet2([2; 6], [4; 6]);
            let mut frame = Vec::new();
            match index % 4 {
                0 => {
                    ethernet.ipv6([1; 16], [2; 16], 64).tcp(port, 443, 7, 65_000).write(&mut frame, &payload)
                }
                1 => {
                    ethernet.ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64).udp(port, 53).write(&mut frame, &payload)
                }
                _ => ethernet
                    .ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
                    .tcp(port, 80, 7, 65_000)
                    .write(&mut frame, &payload),
            }
            .unwrap();
            frame
        })
        .collect()
}

fn capture(frames: &[Vec<u8>]) -> Vec<u8> {
    let mut writer = PcapWriter::new(Vec::new(), LinkType::ETHERNET).unwrap();
    for (index, bytes) in frames.iter().enumerate() {
        let timestamp = Timestamp::from_nanos(index as u64);
        writer.write(&Frame::new(timestamp, LinkType::ETHERNET, bytes)).unwrap();
    }
    writer.finish().unwrap()
}

fn decoding(criterion: &mut Criterion) {
    let frames = frames();
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Elements(FRAMES as u64));
    group.bench_function("ethernet", |bencher| {
        bencher.iter(|| {
            for bytes in &frames {
                let frame = Frame::new(Timestamp::ZERO, LinkType::ETHERNET, bytes);
                black_box(decode(black_box(&frame))).unwrap();
            }
        });
    });
    group.finish();
}

fn reading(criterion: &mut Criterion) {
    let repeats = 1024;
    let mut file = Vec::new();
    let capture = capture(&frames());
    file.extend_from_slice(&capture);
    for _ in 1..repeats {
        file.extend_from_slice(&capture[24..]);
    }
    let path = std::env::temp_dir().join(format!("df-capture-bench-{}.pcap", std::process::id()));
    std::fs::write(&path, &file).unwrap();
    let mut group = criterion.benchmark_group("pcap");
    group.sample_size(20);
    group.throughput(Throughput::Elements((FRAMES * repeats) as u64));
    group.bench_function("read from a file", |bencher| {
        bencher.iter(|| read(PcapFile::open(&path).unwrap(), false));
    });
    group.bench_function("read from a file and decode", |bencher| {
        bencher.iter(|| read(PcapFile::open(&path).unwrap(), true));
    });
    group.finish();
    let _ = std::fs::remove_file(&path);
}

fn read(mut source: PcapFile, decodes: bool) -> u64 {
    let mut payload = 0;
    while let Some(frame) = source.next_frame().unwrap() {
        payload += if decodes { u64::from(decode(&frame).unwrap().payload_len) } else { 1 };
    }
    payload
}

criterion_group!(benches, decoding, reading);
criterion_main!(benches);
