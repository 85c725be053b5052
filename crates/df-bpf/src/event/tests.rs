//! Tests of reading records.

use super::*;
use crate::abi::{HEADER_BYTES, exit_ns_of, used_bytes};

/// A record of 84 bytes that a server received, of which the first four follow.
fn record() -> Vec<u8> {
    let mut bytes = vec![kind::DATA, 0, 2, 2, 5, flag::HAS_SEQUENCE_NUMBER, 0, 0];
    bytes.extend(4u32.to_le_bytes());
    bytes.extend(84u32.to_le_bytes());
    for number in [100u64, 250, 77, 9, 0, 0] {
        bytes.extend(number.to_le_bytes());
    }
    for number in [0xffff_fff0u32, 4_026_531_840, 10, 11] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend([AF_INET6, IPPROTO_TCP]);
    for number in [8080u16, 40000, 0] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1]);
    bytes.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 2]);
    bytes.extend(*b"python3\0\0\0\0\0\0\0\0\0");
    assert_eq!(bytes.len(), HEADER_BYTES);
    bytes.extend(*b"GET padding");
    bytes
}

fn with(offset: usize, value: u8) -> Vec<u8> {
    let mut bytes = record();
    bytes[offset] = value;
    bytes
}

fn data(bytes: &[u8]) -> (SocketEvent<'_>, SocketData<'_>) {
    match decode_event(bytes, ClockOffset::from_nanos(1000)) {
        Ok(Event::Socket(event)) => match event.activity {
            SocketActivity::Data(data) => (event, data),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_record_of_received_bytes() {
    let bytes = record();
    let (event, data) = data(&bytes);
    assert_eq!((data.transfer, data.function), (Transfer::Received, "recvfrom"));
    assert_eq!((data.bytes, data.original_len), (&b"GET "[..], 84));
    assert_eq!(data.position, StreamPosition::Tcp(0xffff_fff0));
    assert_eq!(data.causal_id, CausalId::new(9));
    assert_eq!((data.entry.as_nanos(), data.exit.as_nanos(), event.timestamp.as_nanos()), (1100, 1250, 1250));
    assert_eq!((event.task.pid, event.task.tid, event.task.coroutine), (10, 11, None));
    assert_eq!(event.task.command.as_text(), "python3");
    assert_eq!((event.socket.id, event.socket.role), (SocketId(77), SocketRole::Server));
    assert_eq!(event.socket.local.to_string(), "127.0.0.1:8080");
    assert_eq!(event.socket.remote.to_string(), "127.0.0.2:40000");
    assert_eq!(event.socket.network_namespace, 4_026_531_840);
}

#[test]
fn what_was_sent_happened_when_the_call_began() {
    let bytes = with(2, 1);
    assert_eq!(data(&bytes).0.timestamp.as_nanos(), 1100);
}

#[test]
fn plain_text_stands_at_an_offset() {
    let bytes = with(5, flag::IS_PLAINTEXT);
    assert_eq!(data(&bytes).1.position, StreamPosition::Plaintext { offset: 0, sequence_number: None });
    let bytes = with(5, 0);
    assert_eq!(data(&bytes).1.position, StreamPosition::Datagram);
}

#[test]
fn a_socket_for_every_address_with_an_ipv4_peer_is_one_of_ipv4() {
    let mut bytes = record();
    bytes[HEADER_BYTES - 48..HEADER_BYTES - 32].fill(0);
    assert_eq!(data(&bytes).0.socket.local.to_string(), "0.0.0.0:8080");
}

/// What a server received over a Unix socket, at a place of its stream that is counted.
fn unix_record() -> Vec<u8> {
    let mut bytes = record();
    bytes[5] = flag::IS_COUNTED | flag::HAS_SEQUENCE_NUMBER;
    bytes[56..64].copy_from_slice(&5_000_000_000u64.to_le_bytes());
    bytes[80..HEADER_BYTES - 16].fill(0);
    bytes[80] = AF_UNIX;
    bytes[HEADER_BYTES - 48..HEADER_BYTES - 40].copy_from_slice(&4711u64.to_le_bytes());
    bytes[HEADER_BYTES - 32..HEADER_BYTES - 24].copy_from_slice(&815u64.to_le_bytes());
    bytes
}

#[test]
fn a_unix_socket_is_known_by_its_number() {
    let bytes = unix_record();
    let (event, data) = data(&bytes);
    assert_eq!(event.socket.transport, Transport::Unix);
    assert_eq!(event.socket.local, Endpoint::unix(UnixAddress::of_inode(4711)));
    assert_eq!(event.socket.remote, Endpoint::unix(UnixAddress::of_inode(815)));
    assert_eq!(data.position, StreamPosition::Counted { offset: 5_000_000_000, is_from_start: true });
    let mut bytes = unix_record();
    bytes[HEADER_BYTES - 28] = 1;
    let error = decode_event(&bytes, ClockOffset::default()).unwrap_err();
    assert_eq!(error, RecordError::Impossible("inode number"), "the kernel gives no such number");
}

#[test]
fn a_path_is_told_by_itself() {
    let mut bytes = unix_record();
    bytes[0] = kind::PATH;
    let told = decode_event(&bytes, ClockOffset::default());
    assert_eq!(told, Ok(Event::Path(SocketId(77), b"GET ")));
}

#[test]
fn impossible_values_are_told() {
    let error = |bytes: &[u8]| decode_event(bytes, ClockOffset::default()).unwrap_err();
    assert_eq!(error(&with(0, 99)), RecordError::UnknownKind);
    assert_eq!(error(&with(1, 9)), RecordError::Impossible("source"));
    assert_eq!(error(&with(2, 0)), RecordError::Impossible("transfer"));
    assert_eq!(error(&with(3, 9)), RecordError::Impossible("role"));
    assert_eq!(error(&with(80, 3)), RecordError::Impossible("address family"));
    assert_eq!(error(&with(81, 1)), RecordError::Impossible("transport"));
    assert_eq!(error(&with(8, 200)), RecordError::TooShort);
}

#[test]
fn a_record_that_ends_early_is_none() {
    let bytes = record();
    for length in 0..HEADER_BYTES + 4 {
        assert_eq!(decode_event(&bytes[..length], ClockOffset::default()), Err(RecordError::TooShort));
    }
    assert_eq!((exit_ns_of(&bytes), exit_ns_of(&[])), (250, 0));
    assert_eq!((used_bytes(&bytes), used_bytes(&bytes[..50])), (HEADER_BYTES + 4, 50));
}

#[test]
fn a_process_that_becomes_another_program() {
    let mut bytes = with(0, kind::EXEC);
    bytes.truncate(HEADER_BYTES);
    bytes[8..12].copy_from_slice(&144u32.to_le_bytes());
    bytes.extend(7u64.to_le_bytes());
    bytes.extend(1u32.to_le_bytes());
    bytes.extend(0u32.to_le_bytes());
    let mut path = [0; 128];
    path[..8].copy_from_slice(b"/bin/cat");
    bytes.extend(path);
    let Ok(Event::Process(event)) = decode_event(&bytes, ClockOffset::default()) else {
        panic!("no event of a process");
    };
    assert_eq!(event.change, ProcessChange::Executed { path: b"/bin/cat" });
    assert_eq!((event.parent_pid, event.start_ns, event.task.pid), (1, 7, 10));
}
