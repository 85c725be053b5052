//! Small captures of HTTP conversations, built byte by byte.

use std::fs::File;
use std::path::Path;

use df_capture::{Frame, LinkType, PcapWriter};
use df_core::Timestamp;
use etherparse::PacketBuilder;

/// Writes a capture of `requests` requests, each on its own connection and each answered after one millisecond.
/// Gives the file's length in bytes.
pub(crate) fn write(path: &Path, requests: u16) -> u64 {
    write_paced(path, requests, 500_000)
}

/// The same with `packet_interval_ns` from one packet of a connection to the next.
pub(crate) fn write_paced(path: &Path, requests: u16, packet_interval_ns: u64) -> u64 {
    let mut writer = PcapWriter::new(File::create(path).unwrap(), LinkType::ETHERNET).unwrap();
    for number in 0..requests {
        let conversation_ns = START_NS + u64::from(number) * packet_interval_ns * 20;
        for (index, bytes) in conversation(number).iter().enumerate() {
            let timestamp = Timestamp::from_nanos(conversation_ns + index as u64 * packet_interval_ns);
            writer.write(&Frame::new(timestamp, LinkType::ETHERNET, bytes)).unwrap();
        }
    }
    writer.finish().unwrap();
    std::fs::metadata(path).unwrap().len()
}

/// Handshake, request, acknowledgment, response, both ends' FIN.
fn conversation(number: u16) -> Vec<Vec<u8>> {
    let port = 40_000 + number;
    let request = format!("GET /item/{number}?token=secret HTTP/1.1\r\nHost: shop.example\r\n\r\n");
    let response = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let after = |start: u32, bytes: &[u8]| start + u32::try_from(bytes.len()).unwrap();
    let (asked, answered) = (after(1_001, request.as_bytes()), after(9_001, response));
    let client = || PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64);
    let server = || PacketBuilder::ethernet2([4; 6], [2; 6]).ipv4([10, 0, 0, 2], [10, 0, 0, 1], 64);
    let build = |step: etherparse::PacketBuilderStep<etherparse::TcpHeader>, payload: &[u8]| {
        let mut bytes = Vec::new();
        step.write(&mut bytes, payload).unwrap();
        bytes
    };
    vec![
        build(client().tcp(port, 80, 1_000, 1_024).syn(), &[]),
        build(server().tcp(80, port, 9_000, 1_024).syn().ack(1_001), &[]),
        build(client().tcp(port, 80, 1_001, 1_024).ack(9_001).psh(), request.as_bytes()),
        build(server().tcp(80, port, 9_001, 1_024).ack(asked), &[]),
        build(server().tcp(80, port, 9_001, 1_024).ack(asked).psh(), response),
        build(client().tcp(port, 80, asked, 1_024).ack(answered).fin(), &[]),
        build(server().tcp(80, port, answered, 1_024).ack(asked + 1).fin(), &[]),
        build(client().tcp(port, 80, asked + 1, 1_024).ack(answered + 1), &[]),
    ]
}

/// 2026-01-01 00:00:00 UTC.
pub(crate) const START_NS: u64 = 1_767_225_600_000_000_000;
