//! The interfaces that a pcapng file describes, and the clocks of their timestamps.

use df_core::{InterfaceId, Timestamp};
use pcap_parser::pcapng::{InterfaceDescriptionBlock, OptionCode};

use super::byte_order::ByteOrder;
use super::damage::Damage;
use crate::LinkType;

/// How many interfaces of one file are kept.
const MAX_INTERFACES: usize = 4096;
/// How many bytes of an interface's name are kept.
const MAX_NAME_BYTES: usize = 256;

/// The interfaces of a file, over all its sections.
#[derive(Default)]
pub(super) struct Interfaces {
    known: Vec<(Option<String>, LinkType)>,
    section: Vec<SectionInterface>,
}

/// What a section says of one of its interfaces.
#[derive(Clone, Copy)]
pub(super) struct SectionInterface {
    pub(super) id: InterfaceId,
    pub(super) link_type: LinkType,
    /// Most bytes captured of a frame; 0 when unlimited.
    pub(super) snap_len: u32,
    pub(super) clock: Clock,
}

impl Interfaces {
    /// Forgets the numbering of the section before; what was told about its interfaces stays known.
    pub(super) fn start_section(&mut self) {
        self.section.clear();
    }

    /// Adds the next interface of the section. An interface of an earlier section with the same name (without
    /// names, at the same place) and link type is the same interface.
    pub(super) fn declare(
        &mut self,
        block: &InterfaceDescriptionBlock<'_>,
        byte_order: ByteOrder,
    ) -> Result<(), Damage> {
        let name = block.if_name().and_then(Result::ok).map(shortened).filter(|name| !name.is_empty());
        let link_type = LinkType(u16::try_from(block.linktype.0).unwrap_or(u16::MAX));
        let id = self.identify(name, link_type)?;
        let offset_seconds = block
            .options
            .iter()
            .find(|option| option.code == OptionCode::IfTsoffset)
            .and_then(|option| option.value().first_chunk())
            .map_or(0, |bytes| byte_order.i64(*bytes));
        let clock = Clock::new(block.if_tsresol, offset_seconds);
        self.section.push(SectionInterface { id, link_type, snap_len: block.snaplen, clock });
        Ok(())
    }

    /// The section's interface of that number.
    #[inline]
    pub(super) fn of_section(&self, number: u32) -> Option<SectionInterface> {
        self.section.get(usize::try_from(number).ok()?).copied()
    }

    /// The name of an interface.
    pub(super) fn name(&self, id: InterfaceId) -> Option<&str> {
        self.known.get(usize::try_from(id.0).ok()?)?.0.as_deref()
    }

    fn identify(&mut self, name: Option<String>, link_type: LinkType) -> Result<InterfaceId, Damage> {
        let place = self.section.len();
        let is_same = |(at, known): (usize, &(Option<String>, LinkType))| {
            let is_free = !self.section.iter().any(|other| usize::try_from(other.id.0) == Ok(at));
            is_free && known.0 == name && known.1 == link_type && (name.is_some() || at == place)
        };
        let same = self.known.iter().enumerate().position(is_same);
        let index = same.unwrap_or(self.known.len());
        if index >= MAX_INTERFACES {
            return Err(Damage::Malformed("more than 4096 interfaces"));
        }
        if same.is_none() {
            self.known.push((name, link_type));
        }
        u32::try_from(index).map(InterfaceId).map_err(|_| Damage::Malformed("more than 4096 interfaces"))
    }
}

/// How an interface's timestamps count (options if_tsresol and if_tsoffset).
#[derive(Clone, Copy)]
pub(super) struct Clock {
    resolution: Resolution,
    offset_ns: i64,
}

#[derive(Clone, Copy)]
enum Resolution {
    /// One tick is this many nanoseconds.
    Coarse(u64),
    /// This many ticks are one nanosecond.
    Fine(u64),
    /// One tick is this negative power of two of a second.
    Binary(u32),
}

impl Clock {
    pub(super) fn new(resolution: u8, offset_seconds: i64) -> Self {
        let exponent = u32::from(resolution & 0x7f);
        let resolution = if resolution & 0x80 != 0 {
            Resolution::Binary(exponent)
        } else if exponent <= 9 {
            Resolution::Coarse(10_u64.pow(9_u32.saturating_sub(exponent)))
        } else {
            Resolution::Fine(10_u64.saturating_pow(exponent.saturating_sub(9)))
        };
        Self { resolution, offset_ns: offset_seconds.saturating_mul(1_000_000_000) }
    }

    #[inline]
    pub(super) fn timestamp(self, ticks: u64) -> Timestamp {
        let nanoseconds = match self.resolution {
            Resolution::Coarse(factor) => ticks.saturating_mul(factor),
            Resolution::Fine(divisor) => ticks.checked_div(divisor).unwrap_or(0),
            Resolution::Binary(exponent) => {
                let scaled = u128::from(ticks).saturating_mul(1_000_000_000);
                u64::try_from(scaled.checked_shr(exponent).unwrap_or(0)).unwrap_or(u64::MAX)
            }
        };
        Timestamp::from_nanos(nanoseconds.saturating_add_signed(self.offset_ns))
    }
}

fn shortened(name: &str) -> String {
    let name = name.trim_end_matches('\0');
    let end = (0..=MAX_NAME_BYTES.min(name.len())).rev().find(|&at| name.is_char_boundary(at)).unwrap_or(0);
    name.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_resolution_comes_out_in_nanoseconds() {
        let nanoseconds = |resolution, ticks| Clock::new(resolution, 0).timestamp(ticks).as_nanos();
        assert_eq!(nanoseconds(6, 1_500_000), 1_500_000_000);
        assert_eq!(nanoseconds(9, 7), 7);
        assert_eq!(nanoseconds(0, 3), 3_000_000_000);
        assert_eq!(nanoseconds(12, 5_000), 5);
        assert_eq!(nanoseconds(0x8a, 512), 500_000_000);
        assert_eq!(nanoseconds(0xbf, 1 << 63), 1_000_000_000);
        assert_eq!(nanoseconds(127, u64::MAX), 1, "absurd resolutions saturate");
    }

    #[test]
    fn the_offset_is_in_seconds_and_may_be_negative() {
        assert_eq!(Clock::new(6, -2).timestamp(5_000_000), Timestamp::from_parts(3, 0));
        assert_eq!(Clock::new(6, 10).timestamp(0), Timestamp::from_parts(10, 0));
        assert_eq!(Clock::new(6, i64::MIN).timestamp(0), Timestamp::ZERO);
    }
}
