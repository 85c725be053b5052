//! The records of a classic pcap file (draft-ietf-opsawg-pcap).

use df_core::{InterfaceId, Timestamp};
use pcap_parser::PcapError;
use pcap_parser::nom::{Err, IResult, Needed};
use pcap_parser::pcap::{
    LegacyPcapBlock, PcapHeader, parse_pcap_frame, parse_pcap_frame_be, parse_pcap_frame_modified,
    parse_pcap_header,
};

use super::buffer::StreamBuffer;
use super::damage::Damage;
use super::record::Record;
use crate::LinkType;

/// What the file header says of every record.
pub(super) struct Classic {
    pub(super) link_type: LinkType,
    parse: RecordParser,
    record_header_len: usize,
    nanoseconds_per_tick: u64,
}

impl Classic {
    /// Whether a file that begins so is a classic pcap file.
    pub(super) fn is_magic(magic: [u8; 4]) -> bool {
        matches!(
            u32::from_le_bytes(magic),
            0xa1b2_c3d4 | 0xa1b2_3c4d | 0xa1b2_cd34 | 0xd4c3_b2a1 | 0x4d3c_b2a1
        )
    }

    /// Reads the file header.
    pub(super) fn read(buffer: &mut StreamBuffer) -> Result<Self, Damage> {
        if !buffer.require(FILE_HEADER_LEN)? {
            return Err(Damage::Truncated);
        }
        let Ok((_, header)) = parse_pcap_header(buffer.available()) else {
            return Err(Damage::Malformed("unreadable file header"));
        };
        buffer.consume(FILE_HEADER_LEN);
        Ok(Self::new(&header))
    }

    fn new(header: &PcapHeader) -> Self {
        let (parse, record_header_len): (RecordParser, usize) = if header.is_modified_format() {
            (parse_pcap_frame_modified, 24)
        } else if header.is_bigendian() {
            (parse_pcap_frame_be, 16)
        } else {
            (parse_pcap_frame, 16)
        };
        Self {
            link_type: link_type(header.network.0),
            parse,
            record_header_len,
            nanoseconds_per_tick: if header.is_nanosecond_precision() { 1 } else { 1000 },
        }
    }

    /// The next record, which is then at the start of the buffer; none at the end of the file.
    #[inline]
    pub(super) fn next_record(&self, buffer: &mut StreamBuffer) -> Result<Option<Record>, Damage> {
        loop {
            let missing = match (self.parse)(buffer.available()) {
                Ok((_, block)) => return self.record(&block).map(Some),
                Err(Err::Incomplete(Needed::Size(missing))) => missing.get(),
                Err(_) => return Err(Damage::Malformed("unreadable record header")),
            };
            if missing > super::MAX_RECORD_BYTES {
                return Err(Damage::Malformed("a record longer than the limit of 64 MiB"));
            }
            let at_hand = buffer.available().len();
            if !buffer.require(at_hand.saturating_add(missing))? {
                return if buffer.available().is_empty() { Ok(None) } else { Err(Damage::Truncated) };
            }
        }
    }

    #[inline]
    fn record(&self, block: &LegacyPcapBlock<'_>) -> Result<Record, Damage> {
        let nanoseconds = u64::from(block.ts_sec)
            .saturating_mul(1_000_000_000)
            .saturating_add(u64::from(block.ts_usec).saturating_mul(self.nanoseconds_per_tick));
        if block.data.len() > super::MAX_RECORD_BYTES {
            return Err(Damage::Malformed("a record longer than the limit of 64 MiB"));
        }
        Ok(Record {
            timestamp: Timestamp::from_nanos(nanoseconds),
            interface: InterfaceId(0),
            link_type: self.link_type,
            header_len: self.record_header_len,
            captured_len: block.data.len(),
            total_len: self.record_header_len.saturating_add(block.data.len()),
            original_len: block.origlen,
            direction: None,
        })
    }
}

type RecordParser = fn(&[u8]) -> IResult<&[u8], LegacyPcapBlock<'_>, PcapError<&[u8]>>;

const FILE_HEADER_LEN: usize = 24;

/// The field's upper half holds the length of the frame check sequence, which is no part of the number.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the lower half is what is wanted"
)]
const fn link_type(network: i32) -> LinkType {
    LinkType(network as u16)
}
