//! Learn to read one protocol from bytes you already have: a DNS query and its answer, without sockets or capture files.
//!
//! `cargo run -p df-l7 --example dns_from_bytes`
#![allow(clippy::print_stdout, reason = "an example prints")]

use std::error::Error;
use std::sync::Arc;

use df_core::{Chunk, Direction, Timestamp, Transport};
use df_l7::{Connection, ConnectionConfig};

fn main() -> Result<(), Box<dyn Error>> {
    let query = message(&QUESTION, &[]);
    let answer = message(&QUESTION, &ANSWER);

    // A connection finds out by itself which protocol it speaks; the ports help where bytes alone leave a doubt.
    let config = Arc::new(ConnectionConfig::default());
    let mut connection = Connection::new(Transport::Udp, config).with_ports(40_000, 53);
    let at = Timestamp::from_nanos;
    connection.handle_chunk(Chunk::new(Direction::ToServer, at(1_000_000), 0, &query));
    connection.handle_chunk(Chunk::new(Direction::ToClient, at(3_500_000), 0, &answer));

    let exchange = connection.poll_exchange().ok_or("the answer belongs to the query")?;
    let request = exchange.request.as_ref().ok_or("the query was seen")?;
    let response = exchange.response.as_ref().ok_or("the answer was seen")?;
    println!("protocol  {}", exchange.protocol.name());
    println!("question  {} {}", request.content.kind, request.content.domain.as_deref().unwrap_or("?"));
    println!("code      {}", response.content.code.as_deref().unwrap_or("?"));
    println!("answer    {}", response.content.result.as_deref().unwrap_or("?"));
    println!("duration  {:?}", exchange.duration().unwrap_or_default());
    for attribute in &response.content.attributes {
        println!("{}  {:?}", attribute.key, attribute.value);
    }
    Ok(())
}

/// A message about `question`: a query, or a response where there is an answer.
fn message(question: &[u8], answer: &[u8]) -> Vec<u8> {
    let is_response = !answer.is_empty();
    let flags: [u8; 2] = if is_response { [0x81, 0x80] } else { [0x01, 0x00] };
    let mut bytes = vec![0x12, 0x34, flags[0], flags[1], 0, 1, 0, u8::from(is_response), 0, 0, 0, 0];
    bytes.extend_from_slice(question);
    bytes.extend_from_slice(answer);
    bytes
}

/// `www.example.com`, type A, class IN.
const QUESTION: [u8; 21] = *b"\x03www\x07example\x03com\x00\x00\x01\x00\x01";
/// The same name (a pointer to offset 12), type A, class IN, 60 seconds, four bytes: 192.0.2.7.
const ANSWER: [u8; 16] = [0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7];
