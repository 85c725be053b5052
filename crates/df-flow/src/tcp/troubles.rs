//! Counters of one direction that most flows never need.

use crate::counters::Counters;

/// Something to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    Retransmission,
    OutOfOrder,
    ZeroWindow,
    DuplicateAcknowledgment,
    KeepAlive,
    ZeroWindowProbe,
    WindowFull,
    Reset,
    /// An ICMP error that quoted a packet of the direction.
    IcmpError,
    /// A hole that was given up, of this many bytes.
    Lost(u32),
    /// A segment of this many bytes that had all been seen.
    Repeated(u32),
}

/// The counters of one direction.
#[derive(Debug, Clone, Copy, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Troubles {
    pub(crate) retransmissions: u32,
    pub(crate) out_of_order: u32,
    pub(crate) zero_window: u32,
    pub(crate) duplicate_acknowledgments: u32,
    pub(crate) keep_alives: u32,
    pub(crate) zero_window_probes: u32,
    pub(crate) window_full: u32,
    pub(crate) resets: u32,
    pub(crate) icmp_errors: u32,
    pub(crate) lost_segments: u32,
    pub(crate) lost_bytes: u64,
    pub(crate) retransmitted_bytes: u64,
    /// What did not fit the flow's [`Counters`] any more.
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    pub(crate) l3_bytes: u64,
    pub(crate) l4_bytes: u64,
}

impl Troubles {
    pub(crate) const fn count(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::Retransmission => increment(&mut self.retransmissions),
            Trouble::OutOfOrder => increment(&mut self.out_of_order),
            Trouble::ZeroWindow => increment(&mut self.zero_window),
            Trouble::DuplicateAcknowledgment => increment(&mut self.duplicate_acknowledgments),
            Trouble::KeepAlive => increment(&mut self.keep_alives),
            Trouble::ZeroWindowProbe => increment(&mut self.zero_window_probes),
            Trouble::WindowFull => increment(&mut self.window_full),
            Trouble::Reset => increment(&mut self.resets),
            Trouble::IcmpError => increment(&mut self.icmp_errors),
            Trouble::Lost(bytes) => {
                increment(&mut self.lost_segments);
                add(&mut self.lost_bytes, bytes);
            }
            Trouble::Repeated(bytes) => add(&mut self.retransmitted_bytes, bytes),
        }
    }

    /// Takes over counters that are full.
    pub(crate) const fn carry(&mut self, counters: Counters) {
        add(&mut self.packets, counters.packets);
        add(&mut self.bytes, counters.bytes);
        add(&mut self.l3_bytes, counters.l3_bytes);
        add(&mut self.l4_bytes, counters.l4_bytes);
    }
}

const fn increment(counter: &mut u32) {
    *counter = counter.saturating_add(1);
}

const fn add(counter: &mut u64, count: u32) {
    *counter = counter.saturating_add(count as u64);
}
