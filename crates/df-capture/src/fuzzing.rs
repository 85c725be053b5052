//! Bodies of the fuzz targets: each must return for any input.

use df_core::Timestamp;

use crate::{DecodeStats, Decoder, Frame, LinkType, decode};

/// Link types that the first byte of the input chooses from.
const LINK_TYPES: [LinkType; 14] = [
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

/// Decodes the input as one frame: a byte that chooses the link type, two of length on the wire, the frame.
///
/// # Panics
///
/// When the packet contradicts the frame.
pub fn packet_decode(data: &[u8]) {
    let Some((&[link_type, len_0, len_1], bytes)) = data.split_first_chunk::<3>() else { return };
    let link_type = LINK_TYPES.iter().copied().cycle().nth(usize::from(link_type)).unwrap_or(LinkType::RAW);
    let original_len = u32::from(u16::from_be_bytes([len_0, len_1]));
    let frame = Frame::new(Timestamp::from_nanos(1), link_type, bytes).with_original_len(original_len);
    check(&frame, &mut DecodeStats::default());
}

fn check(frame: &Frame<'_>, stats: &mut DecodeStats) {
    let captured_len = u32::try_from(frame.bytes.len()).unwrap_or(u32::MAX);
    assert!(frame.original_len >= captured_len, "a frame is longer than it was on the wire");
    let decoded = decode(frame);
    stats.count(&decoded);
    if let Some(alone) = Decoder::default().decode_alone(frame) {
        assert_eq!(Decoder::default().decode(frame), Ok(alone), "a packet alone differs");
    }
    match decoded {
        Ok(packet) => {
            let payload_len = u32::try_from(packet.payload.len()).unwrap_or(u32::MAX);
            assert!(payload_len <= packet.payload_len, "more payload than there was on the wire");
            assert!(packet.payload_len <= packet.ip_len, "a payload longer than its packet");
            assert!(packet.ip_len <= packet.frame_len, "a packet longer than its frame");
        }
        Err(error) => assert!(error.offset <= captured_len, "an error outside of the frame"),
    }
}
