//! Bodies of the fuzz targets: each must return for any input.

use df_core::{Packet, Timestamp};

use crate::{DecodeErrorReason, DecodeStats, Decoder, DecoderConfig, Frame, LinkType, decode};

/// Link types that the first byte of the input chooses from.
const LINK_TYPES: [LinkType; 29] = [
    LinkType::ETHERNET,
    LinkType::RAW,
    LinkType::LINUX_SLL,
    LinkType::LINUX_SLL2,
    LinkType::NULL,
    LinkType::LOOP,
    LinkType::PPP,
    LinkType::PPP_HDLC,
    LinkType::PPP_ETHERNET,
    LinkType::CISCO_HDLC,
    LinkType::IPV4,
    LinkType::IPV6,
    LinkType::RAW_BSD,
    LinkType(u16::MAX),
    LinkType::WIFI,
    LinkType::WIFI_RADIOTAP,
    LinkType::WIFI_PRISM,
    LinkType::FRAME_RELAY,
    LinkType::NFLOG,
    LinkType::PFLOG,
    LinkType::IPNET,
    LinkType::PPI,
    LinkType::PKTAP,
    LinkType::ERF,
    LinkType::MPLS,
    LinkType::TOKEN_RING,
    LinkType::PPP_WITH_DIRECTION,
    LinkType::ENC,
    LinkType::ARCNET_LINUX,
];

/// Reads the input as a capture file, one frame at a time and many, and decodes what it holds.
///
/// # Panics
///
/// When a frame or packet contradicts itself, or both ways of reading differ.
#[cfg(feature = "pcap-file")]
pub fn pcap_file(data: &[u8]) {
    use crate::{FrameSource, PcapFile};

    let open = || PcapFile::from_reader("fuzz", std::io::Cursor::new(data.to_vec()));
    let (Ok(mut source), Ok(mut together)) = (open(), open()) else { return };
    let mut stats = DecodeStats::default();
    let end = loop {
        match together.next_frames() {
            Ok(Some(frames)) => {
                for frame in frames.iter() {
                    assert_eq!(
                        source.next_frame().ok().flatten(),
                        Some(frame),
                        "many frames differ from one"
                    );
                    check(&frame, &mut stats);
                }
            }
            Ok(None) => break None,
            Err(error) => break Some(error.to_string()),
        }
    };
    let last = source.next_frame().map(|frame| frame.is_some()).map_err(|error| error.to_string());
    assert_eq!(last, end.map_or(Ok(false), Err), "both ways end the same");
}

/// Decodes the input as one frame: a byte that chooses the link type, two of length on the wire, the frame. Then takes
/// the frame's bytes for frames of their own, each after two bytes of length, and gives them to one decoder, whose
/// fragments may make packets together.
///
/// # Panics
///
/// When a packet contradicts its frame, or the account of fragments does not come out.
pub fn packet_decode(data: &[u8]) {
    let Some((&[link_type, len_0, len_1], bytes)) = data.split_first_chunk::<3>() else { return };
    let link_type = LINK_TYPES.iter().copied().cycle().nth(usize::from(link_type)).unwrap_or(LinkType::RAW);
    let original_len = u32::from(u16::from_be_bytes([len_0, len_1]));
    let frame = Frame::new(Timestamp::from_nanos(1), link_type, bytes).with_original_len(original_len);
    check(&frame, &mut DecodeStats::default());
    frames(link_type, bytes);
}

fn frames(link_type: LinkType, mut bytes: &[u8]) {
    let mut config = DecoderConfig::default();
    config.fragments.max_datagrams = 4;
    config.fragments.max_total_bytes = 16 << 10;
    let mut decoder = Decoder::new(config);
    let mut frames = 0_u64;
    while let Some((len, rest)) = bytes.split_first_chunk::<2>() {
        let len = usize::from(u16::from_be_bytes(*len)).min(rest.len());
        let (frame, behind) = rest.split_at(len);
        bytes = behind;
        frames += 1;
        let frame = Frame::new(Timestamp::from_parts(frames, 0), link_type, frame);
        if let Ok(packet) = decoder.decode(&frame) {
            check_packet(&packet);
            assert!(packet.tunnels.len() <= 4, "more tunnels than are followed");
        }
    }
    let stats = decoder.fragment_stats();
    assert_eq!(decoder.stats().frames(), frames, "every frame is counted");
    assert_eq!(
        stats.fragments,
        stats.reassembled + stats.dropped() + stats.held(),
        "every fragment is counted"
    );
}

fn check(frame: &Frame<'_>, stats: &mut DecodeStats) {
    let captured_len = u32::try_from(frame.bytes.len()).unwrap_or(u32::MAX);
    assert!(frame.original_len >= captured_len, "a frame is longer than it was on the wire");
    let decoded = decode(frame);
    stats.count(&decoded);
    if let Some(alone) = Decoder::default().decode_alone(frame) {
        assert_eq!(Decoder::default().decode(frame), Ok(alone), "a packet alone differs");
    }
    match &decoded {
        Ok(packet) => check_packet(packet),
        Err(error) => assert!(error.offset <= captured_len, "an error outside of the frame"),
    }
    let mut with_memory = Decoder::default();
    let is_same = match (&decoded, with_memory.decode(frame)) {
        (Ok(alone), Ok(packet)) => alone.flow_key() == packet.flow_key(),
        (Err(alone), Err(error)) => *alone == error,
        // A fragment that claims to be whole by itself is.
        (Err(alone), Ok(_)) => alone.reason == DecodeErrorReason::Fragment,
        (Ok(_), Err(_)) => false,
    };
    assert!(is_same, "a decoder that knows nothing sees what is seen without one");
}

fn check_packet(packet: &Packet<'_>) {
    let payload_len = u32::try_from(packet.payload.len()).unwrap_or(u32::MAX);
    assert!(payload_len <= packet.payload_len, "more payload than there was on the wire");
    assert!(packet.payload_len <= packet.ip_len, "a payload longer than its packet");
    assert!(packet.ip_len <= packet.frame_len, "a packet longer than its frame");
    assert!(packet.fragments > 0, "a packet that came in nothing");
}
