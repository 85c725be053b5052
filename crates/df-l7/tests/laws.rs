//! The laws that hold for every protocol, tried on conversations that were recorded from real servers and clients.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that cannot go on should stop")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use df_capture::{Frame, FrameSource, LinkType, PcapFile, decode};
use df_core::{Chunk, FlowKey, Packet, Timestamp, Transport};
use df_flow::{DirectionEvidence, FlowConfig, FlowRecord, FlowSink, FlowTable};
use df_l7::fuzzing::{Observation, Piece, observe, split};
use df_l7::{Connection, ConnectionConfig};
use proptest::prelude::*;

/// The pieces of one connection, in the order of their arrival.
struct Conversation {
    case: String,
    key: FlowKey,
    pieces: Vec<Piece>,
}

/// A frame of a capture.
#[derive(Clone)]
struct Recorded {
    link_type: LinkType,
    timestamp: Timestamp,
    bytes: Vec<u8>,
    original_len: u32,
}

/// A recording: one case of the repository's test data.
struct Case {
    name: String,
    frames: Vec<Recorded>,
}

impl Recorded {
    fn packet(&self) -> Option<Packet<'_>> {
        let frame =
            Frame::new(self.timestamp, self.link_type, &self.bytes).with_original_len(self.original_len);
        decode(&frame).ok()
    }

    fn is_tcp_data(&self) -> bool {
        self.packet()
            .is_some_and(|packet| packet.transport.transport() == Transport::Tcp && packet.payload_len > 0)
    }

    fn goes_the_same_way_as(&self, other: &Self) -> bool {
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

static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata");
    let cases: Vec<Case> =
        folders(&root).iter().flat_map(|protocol| folders(protocol)).map(|path| read(&path)).collect();
    if cases.is_empty() {
        println!("skipped: the repository's testdata is not here (a packaged crate comes without it)");
    }
    cases
});

static CONVERSATIONS: LazyLock<Vec<Conversation>> =
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

fn conversations_of(case: &Case, frames: &[Recorded]) -> Vec<Conversation> {
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

fn run(conversation: &Conversation, pieces: &[Piece]) -> Observation {
    let config = ConnectionConfig::default();
    let connection = Connection::new(conversation.key.transport, Arc::new(config.clone()))
        .with_ports(conversation.key.client.port, conversation.key.server.port);
    observe(connection, pieces, &config)
}

#[test]
fn exchanges_do_not_depend_on_how_the_stream_is_cut() {
    for conversation in
        CONVERSATIONS.iter().filter(|conversation| conversation.key.transport == Transport::Tcp)
    {
        let whole = run(conversation, &conversation.pieces);
        for len in [1, 2, 3, 5, 17, 100, 1_000] {
            let cut = run(conversation, &split(&conversation.pieces, len));
            assert_eq!(whole.exchanges, cut.exchanges, "{} in pieces of {len}", conversation.case);
        }
    }
}

#[test]
fn exchanges_do_not_depend_on_order_and_repetition_of_segments() {
    for case in CASES.iter() {
        let exchanges = |frames: &[Recorded]| -> Vec<String> {
            let conversations = conversations_of(case, frames);
            conversations
                .iter()
                .flat_map(|conversation| run(conversation, &conversation.pieces).exchanges)
                .collect()
        };
        let expected = exchanges(&case.frames);
        let times = |frame: &Recorded| if frame.is_tcp_data() { 2 } else { 1 };
        let repeat = |frame: &Recorded| std::iter::repeat_n(frame.clone(), times(frame));
        let repeated: Vec<Recorded> = case.frames.iter().flat_map(repeat).collect();
        assert_eq!(expected, exchanges(&repeated), "{} with every segment twice", case.name);
        assert_eq!(expected, exchanges(&swapped(&case.frames)), "{} with neighbours swapped", case.name);
    }
}

/// Segments that follow each other in one direction change places. A connection joined in mid-life cannot know that its
/// first segment was not the first, so only those after a SYN are touched.
fn swapped(frames: &[Recorded]) -> Vec<Recorded> {
    let has_syn = frames.first().and_then(Recorded::packet).is_some_and(|packet| packet.payload_len == 0);
    let mut swapped = frames.to_vec();
    let mut place = 1;
    while has_syn && place < swapped.len() {
        if swapped[place - 1].goes_the_same_way_as(&swapped[place]) {
            swapped.swap(place - 1, place);
            place += 1;
        }
        place += 1;
    }
    swapped
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// A lost range degrades what it touches: nothing is invented, and identifiers never pair wrongly.
    #[test]
    fn a_gap_invents_nothing(from in 0.0_f64..1.0, share in 0.001_f64..0.5, len in 20_usize..1_200) {
        for conversation in CONVERSATIONS.iter() {
            let whole = run(conversation, &conversation.pieces);
            let is_stream = conversation.key.transport == Transport::Tcp;
            let pieces = if is_stream { split(&conversation.pieces, len) } else { conversation.pieces.clone() };
            let found = run(conversation, &lose(&pieces, from, share));
            prop_assert!(
                found.exchanges.len() <= 2 * whole.exchanges.len() + 2,
                "{}: {} exchanges of {}", conversation.case, found.exchanges.len(), whole.exchanges.len()
            );
            if whole.exchanges.iter().all(|text| text.contains("request_id: Some")) {
                let pairs = |observation: &Observation| observation.pairs.iter().cloned().collect::<BTreeSet<_>>();
                let (all, some) = (pairs(&whole), pairs(&found));
                prop_assert!(some.is_subset(&all), "{}: {:?}", conversation.case, some.difference(&all).next());
            }
        }
    }

    /// A snap length never makes more exchanges than there were messages.
    #[test]
    fn a_snap_length_degrades(len in 1_usize..300) {
        for conversation in CONVERSATIONS.iter() {
            let whole = run(conversation, &conversation.pieces);
            let mut pieces = conversation.pieces.clone();
            for piece in &mut pieces {
                piece.truncated += piece.bytes.len().saturating_sub(len);
                piece.bytes.truncate(len);
            }
            let cut = run(conversation, &pieces);
            prop_assert!(cut.exchanges.len() <= 2 * whole.exchanges.len() + 2, "{}", conversation.case);
        }
    }
}

/// Takes a range of pieces out of a conversation.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "small counts"
)]
fn lose(pieces: &[Piece], from: f64, share: f64) -> Vec<Piece> {
    let first = (from * pieces.len() as f64) as usize;
    let last = first + 1 + (share * pieces.len() as f64) as usize;
    let mut owed = [0, 0];
    let mut kept = Vec::new();
    for (place, piece) in pieces.iter().enumerate() {
        let missing: &mut usize = &mut owed[piece.direction.index()];
        if (first..last).contains(&place) {
            *missing += piece.lost + piece.bytes.len() + piece.truncated;
        } else {
            kept.push(Piece { lost: piece.lost + std::mem::take(missing), ..piece.clone() });
        }
    }
    kept
}
