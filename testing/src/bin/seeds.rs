//! Writes the corpus of the fuzz targets from the recordings: `cargo run -p df-testing --bin seeds`.
#![allow(clippy::print_stdout, reason = "a command line tool prints")]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use df_capture::{Frame, FrameSource, PcapFile, decode};
use df_core::{Chunk, Direction, FlowKey, Transport, TransportHeader};
use df_flow::{DirectionEvidence, FlowConfig, FlowRecord, FlowSink, FlowTable};
use df_l7::fuzzing::{Piece, encode};

/// Larger inputs slow a fuzzer down more than they teach it.
const MAX_SEED_BYTES: usize = 6_000;

fn main() -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut seeds = Seeds { corpus: root.join("fuzz/corpus"), written: 0 };
    for protocol in folders(&root.join("testdata"))? {
        for case in folders(&protocol)? {
            let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            seeds.write_case(&name(&protocol), &name(&case), &case.join("input.pcap"))?;
        }
    }
    println!("{} seeds", seeds.written);
    Ok(())
}

fn folders(path: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(path)?.collect::<io::Result<Vec<_>>>()?;
    let mut folders: Vec<PathBuf> =
        entries.iter().map(fs::DirEntry::path).filter(|path| path.is_dir()).collect();
    folders.sort();
    Ok(folders)
}

struct Seeds {
    corpus: PathBuf,
    written: u32,
}

impl Seeds {
    fn write_case(&mut self, protocol: &str, case: &str, capture: &Path) -> io::Result<()> {
        let name = format!("{protocol}-{case}");
        self.write("pcap_file", &name, &fs::read(capture)?)?;
        let mut source = PcapFile::open(capture).map_err(io::Error::other)?;
        let (mut table, mut sink) = (FlowTable::new(FlowConfig::default()), Conversations::default());
        let (mut packets, mut events) = (Vec::new(), Vec::new());
        let mut count = 0;
        while let Some(frame) = source.next_frame().map_err(io::Error::other)? {
            if count < 3 {
                self.write("packet_decode", &format!("{name}-{count}"), &frame_seed(&frame))?;
            }
            count += 1;
            if let Ok(packet) = decode(&frame) {
                packets.extend(packet_seed(&packet));
                events.extend(event_seed(&packet));
                table.handle_packet(&packet, &mut sink);
            }
        }
        table.finish(&mut sink);
        self.write("flow_table", &name, &packets)?;
        self.write("socket_table", &name, &events)?;
        for (number, (transport, pieces)) in (0..).zip(sink.0) {
            let (seed, name) = (encode(&pieces), format!("{name}-{number}"));
            // gRPC is HTTP/2 on the wire, read by the same parser.
            let protocol = if protocol == "grpc" { "http2" } else { protocol };
            let suffix = if transport == Transport::Tcp { "" } else { "_datagrams" };
            self.write(&format!("l7_{protocol}{suffix}"), &name, &seed)?;
            self.write(&format!("l7_detection{suffix}"), &name, &seed)?;
        }
        Ok(())
    }

    fn write(&mut self, target: &str, name: &str, seed: &[u8]) -> io::Result<()> {
        let folder = self.corpus.join(target);
        fs::create_dir_all(&folder)?;
        let seed = seed.get(..MAX_SEED_BYTES).unwrap_or(seed);
        if !seed.is_empty() {
            fs::write(folder.join(name), seed)?;
            self.written += 1;
        }
        Ok(())
    }
}

/// The link type's place in the target's list, the length on the wire, the frame.
fn frame_seed(frame: &Frame<'_>) -> Vec<u8> {
    let len = u16::try_from(frame.original_len).unwrap_or(u16::MAX);
    [&[0][..], &len.to_be_bytes(), frame.bytes].concat()
}

/// A packet in the form that `df_flow::fuzzing::packets` reads.
fn packet_seed(packet: &df_core::Packet<'_>) -> Vec<u8> {
    let TransportHeader::Tcp(segment) = packet.transport else { return Vec::new() };
    let [.., number] = segment.sequence_number.to_be_bytes();
    let ends = if packet.source.port > packet.destination.port { 0x21 } else { 0x12 };
    let payload = packet.payload.get(..20).unwrap_or(packet.payload);
    let len = u8::try_from(payload.len()).unwrap_or(u8::MAX);
    [&[ends, segment.flags.0 & 0x7f, number, 0, len, len, 1, 9][..], payload].concat()
}

/// A packet as a system call of its client, in the form that `df_flow::fuzzing::socket_events` reads.
fn event_seed(packet: &df_core::Packet<'_>) -> Vec<u8> {
    let TransportHeader::Tcp(segment) = packet.transport else { return Vec::new() };
    let is_sent = packet.source.port > packet.destination.port;
    let [_, client] = packet.source.port.max(packet.destination.port).to_be_bytes();
    let [.., number] = segment.sequence_number.to_be_bytes();
    let (opened, closed, data) = (0, 1, if is_sent { 4 } else { 12 });
    let payload = packet.payload.get(..20).unwrap_or(packet.payload);
    let what = match (segment.flags.0 & 2, segment.flags.0 & 1) {
        (2, _) => opened,
        (_, 1) => closed,
        _ if payload.is_empty() => return Vec::new(),
        _ => data,
    };
    let len = u8::try_from(payload.len()).unwrap_or(u8::MAX);
    [&[client & 7, what, number, 0, len, 1][..], payload].concat()
}

#[derive(Default)]
struct Conversations(Vec<(Transport, Vec<Piece>)>);

impl FlowSink<(Transport, Vec<Piece>)> for Conversations {
    fn opened(&mut self, key: &FlowKey) -> (Transport, Vec<Piece>) {
        (key.transport, Vec::new())
    }

    fn chunk(
        &mut self,
        _: &FlowKey,
        state: &mut (Transport, Vec<Piece>),
        chunk: Chunk<'_>,
    ) -> DirectionEvidence {
        let direction: Direction = chunk.direction;
        state.1.push(Piece { direction, bytes: chunk.bytes.to_vec(), truncated: 0, lost: 0 });
        DirectionEvidence::None
    }

    fn ended(&mut self, _: FlowRecord, state: (Transport, Vec<Piece>)) {
        self.0.push(state);
    }
}
