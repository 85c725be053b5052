//! Counters of a live capture.

/// What became of the frames of a live capture. At any moment `received` is the sum of `frames`,
/// `loopback_duplicates`, `dropped_by_kernel` and the frames that still wait in the ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct AfPacketStats {
    /// Frames that passed the filter in the kernel.
    pub received: u64,
    /// Frames given out.
    pub frames: u64,
    /// Frames that the kernel dropped because the ring was full.
    pub dropped_by_kernel: u64,
    /// Frames that the interface (or, on all of them, any) lost before anybody could see them, since it had no room: the
    /// device's `rx_missed_errors` and `rx_fifo_errors`. Not part of [`received`](Self::received), and the same for every
    /// capture on that interface.
    pub missed_by_interface: u64,
    /// How often the ring was full.
    pub ring_full: u64,
    /// Frames of a loopback interface seen at sending, left out since they are seen again at receiving.
    pub loopback_duplicates: u64,
}
