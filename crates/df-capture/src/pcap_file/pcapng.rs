//! The blocks of a pcapng file (draft-ietf-opsawg-pcapng).
//!
//! pcap-parser reads the frame of every block and the rare ones whole. The fields of packet blocks are read here,
//! because pcap-parser collects each packet's options into a vector.

use df_core::Timestamp;
use pcap_parser::nom::{Err, Needed};
use pcap_parser::pcapng::{
    UnknownBlock, parse_interfacedescriptionblock_be, parse_interfacedescriptionblock_le,
    parse_sectionheaderblock, parse_unknownblock_be, parse_unknownblock_le,
};

use super::buffer::StreamBuffer;
use super::byte_order::ByteOrder;
use super::damage::Damage;
use super::interface::{Interfaces, SectionInterface};
use super::record::Record;
use crate::FrameDirection;

/// Where reading a pcapng file stands.
pub(super) struct Pcapng {
    pub(super) interfaces: Interfaces,
    byte_order: ByteOrder,
    last_timestamp: Timestamp,
}

impl Pcapng {
    /// Whether a file that begins so is a pcapng file.
    pub(super) fn is_magic(magic: [u8; 4]) -> bool {
        magic == SECTION_HEADER
    }

    pub(super) fn new() -> Self {
        Self {
            interfaces: Interfaces::default(),
            byte_order: ByteOrder::Little,
            last_timestamp: Timestamp::ZERO,
        }
    }

    /// The next packet, whose block is then at the start of the buffer; none at the end of the file.
    pub(super) fn next_record(&mut self, buffer: &mut StreamBuffer) -> Result<Option<Record>, Damage> {
        loop {
            let missing = match self.step(buffer.available())? {
                Step::Packet(record) => return Ok(Some(record)),
                Step::Other { block_len } => {
                    buffer.consume(block_len);
                    continue;
                }
                Step::Incomplete { missing } => missing,
            };
            let needed = buffer.available().len().saturating_add(missing);
            if needed > super::MAX_RECORD_BYTES {
                return Err(Damage::Malformed("a block longer than the limit of 64 MiB"));
            }
            if !buffer.require(needed)? {
                return if buffer.available().is_empty() { Ok(None) } else { Err(Damage::Truncated) };
            }
        }
    }

    /// Reads the block at the start of `bytes`, as far as it is there.
    #[inline]
    fn step(&mut self, bytes: &[u8]) -> Result<Step, Damage> {
        if bytes.starts_with(&SECTION_HEADER) {
            return self.section(bytes);
        }
        let parsed = match self.byte_order {
            ByteOrder::Little => parse_unknownblock_le(bytes),
            ByteOrder::Big => parse_unknownblock_be(bytes),
        };
        let block = match parsed {
            Ok((_, block)) => block,
            Err(Err::Incomplete(Needed::Size(missing))) => {
                return Ok(Step::Incomplete { missing: missing.get() });
            }
            Err(_) => return Err(Damage::Malformed("a block shorter than its own header")),
        };
        if block.block_len1 != block.block_len2 {
            return Err(Damage::Malformed("the two lengths of a block differ"));
        }
        let block_len = block.data.len().saturating_add(BLOCK_FRAME_LEN);
        match self.byte_order.u32(block.block_type.to_le_bytes()) {
            INTERFACE_DESCRIPTION => self.interface(bytes)?,
            ENHANCED_PACKET => return self.enhanced_packet(&block).map(Step::Packet),
            OBSOLETE_PACKET => return self.obsolete_packet(&block).map(Step::Packet),
            SIMPLE_PACKET => return self.simple_packet(&block).map(Step::Packet),
            _ => {}
        }
        Ok(Step::Other { block_len })
    }

    fn section(&mut self, bytes: &[u8]) -> Result<Step, Damage> {
        match parse_sectionheaderblock(bytes) {
            Ok((rest, header)) => {
                if header.major_version != 1 {
                    return Err(Damage::Malformed("a version of pcapng other than 1"));
                }
                self.byte_order = if header.big_endian() { ByteOrder::Big } else { ByteOrder::Little };
                self.interfaces.start_section();
                Ok(Step::Other { block_len: bytes.len().saturating_sub(rest.len()) })
            }
            Err(Err::Incomplete(Needed::Size(missing))) => Ok(Step::Incomplete { missing: missing.get() }),
            Err(_) => Err(Damage::Malformed("unreadable section header")),
        }
    }

    fn interface(&mut self, bytes: &[u8]) -> Result<(), Damage> {
        let parsed = match self.byte_order {
            ByteOrder::Little => parse_interfacedescriptionblock_le(bytes),
            ByteOrder::Big => parse_interfacedescriptionblock_be(bytes),
        };
        let Ok((_, block)) = parsed else {
            return Err(Damage::Malformed("unreadable interface description"));
        };
        self.interfaces.declare(&block, self.byte_order)
    }

    /// ```text
    /// interface u32 | timestamp high u32, low u32 | captured length u32 | original length u32 | bytes | options
    /// ```
    #[inline]
    fn enhanced_packet(&mut self, block: &UnknownBlock<'_>) -> Result<Record, Damage> {
        let number = self.u32_at(block, 0)?;
        self.packet(block, number)
    }

    /// As the enhanced packet block, with interface u16 and drop count u16 in place of interface u32.
    fn obsolete_packet(&mut self, block: &UnknownBlock<'_>) -> Result<Record, Damage> {
        let number = block.data.first_chunk().map(|bytes| self.byte_order.u16(*bytes)).ok_or(SHORT_BLOCK)?;
        self.packet(block, u32::from(number))
    }

    #[inline]
    fn packet(&mut self, block: &UnknownBlock<'_>, interface: u32) -> Result<Record, Damage> {
        let interface = self.declared(interface)?;
        let ticks = (u64::from(self.u32_at(block, 4)?) << 32) | u64::from(self.u32_at(block, 8)?);
        let captured_len = usize::try_from(self.u32_at(block, 12)?).map_err(|_| SHORT_BLOCK)?;
        let original_len = self.u32_at(block, 16)?;
        let padded_len = captured_len.checked_next_multiple_of(4).ok_or(SHORT_BLOCK)?;
        let options_at = padded_len.saturating_add(PACKET_FIELDS_LEN);
        let Some(options) = block.data.get(options_at..) else {
            return Err(SHORT_BLOCK);
        };
        self.last_timestamp = interface.clock.timestamp(ticks);
        Ok(Record {
            timestamp: self.last_timestamp,
            interface: interface.id,
            link_type: interface.link_type,
            header_len: BLOCK_HEADER_LEN + PACKET_FIELDS_LEN,
            captured_len,
            total_len: block.data.len().saturating_add(BLOCK_FRAME_LEN),
            original_len,
            direction: if options.is_empty() { None } else { self.direction(options) },
        })
    }

    /// ```text
    /// original length u32 | bytes
    /// ```
    /// It has no timestamp, so that of the frame before stands in.
    fn simple_packet(&mut self, block: &UnknownBlock<'_>) -> Result<Record, Damage> {
        let interface = self.declared(0)?;
        let original_len = self.u32_at(block, 0)?;
        let snap_len = if interface.snap_len == 0 { u32::MAX } else { interface.snap_len };
        let room = block.data.len().saturating_sub(SIMPLE_FIELDS_LEN);
        let captured_len = usize::try_from(original_len.min(snap_len)).unwrap_or(usize::MAX).min(room);
        Ok(Record {
            timestamp: self.last_timestamp,
            interface: interface.id,
            link_type: interface.link_type,
            header_len: BLOCK_HEADER_LEN + SIMPLE_FIELDS_LEN,
            captured_len,
            total_len: block.data.len().saturating_add(BLOCK_FRAME_LEN),
            original_len,
            direction: None,
        })
    }

    /// Reads the option epb_flags, whose lowest two bits are the direction.
    fn direction(&self, mut options: &[u8]) -> Option<FrameDirection> {
        while let Some((head, rest)) = options.split_first_chunk::<4>() {
            let [code_0, code_1, len_0, len_1] = *head;
            let len = usize::from(self.byte_order.u16([len_0, len_1]));
            match self.byte_order.u16([code_0, code_1]) {
                OPTION_END => return None,
                OPTION_FLAGS => {
                    return match self.byte_order.u32(*rest.first_chunk()?) & 3 {
                        1 => Some(FrameDirection::Inbound),
                        2 => Some(FrameDirection::Outbound),
                        _ => None,
                    };
                }
                _ => options = rest.get(len.next_multiple_of(4)..)?,
            }
        }
        None
    }

    #[inline]
    fn declared(&self, interface: u32) -> Result<SectionInterface, Damage> {
        let undeclared = Damage::Malformed("a packet of an interface that the section does not describe");
        self.interfaces.of_section(interface).ok_or(undeclared)
    }

    #[inline]
    fn u32_at(&self, block: &UnknownBlock<'_>, at: usize) -> Result<u32, Damage> {
        let bytes = block.data.get(at..).and_then(<[u8]>::first_chunk).ok_or(SHORT_BLOCK)?;
        Ok(self.byte_order.u32(*bytes))
    }
}

enum Step {
    Packet(Record),
    Other { block_len: usize },
    Incomplete { missing: usize },
}

const SHORT_BLOCK: Damage = Damage::Malformed("a packet block too short for its packet");

const SECTION_HEADER: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];
const INTERFACE_DESCRIPTION: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

/// Type and length before a block's body.
const BLOCK_HEADER_LEN: usize = 8;
/// Those, and the length again behind it.
const BLOCK_FRAME_LEN: usize = 12;
const PACKET_FIELDS_LEN: usize = 20;
const SIMPLE_FIELDS_LEN: usize = 4;

const OPTION_END: u16 = 0;
const OPTION_FLAGS: u16 = 2;
