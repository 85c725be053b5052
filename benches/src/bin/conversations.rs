//! Makes a capture of HTTP conversations, as many at a time as you like.
//!
//! `cargo run --release -p df-bench --bin conversations -- OUT.pcap FLOWS EXCHANGES`: opens FLOWS connections one after the
//! other, then sends EXCHANGES requests with their responses over them in random order. All stay open.
#![allow(clippy::print_stdout, reason = "a command line tool prints")]

use std::error::Error;
use std::fs::File;
use std::io::BufWriter;

use df_capture::{Frame, LinkType, PcapWriter};
use df_core::Timestamp;

/// How far a connection has come: the bytes sent by its client and by its server.
#[derive(Debug, Clone, Copy, Default)]
struct Sent {
    asked: u32,
    answered: u32,
}

struct Output {
    writer: PcapWriter<BufWriter<File>>,
    packets: u64,
    frame: Vec<u8>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: conversations OUT.pcap FLOWS EXCHANGES";
    let out = arguments.next().ok_or(usage)?;
    let flows: u32 = arguments.next().ok_or(usage)?.parse()?;
    let exchanges: u64 = arguments.next().ok_or(usage)?.parse()?;
    let writer = PcapWriter::new(BufWriter::new(File::create(&out)?), LinkType::ETHERNET)?;
    let mut output = Output { writer, packets: 0, frame: Vec::new() };
    let mut connections = vec![Sent::default(); usize::try_from(flows)?];
    for flow in 0..flows {
        output.write(flow, true, (SYN, 99, 0), b"")?;
        output.write(flow, false, (SYN | ACK, 499, 100), b"")?;
        output.write(flow, true, (ACK, 100, 500), b"")?;
    }
    let response = response();
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..exchanges {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let flow = u32::try_from(((random >> 32) * u64::from(flows)) >> 32)?;
        let sent = &mut connections[usize::try_from(flow)?];
        let (ask, answer) = (100 + sent.asked, 500 + sent.answered);
        output.write(flow, true, (ACK | PSH, ask, answer), REQUEST)?;
        sent.asked += u32::try_from(REQUEST.len())?;
        output.write(flow, false, (ACK | PSH, answer, 100 + sent.asked), &response)?;
        sent.answered += u32::try_from(response.len())?;
        output.write(flow, true, (ACK, 100 + sent.asked, 500 + sent.answered), b"")?;
    }
    let packets = output.packets;
    output.writer.finish()?;
    println!("{out}: {packets} packets of {flows} connections, {exchanges} exchanges");
    Ok(())
}

impl Output {
    /// Writes one TCP packet of a connection; numbers are flags, sequence number and acknowledgment.
    fn write(
        &mut self,
        flow: u32,
        is_to_server: bool,
        (flags, sequence_number, acknowledgment): (u8, u32, u32),
        payload: &[u8],
    ) -> Result<(), Box<dyn Error>> {
        let client =
            ((0x0a00_0000 | (flow >> 8)).to_be_bytes(), (40_000 + (flow & 0xff) as u16).to_be_bytes());
        let server = ([192, 0, 2, 1], 80_u16.to_be_bytes());
        let (from, to) = if is_to_server { (client, server) } else { (server, client) };
        let frame = &mut self.frame;
        frame.clear();
        frame.extend([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x00]);
        frame.extend([0x45, 0]);
        frame.extend(u16::try_from(40 + payload.len())?.to_be_bytes());
        frame.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
        frame.extend([from.0, to.0].concat());
        let checksum = internet_checksum(&frame[14..34]);
        frame[24..26].copy_from_slice(&checksum.to_be_bytes());
        frame.extend([from.1, to.1].concat());
        frame.extend(sequence_number.to_be_bytes());
        frame.extend(acknowledgment.to_be_bytes());
        frame.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        frame.extend(payload);
        let at = Timestamp::from_nanos(START_NS + self.packets * PACKET_EVERY_NS);
        self.packets += 1;
        Ok(self.writer.write(&Frame::new(at, LinkType::ETHERNET, frame))?)
    }
}

fn response() -> Vec<u8> {
    let mut response = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 400\r\n\r\n".to_vec();
    response.resize(response.len() + 400, b'x');
    response
}

/// RFC 1071.
fn internet_checksum(header: &[u8]) -> u16 {
    let words = header.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]));
    let sum: u32 = words.sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !u16::try_from(folded & 0xffff)
        .unwrap_or_default()
        .wrapping_add(u16::try_from(folded >> 16).unwrap_or_default())
}

const REQUEST: &[u8] = b"GET /item/1?page=2 HTTP/1.1\r\nHost: shop.example\r\nAccept: text/plain\r\n\r\n";
const START_NS: u64 = 1_700_000_000_000_000_000;
/// A hundred thousand packets a second.
const PACKET_EVERY_NS: u64 = 10_000;
const SYN: u8 = 2;
const PSH: u8 = 8;
const ACK: u8 = 16;
