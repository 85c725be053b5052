//! The recordings of the repository as conversations: chunk by chunk, as a flow table gives them.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "each test uses its part, and should stop when it cannot go on"
)]

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use df_capture::{Frame, FrameSource, LinkType, PcapFile, decode};
use df_core::{Chunk, FlowKey, Packet, Timestamp, Transport};
use df_flow::{DirectionEvidence, FlowConfig, FlowRecord, FlowSink, FlowTable};
use df_l7::fuzzing::Piece;

/// The pieces of one connection, in the order of their arrival.
pub(crate) struct Conversation {
    pub(crate) case: String,
    pub(crate) key: FlowKey,
    pub(crate) pieces: Vec<Piece>,
}

/// A frame of a capture.
#[derive(Clone)]
pub(crate) struct Recorded {
    pub(crate) link_type: LinkType,
    pub(crate) timestamp: Timestamp,
    pub(crate) bytes: Vec<u8>,
    pub(crate) original_len: u32,
}

/// A recording: one case of the repository's test data.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) frames: Vec<Recorded>,
}

impl Recorded {
    pub(crate) fn packet(&self) -> Option<Packet<'_>> {
        let frame =
            Frame::new(self.timestamp, self.link_type, &self.bytes).with_original_len(self.original_len);
        decode(&frame).ok()
    }

    pub(crate) fn is_tcp_data(&self) -> bool {
        self.packet()
            .is_some_and(|packet| packet.transport.transport() == Transport::Tcp && packet.payload_len > 0)
    }

    pub(crate) fn goes_the_same_way_as(&self, other: &Self) -> bool {
        let ends = |packet: Packet<'_>| (packet.source, packet.destination);
        self.is_tcp_data() && other.is_tcp_data() && self.packet().map(ends) == other.packet().map(ends)
    }
}

struct State {
    key: FlowKey,
    pieces: Vec<Piece>,
    ends: [u64; 2],
}

#[derive(Default)]
struct Recorder(Vec<State>);

impl FlowSink<State> for Recorder {
    fn opened(&mut self, key: &FlowKey) -> State {
        State { key: *key, pieces: Vec::new(), ends: [0, 0] }
    }

    fn chunk(&mut self, _: &FlowKey, state: &mut State, chunk: Chunk<'_>) -> DirectionEvidence {
        let end = &mut state.ends[chunk.direction.index()];
        let lost = usize::try_from(chunk.offset - *end).unwrap();
        *end = chunk.end_offset();
        let (direction, bytes) = (chunk.direction, chunk.bytes.to_vec());
        state.pieces.push(Piece { direction, bytes, truncated: chunk.missing(), lost });
        DirectionEvidence::None
    }

    fn ended(&mut self, _: FlowRecord, state: State) {
        self.0.push(state);
    }
}

pub(crate) static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata");
    let cases: Vec<Case> =
        folders(&root).iter().flat_map(|protocol| folders(protocol)).map(|path| read(&path)).collect();
    if cases.is_empty() {
        println!("skipped: the repository's testdata is not here (a packaged crate comes without it)");
    }
    cases
});

pub(crate) static CONVERSATIONS: LazyLock<Vec<Conversation>> =
    LazyLock::new(|| CASES.iter().flat_map(|case| conversations_of(case, &case.frames)).collect());

fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut folders: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

fn read(path: &Path) -> Case {
    let mut source = PcapFile::open(path.join("input.pcap")).unwrap();
    let mut frames = Vec::new();
    while let Some(frame) = source.next_frame().unwrap() {
        frames.push(Recorded {
            link_type: frame.link_type,
            timestamp: frame.timestamp,
            bytes: frame.bytes.to_vec(),
            original_len: frame.original_len,
        });
    }
    let names: Vec<_> = path.iter().rev().take(2).map(|name| name.to_string_lossy()).collect();
    Case { name: format!("{}/{}", names[1], names[0]), frames }
}

pub(crate) fn conversations_of(case: &Case, frames: &[Recorded]) -> Vec<Conversation> {
    let (mut table, mut recorder) = (FlowTable::new(FlowConfig::default()), Recorder::default());
    for packet in frames.iter().filter_map(Recorded::packet) {
        table.handle_packet(&packet, &mut recorder);
    }
    table.finish(&mut recorder);
    let with_bytes = recorder.0.into_iter().filter(|state| !state.pieces.is_empty());
    with_bytes
        .map(|state| Conversation { case: case.name.clone(), key: state.key, pieces: state.pieces })
        .collect()
}
