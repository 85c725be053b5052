//! Counters of one direction that most connections never need.

/// Something to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    DuplicateAcknowledgment,
    KeepAlive,
    ZeroWindowProbe,
    WindowFull,
    Reset,
    /// A hole that was given up, of this many bytes.
    Lost(u32),
    /// A segment of this many bytes that had all been seen.
    Repeated(u32),
}

/// The counters of one direction.
#[derive(Debug, Clone, Copy, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Troubles {
    pub(crate) duplicate_acknowledgments: u32,
    pub(crate) keep_alives: u32,
    pub(crate) zero_window_probes: u32,
    pub(crate) window_full: u32,
    pub(crate) resets: u32,
    pub(crate) lost_segments: u32,
    pub(crate) lost_bytes: u64,
    pub(crate) retransmitted_bytes: u64,
}

impl Troubles {
    pub(crate) const fn count(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::DuplicateAcknowledgment => increment(&mut self.duplicate_acknowledgments),
            Trouble::KeepAlive => increment(&mut self.keep_alives),
            Trouble::ZeroWindowProbe => increment(&mut self.zero_window_probes),
            Trouble::WindowFull => increment(&mut self.window_full),
            Trouble::Reset => increment(&mut self.resets),
            Trouble::Lost(bytes) => {
                increment(&mut self.lost_segments);
                self.lost_bytes = self.lost_bytes.saturating_add(bytes as u64);
            }
            Trouble::Repeated(bytes) => {
                self.retransmitted_bytes = self.retransmitted_bytes.saturating_add(bytes as u64);
            }
        }
    }
}

const fn increment(counter: &mut u32) {
    *counter = counter.saturating_add(1);
}
