//! Messages per second and bytes per second of HTTP/1 heads and DNS datagrams through a connection.
#![allow(missing_docs, reason = "criterion's macros make public functions")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use df_core::{Chunk, Direction, Timestamp, Transport};
use df_l7::{Connection, ConnectionConfig};

const REQUEST: &[u8] = b"GET /api/v1/users/42?fields=name,mail&limit=10 HTTP/1.1\r\nHost: shop.example.com\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Language: en-US,en;q=0.5\r\n\
    Accept-Encoding: gzip, deflate, br\r\nConnection: keep-alive\r\nCookie: a=0123456789abcdef; b=0123456789abcdef\r\n\
    traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n";
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nServer: nginx/1.26.0\r\nDate: Mon, 23 Nov 2026 03:00:00 GMT\r\n\
    Content-Type: application/json\r\nContent-Length: 0\r\nConnection: keep-alive\r\nX-Request-Id: 0123456789abcdef\r\n\r\n";
const QUERY: &[u8] =
    b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07example\x03com\x00\x00\x01\x00\x01";
const ANSWER: &[u8] =
    b"\x12\x34\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\x03www\x07example\x03com\x00\x00\x01\x00\x01\
    \xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x0a\x00\x00\x01";

/// How many exchanges one iteration makes.
const EXCHANGES: u64 = 1_000;

fn converse(transport: Transport, config: &Arc<ConnectionConfig>, request: &[u8], response: &[u8]) -> u64 {
    let mut connection = Connection::new(transport, Arc::clone(config)).with_ports(40_000, 53);
    let (mut offsets, mut exchanges) = ([0_u64; 2], 0);
    for round in 0..EXCHANGES {
        for (direction, bytes) in [(Direction::ToServer, request), (Direction::ToClient, response)] {
            let offset = &mut offsets[direction.index()];
            connection.handle_chunk(Chunk::new(direction, Timestamp::from_nanos(round), *offset, bytes));
            *offset += bytes.len() as u64;
        }
        while let Some(exchange) = connection.poll_exchange() {
            black_box(&exchange);
            exchanges += 1;
        }
    }
    exchanges
}

fn benchmark(criterion: &mut Criterion) {
    let config = Arc::new(ConnectionConfig::default());
    for (name, transport, request, response) in
        [("http1", Transport::Tcp, REQUEST, RESPONSE), ("dns", Transport::Udp, QUERY, ANSWER)]
    {
        assert_eq!(converse(transport, &config, request, response), EXCHANGES);
        let mut group = criterion.benchmark_group(name);
        let bytes = (request.len() + response.len()) as u64 * EXCHANGES;
        for (unit, throughput) in
            [("bytes", Throughput::Bytes(bytes)), ("messages", Throughput::Elements(EXCHANGES * 2))]
        {
            group.throughput(throughput);
            group.bench_function(unit, |bencher| {
                bencher.iter(|| converse(transport, &config, request, response));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, benchmark);
criterion_main!(benches);
