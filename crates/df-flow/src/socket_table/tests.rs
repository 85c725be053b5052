//! What comes out of a socket table, whatever the order in which events go in.

use std::time::Duration;

use df_core::{
    CausalId, Chunk, Command, Direction, Endpoint, EventSource, Socket, SocketActivity, SocketData,
    SocketEvent, SocketId, SocketRole, StreamPosition, Task, Timestamp, Transfer, Transport, UnixAddress,
};
use proptest::prelude::*;

use super::{ConversationEnds, LocalEnd, SocketConfig, SocketSink, SocketTable};

/// Writes down what it is given.
#[derive(Default)]
struct Notebook {
    ended: Vec<(ConversationEnds, Vec<Noted>)>,
    /// What had travelled where plain text began.
    outside: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
struct Noted {
    direction: Direction,
    offset: u64,
    bytes: Vec<u8>,
    original_len: usize,
    sequence_number: Option<u32>,
    causal_id: Option<CausalId>,
}

impl SocketSink<Vec<Noted>> for Notebook {
    fn opened(&mut self, _: &ConversationEnds) -> Vec<Noted> {
        Vec::new()
    }

    fn opened_inside(&mut self, _: &ConversationEnds, outside: &mut Vec<Noted>) -> Vec<Noted> {
        self.outside.push(text(outside));
        Vec::new()
    }

    fn chunk(&mut self, _: &ConversationEnds, state: &mut Vec<Noted>, chunk: Chunk<'_>) {
        state.push(Noted {
            direction: chunk.direction,
            offset: chunk.offset,
            bytes: chunk.bytes.to_vec(),
            original_len: chunk.original_len,
            sequence_number: chunk.sequence_number,
            causal_id: chunk.causal_id,
        });
    }

    fn ended(&mut self, ends: &ConversationEnds, state: Vec<Noted>) {
        self.ended.push((ends.clone(), state));
    }
}

fn socket(id: u64, role: SocketRole) -> Socket {
    let local = Endpoint::new([10, 0, 0, 1].into(), 40_000);
    let remote = Endpoint::new([10, 0, 0, 2].into(), 80);
    Socket::new(SocketId(id), Transport::Tcp, local, remote).with_role(role)
}

fn data(transfer: Transfer, position: StreamPosition, bytes: &[u8]) -> SocketData<'_> {
    let source = match position {
        StreamPosition::Plaintext { .. } => EventSource::OpenSsl,
        _ => EventSource::Syscall,
    };
    SocketData::new(transfer, source, position, bytes, [Timestamp::ZERO; 2])
}

fn event(at_ms: u64, socket: Socket, activity: SocketActivity<'_>) -> SocketEvent<'_> {
    let task = Task::new(7, 8, Command::default());
    SocketEvent::new(Timestamp::from_nanos(at_ms * 1_000_000), socket, task, activity)
}

fn sent(at_ms: u64, position: u32, bytes: &[u8]) -> SocketEvent<'_> {
    let socket = socket(1, SocketRole::Client);
    event(at_ms, socket, SocketActivity::Data(data(Transfer::Sent, StreamPosition::Tcp(position), bytes)))
}

fn run<'a>(events: impl IntoIterator<Item = SocketEvent<'a>>) -> Vec<(ConversationEnds, Vec<Noted>)> {
    let (mut table, mut notebook) = (SocketTable::new(SocketConfig::default()), Notebook::default());
    for event in events {
        table.handle_event(&event, &mut notebook);
    }
    table.finish(&mut notebook);
    assert!(table.is_empty());
    notebook.ended
}

/// The bytes of one direction in order; a hole is a byte `?`.
fn text(notes: &[Noted]) -> String {
    let mut text = String::new();
    for note in notes {
        let hole = usize::try_from(note.offset).unwrap() - text.len();
        text.extend(std::iter::repeat_n('?', hole));
        text.push_str(std::str::from_utf8(&note.bytes).unwrap());
        text.extend(std::iter::repeat_n('?', note.original_len - note.bytes.len()));
    }
    text
}

#[test]
fn who_connected_is_the_client_and_without_that_the_lower_port_serves() {
    for (role, transfer, expected) in [
        (SocketRole::Client, Transfer::Received, LocalEnd::Client),
        (SocketRole::Server, Transfer::Received, LocalEnd::Server),
        (SocketRole::Unknown, Transfer::Received, LocalEnd::Client),
    ] {
        let data = data(transfer, StreamPosition::Tcp(1), b"x");
        let ended = run([event(1, socket(1, role), SocketActivity::Data(data))]);
        let (ends, notes) = &ended[0];
        assert_eq!(ends.local, expected);
        let is_client = expected == LocalEnd::Client;
        assert_eq!(ends.key.client.port == 40_000, is_client);
        assert_eq!(notes[0].direction, if is_client { Direction::ToClient } else { Direction::ToServer });
    }
}

#[test]
fn a_unix_socket_is_put_in_order_by_what_was_counted() {
    let ends = [4711, 815].map(|inode| Endpoint::unix(UnixAddress::of_inode(inode)));
    let socket = Socket::new(SocketId(1), Transport::Unix, ends[0], ends[1]).with_role(SocketRole::Server);
    let moved = |at_ms, offset, bytes: &'static [u8], is_from_start| {
        let position = StreamPosition::Counted { offset, is_from_start };
        event(at_ms, socket, SocketActivity::Data(data(Transfer::Received, position, bytes)))
    };
    for (first, is_from_start) in [(0, true), (u64::from(u32::MAX) - 1, false)] {
        let told = [(1, first, &b"abc"[..]), (3, first + 5, b"f"), (2, first + 3, b"de")];
        let ended = run(told.map(|(at_ms, offset, bytes)| moved(at_ms, offset, bytes, is_from_start)));
        let [(ends, notes)] = &ended[..] else { panic!("{ended:?}") };
        assert_eq!((ends.key.transport, ends.local), (Transport::Unix, LocalEnd::Server));
        assert_eq!((ends.key.client, ends.key.server), (socket.remote, socket.local));
        // Only what both ends count alike is a number that others may know.
        let numbers: Vec<_> = notes.iter().map(|note| note.sequence_number).collect();
        let expected = if is_from_start { [Some(0), Some(3), Some(5)] } else { [None; 3] };
        assert_eq!((text(notes).as_str(), &numbers[..]), ("abcdef", &expected[..]));
    }
    let mut closed = moved(9, 0, b"x", true);
    closed.activity = SocketActivity::Closed;
    let (mut table, mut notebook) = (SocketTable::new(SocketConfig::default()), Notebook::default());
    table.handle_event(&moved(1, 0, b"x", true), &mut notebook);
    table.handle_event(&closed, &mut notebook);
    assert!(table.is_empty());
}

#[test]
fn a_hole_is_given_up_after_a_second_and_what_follows_keeps_its_place() {
    let (mut table, mut notebook) = (SocketTable::new(SocketConfig::default()), Notebook::default());
    table.handle_event(&sent(0, u32::MAX - 1, b"abc"), &mut notebook);
    table.handle_event(&sent(1, 3, b"fg"), &mut notebook);
    assert_eq!(table.stats().delivered_bytes, 3);
    table.handle_timeout(Timestamp::from_nanos(2_500_000_000), &mut notebook);
    assert_eq!((table.stats().delivered_bytes, table.stats().gaps), (5, 1));
    table.finish(&mut notebook);
    let notes = &notebook.ended[0].1;
    assert_eq!(text(notes), "abc??fg");
    assert_eq!(notes[1].sequence_number, Some(3));
}

#[test]
fn what_the_kernel_left_out_is_cut_from_its_own_chunk() {
    let long = data(Transfer::Sent, StreamPosition::Tcp(1), b"ab").with_original_len(5);
    let ended = run([event(0, socket(1, SocketRole::Client), SocketActivity::Data(long)), sent(1, 6, b"fg")]);
    assert_eq!(text(&ended[0].1), "ab???fg");
}

#[test]
fn plaintext_is_a_conversation_of_its_own_that_ends_with_its_socket() {
    let position = |offset| StreamPosition::Plaintext { offset, sequence_number: Some(900) };
    let socket = socket(1, SocketRole::Client);
    let plain = |offset, bytes| SocketActivity::Data(data(Transfer::Sent, position(offset), bytes));
    let (mut table, mut notebook) = (SocketTable::new(SocketConfig::default()), Notebook::default());
    for event in [
        sent(0, 1, b"hello"),
        event(1, socket, plain(3, b"T /")),
        event(2, socket, plain(0, b"GET")),
        event(3, socket, SocketActivity::Closed),
    ] {
        table.handle_event(&event, &mut notebook);
    }
    assert!(table.is_empty());
    let sources: Vec<_> = notebook.ended.iter().map(|(ends, _)| ends.source).collect();
    assert_eq!(sources, [EventSource::Syscall, EventSource::OpenSsl]);
    assert_eq!(notebook.outside, ["hello"]);
}

#[test]
fn datagrams_of_one_socket_are_told_apart_by_their_peers() {
    let local = Endpoint::new([10, 0, 0, 1].into(), 53);
    let from = |port| {
        let remote = Endpoint::new([10, 0, 0, 2].into(), port);
        let socket = Socket::new(SocketId(1), Transport::Udp, local, remote);
        let data = data(Transfer::Received, StreamPosition::Datagram, b"query");
        event(u64::from(port), socket, SocketActivity::Data(data))
    };
    let ended = run([from(1_000), from(1_001), from(1_000)]);
    let texts: Vec<_> = ended.iter().map(|(_, notes)| text(notes)).collect();
    assert_eq!(texts, ["queryquery", "query"]);
}

#[test]
fn silent_conversations_end_and_full_tables_make_room() {
    let config = SocketConfig { max_conversations: 2, ..SocketConfig::default() };
    let (mut table, mut notebook) = (SocketTable::new(config), Notebook::default());
    for id in 1..=3 {
        let data = data(Transfer::Sent, StreamPosition::Tcp(1), b"x");
        let socket = socket(id, SocketRole::Client);
        table.handle_event(&event(id, socket, SocketActivity::Data(data)), &mut notebook);
    }
    assert_eq!((table.len(), table.stats().conversations_evicted), (2, 1));
    table.handle_timeout(Timestamp::from_nanos(3_700_000_000_000), &mut notebook);
    let stats = table.stats();
    assert_eq!((table.len(), stats.conversations_opened, stats.conversations_ended), (0, 3, 3));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However calls were seen, in which order and how often: the same bytes at the same places.
    #[test]
    fn order_and_repetition_change_nothing(
        lengths in prop::collection::vec(1_usize..20, 1..12),
        start in any::<u32>(),
        order in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..20),
    ) {
        let bytes: Vec<u8> = (b'a'..=b'z').cycle().take(lengths.iter().sum()).collect();
        let mut calls = Vec::new();
        let mut begin = 0;
        for length in lengths {
            calls.push((start.wrapping_add(u32::try_from(begin).unwrap()), &bytes[begin..begin + length]));
            begin += length;
        }
        // The first call stays in front: it tells where the stream begins.
        for (one, other) in &order {
            if calls.len() > 1 {
                let last = calls.len() - 1;
                calls.swap(1 + one.index(last), 1 + other.index(last));
            }
        }
        let repeated = calls[calls.len() / 2];
        calls.push(repeated);
        let ended = run(calls.iter().map(|(position, bytes)| {
            let id = CausalId::new(u64::from(position.wrapping_sub(start)) + 1);
            let data = data(Transfer::Sent, StreamPosition::Tcp(*position), bytes).with_causal_id(id);
            event(5, socket(1, SocketRole::Client), SocketActivity::Data(data))
        }));
        let notes = &ended[0].1;
        prop_assert_eq!(text(notes), String::from_utf8(bytes).unwrap());
        for note in notes {
            let moved = u32::try_from(note.offset).unwrap();
            prop_assert_eq!(note.sequence_number, Some(start.wrapping_add(moved)));
            prop_assert_eq!(note.causal_id, CausalId::new(u64::from(moved) + 1));
        }
    }
}

#[test]
fn too_many_bytes_behind_a_hole_are_not_kept() {
    let max_hole_age = Duration::from_secs(3600);
    let config = SocketConfig { max_out_of_order_bytes: 4, max_hole_age, ..SocketConfig::default() };
    let (mut table, mut notebook) = (SocketTable::new(config), Notebook::default());
    table.handle_event(&sent(0, 0, b"a"), &mut notebook);
    table.handle_event(&sent(1, 10, b"bcdef"), &mut notebook);
    assert_eq!((table.stats().gaps_forced, table.stats().delivered_bytes), (1, 6));
}

#[test]
fn too_many_calls_without_payload_behind_a_hole_are_not_kept() {
    let (mut table, mut notebook) = (SocketTable::new(SocketConfig::default()), Notebook::default());
    table.handle_event(&sent(0, 0, b"a"), &mut notebook);
    for number in 0..513 {
        let data = data(Transfer::Sent, StreamPosition::Tcp(10 + 5 * number), b"").with_original_len(5);
        let socket = socket(1, SocketRole::Client);
        table.handle_event(&event(1, socket, SocketActivity::Data(data)), &mut notebook);
    }
    assert_eq!((table.stats().gaps_forced, table.stats().delivered_bytes), (1, 1 + 513 * 5));
}
