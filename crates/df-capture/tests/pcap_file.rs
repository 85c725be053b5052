//! Capture files in all their forms, and what is told of damaged ones.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should stop")]

use std::io::{Cursor, Read, Write};

use df_capture::{
    Frame, FrameDirection, FrameSource, LinkType, PcapFile, PcapFileError, PcapWriter, fuzzing,
};
use df_core::{InterfaceId, Timestamp};

/// What a frame was, without borrowing the source.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    nanoseconds: u64,
    interface: u32,
    link_type: LinkType,
    bytes: Vec<u8>,
    original_len: u32,
}

fn open(bytes: Vec<u8>) -> Result<PcapFile, PcapFileError> {
    PcapFile::from_reader("memory", Cursor::new(bytes))
}

/// Reads to the end or to the damage.
fn read(source: &mut PcapFile) -> (Vec<Seen>, Option<PcapFileError>) {
    let mut seen = Vec::new();
    loop {
        match source.next_frame() {
            Ok(Some(frame)) => seen.push(Seen {
                nanoseconds: frame.timestamp.as_nanos(),
                interface: frame.interface.0,
                link_type: frame.link_type,
                bytes: frame.bytes.to_vec(),
                original_len: frame.original_len,
            }),
            Ok(None) => return (seen, None),
            Err(error) => {
                assert!(matches!(source.next_frame(), Ok(None)), "nothing follows an error");
                return (seen, Some(error));
            }
        }
    }
}

fn frames_of(bytes: Vec<u8>) -> Vec<Seen> {
    fuzzing::pcap_file(&bytes);
    let (seen, error) = read(&mut open(bytes).unwrap());
    assert!(error.is_none(), "{error:?}");
    seen
}

fn seen(nanoseconds: u64, interface: u32, bytes: &[u8], original_len: u32) -> Seen {
    Seen { nanoseconds, interface, link_type: LinkType::ETHERNET, bytes: bytes.to_vec(), original_len }
}

/// Writes numbers in one byte order.
#[derive(Clone, Copy)]
struct Order {
    is_big: bool,
}

const LITTLE: Order = Order { is_big: false };
const BIG: Order = Order { is_big: true };

impl Order {
    fn u16(self, value: u16) -> [u8; 2] {
        if self.is_big { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    fn u32(self, value: u32) -> [u8; 4] {
        if self.is_big { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    fn classic(self, magic: u32, records: &[(u32, u32, &[u8], u32)]) -> Vec<u8> {
        let mut file = self.u32(magic).to_vec();
        file.extend([self.u16(2), self.u16(4)].concat());
        file.extend([self.u32(0), self.u32(0), self.u32(65_535), self.u32(1)].concat());
        for (seconds, fraction, bytes, original_len) in records {
            let captured_len = u32::try_from(bytes.len()).unwrap();
            file.extend(
                [seconds, fraction, &captured_len, original_len].map(|field| self.u32(*field)).concat(),
            );
            file.extend(*bytes);
        }
        file
    }

    fn block(self, kind: u32, body: &[u8]) -> Vec<u8> {
        let mut body = body.to_vec();
        body.resize(body.len().next_multiple_of(4), 0);
        let len = self.u32(u32::try_from(body.len() + 12).unwrap());
        [&self.u32(kind)[..], &len, &body, &len].concat()
    }

    fn option(self, code: u16, value: &[u8]) -> Vec<u8> {
        let mut option = [self.u16(code), self.u16(u16::try_from(value.len()).unwrap())].concat();
        option.extend(value);
        option.resize(option.len().next_multiple_of(4), 0);
        option
    }

    fn section(self) -> Vec<u8> {
        self.block(
            0x0a0d_0d0a,
            &[&self.u32(0x1a2b_3c4d)[..], &self.u16(1), &self.u16(0), &[0xff; 8]].concat(),
        )
    }

    fn interface(self, snap_len: u32, options: &[Vec<u8>]) -> Vec<u8> {
        let fields = [&self.u16(1)[..], &[0; 2], &self.u32(snap_len)].concat();
        self.block(1, &[fields, options.concat(), vec![0; 4]].concat())
    }

    fn enhanced(self, interface: u32, ticks: u64, bytes: &[u8], options: &[Vec<u8>]) -> Vec<u8> {
        let len = u32::try_from(bytes.len()).unwrap();
        let (high, low) = (u32::try_from(ticks >> 32).unwrap(), u32::try_from(ticks & 0xffff_ffff).unwrap());
        let mut body = [interface, high, low, len, len + 7].map(|field| self.u32(field)).concat();
        body.extend(bytes);
        body.resize(body.len().next_multiple_of(4), 0);
        self.block(6, &[body, options.concat()].concat())
    }
}

#[test]
fn classic_files_of_both_byte_orders_and_resolutions() {
    let records: [(u32, u32, &[u8], u32); 2] = [(1, 2, b"first", 5), (3, 999, b"second", 60)];
    for order in [LITTLE, BIG] {
        let micro = frames_of(order.classic(0xa1b2_c3d4, &records));
        assert_eq!(micro, [seen(1_000_002_000, 0, b"first", 5), seen(3_000_999_000, 0, b"second", 60)]);
        let nano = frames_of(order.classic(0xa1b2_3c4d, &records));
        assert_eq!(nano, [seen(1_000_000_002, 0, b"first", 5), seen(3_000_000_999, 0, b"second", 60)]);
    }
}

#[test]
fn pcapng_of_both_byte_orders_with_resolution_offset_and_names() {
    for order in [LITTLE, BIG] {
        let offset = if order.is_big { 100_i64.to_be_bytes() } else { 100_i64.to_le_bytes() };
        let nano = [order.option(2, b"eth0"), order.option(9, &[9]), order.option(14, &offset)];
        let file = [
            order.section(),
            order.interface(0, &[order.option(2, b"lo")]),
            order.interface(0, &nano),
            order.enhanced(0, 5_000_001, b"micro", &[]),
            order.block(0x0bad, b"a block of an unknown type"),
            order.enhanced(1, 5_000_000_001, b"nano", &[order.option(1, b"a comment"), order.option(0, b"")]),
        ];
        let mut source = open(file.concat()).unwrap();
        let (frames, error) = read(&mut source);
        assert!(error.is_none(), "{error:?}");
        assert_eq!(frames, [seen(5_000_001_000, 0, b"micro", 12), seen(105_000_000_001, 1, b"nano", 11)]);
        assert_eq!(source.interface_name(InterfaceId(0)), Some("lo"));
        assert_eq!(source.interface_name(InterfaceId(1)), Some("eth0"));
        assert_eq!(source.interface_name(InterfaceId(2)), None);
    }
}

#[test]
fn simple_and_obsolete_packet_blocks() {
    for order in [LITTLE, BIG] {
        let obsolete_fields = [order.u16(0), order.u16(0)].concat();
        let numbers = [0, 9, 3, 3].map(|field| order.u32(field)).concat();
        let file = [
            order.section(),
            order.interface(6, &[]),
            order.block(2, &[&obsolete_fields[..], &numbers, b"old"].concat()),
            order.block(3, &[&order.u32(4)[..], b"tiny"].concat()),
            order.block(3, &[&order.u32(100)[..], b"beyond"].concat()),
        ];
        assert_eq!(
            frames_of(file.concat()),
            [seen(9_000, 0, b"old", 3), seen(9_000, 0, b"tiny", 4), seen(9_000, 0, b"beyond", 100)]
        );
    }
}

#[test]
fn the_flags_option_tells_the_direction() {
    let flags = |value: u32| vec![LITTLE.option(1, b"comment"), LITTLE.option(2, &value.to_le_bytes())];
    let file = [
        LITTLE.section(),
        LITTLE.interface(0, &[]),
        LITTLE.enhanced(0, 1, b"in", &flags(1)),
        LITTLE.enhanced(0, 2, b"out", &flags(2)),
        LITTLE.enhanced(0, 3, b"unknown", &flags(0)),
        LITTLE.enhanced(0, 4, b"unsaid", &[]),
    ];
    let mut source = open(file.concat()).unwrap();
    let mut directions = Vec::new();
    while let Some(frame) = source.next_frame().unwrap() {
        directions.push(frame.direction);
    }
    assert_eq!(directions, [Some(FrameDirection::Inbound), Some(FrameDirection::Outbound), None, None]);
}

#[test]
fn sections_may_differ_in_byte_order_and_share_interfaces_by_name() {
    let file = [
        LITTLE.section(),
        LITTLE.interface(0, &[LITTLE.option(2, b"eth0")]),
        LITTLE.enhanced(0, 1, b"a", &[]),
        BIG.section(),
        BIG.interface(0, &[BIG.option(2, b"eth1")]),
        BIG.interface(0, &[BIG.option(2, b"eth0")]),
        BIG.enhanced(0, 2, b"b", &[]),
        BIG.enhanced(1, 3, b"c", &[]),
    ];
    let mut source = open(file.concat()).unwrap();
    let (frames, error) = read(&mut source);
    assert!(error.is_none(), "{error:?}");
    let interfaces: Vec<u32> = frames.iter().map(|frame| frame.interface).collect();
    assert_eq!(interfaces, [0, 1, 0]);
    assert_eq!(source.interface_name(InterfaceId(1)), Some("eth1"));
}

#[test]
fn a_cut_file_gives_all_before_the_cut_then_says_where() {
    let records: [(u32, u32, &[u8], u32); 2] = [(1, 0, b"whole", 5), (2, 0, b"cut short", 9)];
    let classic = LITTLE.classic(0xa1b2_c3d4, &records);
    let pcapng = [
        LITTLE.section(),
        LITTLE.interface(0, &[]),
        LITTLE.enhanced(0, 1_000_000, b"whole", &[]),
        LITTLE.enhanced(0, 2_000_000, b"cut short", &[]),
    ];
    let second_block_at = u64::try_from(pcapng[..3].concat().len()).unwrap();
    for (file, expected_offset) in [(classic, 24 + 16 + 5), (pcapng.concat(), second_block_at)] {
        for cut in 1..16 {
            let mut source = open(file[..file.len() - cut].to_vec()).unwrap();
            let (frames, error) = read(&mut source);
            assert_eq!(frames.len(), 1);
            let message = error.as_ref().unwrap().to_string();
            assert!(
                matches!(error, Some(PcapFileError::Truncated { offset, .. }) if offset == expected_offset),
                "{message}"
            );
            assert!(
                message.contains("memory") && message.contains(&expected_offset.to_string()),
                "{message}"
            );
        }
    }
}

#[test]
fn a_huge_claimed_length_is_damage_and_takes_no_memory() {
    let mut classic = LITTLE.classic(0xa1b2_c3d4, &[(1, 0, b"good", 4)]);
    classic.extend([0, 0, u32::MAX, u32::MAX].map(u32::to_le_bytes).concat());
    let (frames, error) = read(&mut open(classic).unwrap());
    assert_eq!(frames.len(), 1);
    assert!(matches!(error, Some(PcapFileError::Damaged { offset: 44, .. })), "{error:?}");

    let mut pcapng = [LITTLE.section(), LITTLE.interface(0, &[])].concat();
    pcapng.extend([6, 0xffff_fff0].map(u32::to_le_bytes).concat());
    pcapng.extend([0; 64]);
    let (_, error) = read(&mut open(pcapng).unwrap());
    assert!(matches!(error, Some(PcapFileError::Damaged { .. })), "{error:?}");
}

#[test]
fn contradictions_in_blocks_are_damage() {
    let start = [LITTLE.section(), LITTLE.interface(0, &[])].concat();
    let mut other_length = LITTLE.enhanced(0, 1, b"data", &[]);
    let last = other_length.len() - 4;
    other_length[last] ^= 1;
    let mut long_packet = LITTLE.enhanced(0, 1, b"data", &[]);
    long_packet[8 + 12] = 200;
    let damaged = [
        other_length,
        long_packet,
        LITTLE.enhanced(1, 1, b"an undeclared interface", &[]),
        LITTLE.block(6, b"short"),
        [6, 4].map(u32::to_le_bytes).concat(),
    ];
    for block in damaged {
        let file = [start.clone(), block, vec![0; 32]].concat();
        let (frames, error) = read(&mut open(file).unwrap());
        assert_eq!(frames.len(), 0);
        let expected = u64::try_from(start.len()).unwrap();
        assert!(
            matches!(error, Some(PcapFileError::Damaged { offset, .. }) if offset == expected),
            "{error:?}"
        );
    }
}

#[test]
fn what_is_no_capture_is_refused_with_its_first_bytes() {
    for bytes in [&b""[..], b"GET", b"GET / HTTP/1.1\r\n"] {
        let error = open(bytes.to_vec()).unwrap_err();
        let PcapFileError::NotACapture { magic, .. } = &error else { panic!("{error:?}") };
        assert_eq!(magic[..], bytes[..bytes.len().min(4)]);
    }
    let missing = PcapFile::open("no/such/file.pcap").unwrap_err();
    assert!(matches!(missing, PcapFileError::Open { .. }));
    assert!(missing.to_string().contains("no/such/file.pcap"));
    assert!(matches!(PcapFile::open(std::env::temp_dir()), Err(PcapFileError::Open { .. })));
}

#[test]
fn gzip_is_read_transparently_and_its_damage_is_told() {
    let records: Vec<(u32, u32, &[u8], u32)> =
        (0..5000).map(|at| (at, 0, &b"compressible"[..], 12)).collect();
    let plain = LITTLE.classic(0xa1b2_c3d4, &records);
    let (first, second) = plain.split_at(1000);
    let mut compressed = gzip(first);
    compressed.extend(gzip(second));
    assert_eq!(frames_of(compressed.clone()), frames_of(plain));

    compressed.truncate(compressed.len() - 20);
    let (frames, error) = read(&mut open(compressed).unwrap());
    assert!(frames.len() > 100);
    assert!(matches!(error, Some(PcapFileError::Read { .. })), "{error:?}");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Gives one byte at a time, and now and then an interruption.
struct Trickle(Cursor<Vec<u8>>, bool);

impl Read for Trickle {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(std::io::ErrorKind::Interrupted.into());
        }
        let len = buffer.len().min(1);
        self.0.read(&mut buffer[..len])
    }
}

#[test]
fn a_reader_that_gives_little_at_a_time_changes_nothing() {
    let classic = LITTLE.classic(0xa1b2_c3d4, &[(1, 0, b"first", 5), (2, 0, b"second", 6)]);
    let pcapng = [LITTLE.section(), LITTLE.interface(0, &[]), LITTLE.enhanced(0, 1, b"data", &[])].concat();
    for file in [classic, pcapng] {
        let mut source = PcapFile::from_reader("pipe", Trickle(Cursor::new(file.clone()), false)).unwrap();
        assert_eq!(read(&mut source).0, frames_of(file));
    }
}

#[test]
fn frames_larger_than_the_buffer_and_progress_over_a_file() {
    let path = std::env::temp_dir().join(format!("df-capture-test-{}.pcap", std::process::id()));
    let mut writer = PcapWriter::new(std::fs::File::create(&path).unwrap(), LinkType::ETHERNET).unwrap();
    let large = vec![7; 3 << 20];
    for at in 0..3 {
        writer.write(&Frame::new(Timestamp::from_nanos(at), LinkType::ETHERNET, &large)).unwrap();
    }
    writer.finish().unwrap();
    let mut source = PcapFile::open(&path).unwrap();
    assert!(source.bytes_read() < 1 << 20);
    let (frames, error) = read(&mut source);
    std::fs::remove_file(&path).unwrap();
    assert!(error.is_none(), "{error:?}");
    assert!(frames.len() == 3 && frames.iter().all(|frame| frame.bytes == large));
    assert_eq!(Some(source.bytes_read()), source.total_bytes());
}

#[test]
fn the_writer_refuses_what_the_format_cannot_hold() {
    let mut writer = PcapWriter::new(Vec::new(), LinkType::ETHERNET).unwrap();
    assert!(writer.write(&Frame::new(Timestamp::ZERO, LinkType::RAW, b"E")).is_err());
    assert!(writer.write(&Frame::new(Timestamp::MAX, LinkType::ETHERNET, b"E")).is_err());
}
