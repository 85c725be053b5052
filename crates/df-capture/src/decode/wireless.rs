//! Frames of IEEE 802.11, and the headers that monitors put before them.

use super::error::{Fault, Layer};
use super::layer_two::{Next, skip};
use super::link::Network;

/// A data frame that is not encrypted.
///
/// ```text
/// frame control u16 | duration u16 | three addresses | sequence u16 | fourth address if to and from a station |
/// quality of service u16 if told | throughput u32 if told | IEEE 802.2
/// ```
pub(super) fn frame<'a>(network: &mut Network<'a>) -> Result<Next, Fault<'a>> {
    padded_frame(network, false)
}

/// Radiotap: version u8, padding u8, length u16, words of what is present, the fields. All little-endian.
pub(super) fn radiotap<'a>(network: &mut Network<'a>) -> Result<Next, Fault<'a>> {
    let bytes = network.bytes;
    let Some(&[0, _, len_0, len_1]) = bytes.first_chunk::<4>() else {
        return Err(Fault::malformed(Layer::Link, bytes));
    };
    let len = usize::from(u16::from_le_bytes([len_0, len_1]));
    let is_padded = radiotap_flags(bytes.get(..len).unwrap_or_default()) & RADIOTAP_PADDED != 0;
    skip(network, len, Next::Llc)?;
    padded_frame(network, is_padded)
}

/// Prism's header tells its length in the second word, that of AVS too; their byte orders differ.
pub(super) fn with_monitor_header<'a>(network: &mut Network<'a>) -> Result<Next, Fault<'a>> {
    let bytes = network.bytes;
    let Some(&[_, _, _, _, l0, l1, l2, l3]) = bytes.first_chunk::<8>() else {
        return Err(Fault::truncated(Layer::Link, bytes));
    };
    let len = u32::from_le_bytes([l0, l1, l2, l3]).min(u32::from_be_bytes([l0, l1, l2, l3]));
    skip(network, usize::try_from(len).unwrap_or(usize::MAX), Next::Llc)?;
    padded_frame(network, false)
}

fn padded_frame<'a>(network: &mut Network<'a>, is_padded: bool) -> Result<Next, Fault<'a>> {
    let bytes = network.bytes;
    let Some(&[control, flags]) = bytes.first_chunk::<2>() else {
        return Err(Fault::truncated(Layer::Link, bytes));
    };
    let is_data = control & 0x0c == TYPE_DATA && control & SUBTYPE_WITHOUT_DATA == 0;
    if !is_data || flags & PROTECTED != 0 {
        return Err(Fault::unsupported(Layer::Link, bytes));
    }
    let has_quality = control & SUBTYPE_QUALITY != 0;
    let mut len: usize = if flags & BOTH_WAYS == BOTH_WAYS { 30 } else { 24 };
    let quality = bytes.get(len).copied().unwrap_or_default();
    if has_quality {
        len = len.saturating_add(if flags & ORDER != 0 { 6 } else { 2 });
    }
    if is_padded {
        len = len.next_multiple_of(4);
    }
    // Of several frames sent as one the first is read: destination, source, length.
    if has_quality && quality & AGGREGATED != 0 {
        len = len.saturating_add(14);
    }
    skip(network, len, Next::Llc)
}

/// The flags field: the second, behind a time of eight bytes if that is there.
fn radiotap_flags(header: &[u8]) -> u8 {
    let mut words = header.get(4..).unwrap_or_default().chunks_exact(4);
    let present = words.clone().next().map_or(0, |word| word.first().copied().unwrap_or_default());
    let more = words.by_ref().take_while(|word| word.last().is_some_and(|byte| byte & 0x80 != 0)).count();
    let fields_at = more.saturating_add(2).saturating_mul(4);
    match present & 0x03 {
        0x02 => header.get(fields_at).copied().unwrap_or_default(),
        0x03 => {
            let flags_at = fields_at.next_multiple_of(8).saturating_add(8);
            header.get(flags_at).copied().unwrap_or_default()
        }
        _ => 0,
    }
}

const TYPE_DATA: u8 = 0x08;
const SUBTYPE_WITHOUT_DATA: u8 = 0x40;
const SUBTYPE_QUALITY: u8 = 0x80;
const BOTH_WAYS: u8 = 0x03;
const PROTECTED: u8 = 0x40;
const ORDER: u8 = 0x80;
const AGGREGATED: u8 = 0x80;
const RADIOTAP_PADDED: u8 = 0x20;
