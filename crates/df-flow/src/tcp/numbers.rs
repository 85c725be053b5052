//! What the numbers and windows of one end's packets say: probes, duplicate acknowledgments, closed and filled windows.

use df_core::{TcpFlags, TcpSegment};

use super::troubles::Trouble;
use crate::assembler::distance;
use crate::sender::{Mark, Sender};

/// What is remarkable about a packet beside its place in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is one finding; several may hold at once")]
pub(crate) struct Remark {
    /// It asks whether the other end is there, or whether its window has opened; it carries no data.
    trouble: Option<Trouble>,
    is_window_full: bool,
    is_zero_window: bool,
    is_reset: bool,
    is_fin_repeated: bool,
}

impl Remark {
    /// Whether the packet is a keep-alive or a zero-window probe: its byte, if it has one, is no data.
    pub(crate) const fn is_probe(self) -> bool {
        matches!(self.trouble, Some(Trouble::KeepAlive | Trouble::ZeroWindowProbe))
    }

    /// Whether the packet closes its sender's receive window.
    pub(crate) const fn is_zero_window(self) -> bool {
        self.is_zero_window
    }

    /// Whether the packet is a FIN without data that was sent before.
    pub(crate) const fn is_fin_repeated(self) -> bool {
        self.is_fin_repeated
    }

    /// Whether there is something to count.
    #[inline]
    pub(super) const fn is_trouble(self) -> bool {
        self.trouble.is_some() || self.is_window_full || self.is_reset
    }

    pub(super) fn troubles(self) -> impl Iterator<Item = Trouble> {
        let window_full = self.is_window_full.then_some(Trouble::WindowFull);
        let reset = self.is_reset.then_some(Trouble::Reset);
        self.trouble.into_iter().chain(window_full).chain(reset)
    }
}

impl Sender {
    /// Takes a packet that this end sent to `receiver`.
    pub(super) fn handle_segment(
        &mut self,
        receiver: &Self,
        segment: &TcpSegment,
        payload_len: u32,
    ) -> Remark {
        let shift = receiver.window_shift(self);
        let flags = segment.flags;
        let is_plain = flags.0 & (TcpFlags::SYN.0 | TcpFlags::FIN.0 | TcpFlags::RST.0) == 0;
        let mut remark = Remark { is_reset: flags.contains(TcpFlags::RST), ..Remark::default() };
        if is_plain {
            remark.is_zero_window = segment.window == 0;
            remark.trouble = self.judge(receiver, segment, payload_len);
            remark.is_window_full = !remark.is_probe() && receiver.is_filled_by(segment, payload_len, shift);
        }
        if flags.contains(TcpFlags::FIN) && !remark.is_reset {
            let is_old = distance(self.next, segment.sequence_number) < 0;
            remark.is_fin_repeated = self.has(Mark::PlainFin) && is_old && payload_len == 0;
            self.set(Mark::PlainFin, true);
        }
        // What travels with a SYN is counted with it.
        let has_data = payload_len > 0 && !remark.is_probe() && !flags.contains(TcpFlags::SYN);
        self.set(Mark::DataLast, has_data);
        if !remark.is_reset {
            self.note(segment, payload_len, remark);
        }
        remark
    }

    /// The window scale that it offered.
    pub(super) const fn window_scale(&self) -> Option<u8> {
        self.scale.checked_sub(2)
    }

    /// By how many bits its window is shifted in truth, `other` being the other end; none unless both SYNs were seen.
    pub(super) fn window_shift(&self, other: &Self) -> Option<u8> {
        let has_both = self.scale > 0 && other.scale > 0;
        has_both.then(|| other.window_scale().and(self.window_scale()).unwrap_or(0))
    }

    fn judge(&self, receiver: &Self, segment: &TcpSegment, payload_len: u32) -> Option<Trouble> {
        if !self.has(Mark::Next) {
            return None;
        }
        let ahead = distance(self.next, segment.sequence_number);
        let receives_nothing = receiver.has(Mark::Acknowledged) && receiver.window == 0;
        if payload_len <= 1 && ahead == -1 {
            return Some(if receives_nothing { Trouble::ZeroWindowProbe } else { Trouble::KeepAlive });
        }
        if payload_len == 1 && ahead == 0 && receives_nothing {
            return Some(Trouble::ZeroWindowProbe);
        }
        let repeats = self.has(Mark::Acknowledged)
            && payload_len == 0
            && ahead == 0
            && segment.flags.contains(TcpFlags::ACK)
            && segment.acknowledgment_number == self.acknowledged
            && segment.window == self.window
            && segment.window > 0;
        // Where nothing of the other end is captured, the repetition has to do.
        let is_behind = !receiver.has(Mark::Next) || distance(self.acknowledged, receiver.next) > 0;
        (repeats && is_behind).then_some(Trouble::DuplicateAcknowledgment)
    }

    /// Whether data that ends here is all that this end's window allows.
    fn is_filled_by(&self, segment: &TcpSegment, payload_len: u32, shift: Option<u8>) -> bool {
        let Some(shift) = shift.filter(|_| self.has(Mark::Acknowledged) && payload_len > 0) else {
            return false;
        };
        let window = u32::from(self.window).checked_shl(u32::from(shift)).unwrap_or(0);
        let end = segment.sequence_number.wrapping_add(payload_len);
        window > 0 && end == self.acknowledged.wrapping_add(window)
    }

    fn note(&mut self, segment: &TcpSegment, payload_len: u32, remark: Remark) {
        let flags = segment.flags;
        if flags.contains(TcpFlags::SYN) {
            self.scale = segment.window_scale.map_or(1, |scale| scale.min(MAX_SCALE) + 2);
        }
        if flags.contains(TcpFlags::ACK) {
            self.acknowledged = segment.acknowledgment_number;
            self.window = segment.window;
            self.set(Mark::Acknowledged, true);
        }
        if remark.is_probe() {
            return;
        }
        let flag_bytes = u32::from(flags.contains(TcpFlags::SYN)) + u32::from(flags.contains(TcpFlags::FIN));
        let end = segment.sequence_number.wrapping_add(payload_len).wrapping_add(flag_bytes);
        if !self.has(Mark::Next) || distance(self.next, end) > 0 || flags.contains(TcpFlags::SYN) {
            self.set(Mark::Next, true);
            self.next = end;
        }
    }
}

/// The largest shift (RFC 7323 §2.3).
const MAX_SCALE: u8 = 14;
