//! Bodies of the fuzz targets: each must return for any input.

use df_core::Timestamp;

use crate::{DecodeStats, Frame, LinkType, decode};

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

/// Reads the input as a capture file and decodes what it holds.
///
/// # Panics
///
/// When a frame or packet contradicts itself.
#[cfg(feature = "pcap-file")]
pub fn pcap_file(data: &[u8]) {
    use crate::{FrameSource, PcapFile};

    let Ok(mut source) = PcapFile::from_reader("fuzz", std::io::Cursor::new(data.to_vec())) else { return };
    let mut stats = DecodeStats::default();
    while let Ok(Some(frame)) = source.next_frame() {
        check(&frame, &mut stats);
    }
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
