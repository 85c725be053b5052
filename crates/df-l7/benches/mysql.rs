//! Nanoseconds per MySQL exchange: a short query with its SQL text read, and a row of a long result.
#![allow(missing_docs, reason = "criterion's macros make public functions")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot be set up should stop")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use df_core::{Chunk, Direction, Timestamp, Transport};
use df_l7::{Connection, ConnectionConfig};

const COLUMN: &[u8] = b"\x03def\x00\x00\x00\x01a\x00\x0c\x3f\x00\x01\x00\x00\x00\x08\x81\x00\x00\x00\x00";
const QUERY: &str = "SELECT id, name, email FROM users u JOIN orders o ON u.id = o.user_id WHERE u.name = 'x' AND o.total > 10.5";
const ROWS: u8 = 200;

fn packet(sequence_id: u8, body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len()).unwrap().to_le_bytes();
    [&len[..3], &[sequence_id], body].concat()
}

/// A connection that is read anew in every exchange without growing.
struct Talk {
    connection: Connection,
    offsets: [u64; 2],
}

impl Talk {
    fn new() -> Self {
        let connection = Connection::new(Transport::Tcp, Arc::new(ConnectionConfig::default()));
        Self { connection: connection.with_ports(50_000, 3_306), offsets: [0; 2] }
    }

    fn say(&mut self, direction: Direction, bytes: &[u8]) {
        let offset = &mut self.offsets[direction.index()];
        self.connection.handle_chunk(Chunk::new(direction, Timestamp::from_nanos(*offset), *offset, bytes));
        *offset += bytes.len() as u64;
    }

    fn exchange(&mut self, query: &[u8], response: &[u8]) {
        self.say(Direction::ToServer, query);
        self.say(Direction::ToClient, response);
        assert!(black_box(self.connection.poll_exchange()).is_some());
    }
}

fn mysql(criterion: &mut Criterion) {
    let query = packet(0, &[b"\x03", QUERY.as_bytes()].concat());
    let ok = packet(1, &[0, 1, 0, 2, 0, 0, 0]);
    let mut rows = [packet(1, &[1]), packet(2, COLUMN), packet(3, &[0xfe, 0, 0, 2, 0])].concat();
    for row in 0..ROWS {
        rows.extend(packet(4_u8.wrapping_add(row), &[b'x'; 64]));
    }
    rows.extend(packet(4_u8.wrapping_add(ROWS), &[0xfe, 0, 0, 2, 0]));

    let mut group = criterion.benchmark_group("mysql");
    group.throughput(Throughput::Elements(1));
    let mut talk = Talk::new();
    group.bench_function("exchange", |bencher| bencher.iter(|| talk.exchange(&query, &ok)));
    group.throughput(Throughput::Bytes(rows.len() as u64));
    let mut talk = Talk::new();
    group.bench_function("result_of_200_rows", |bencher| bencher.iter(|| talk.exchange(&query, &rows)));
    group.finish();
}

criterion_group!(benches, mysql);
criterion_main!(benches);
