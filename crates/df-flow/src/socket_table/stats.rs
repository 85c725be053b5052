//! What a socket table did with its input.

/// Counters of a socket table. Conversations opened = conversations ended + conversations in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SocketStats {
    /// Events handled.
    pub events: u64,
    /// Conversations begun.
    pub conversations_opened: u64,
    /// Conversations ended, for whatever reason.
    pub conversations_ended: u64,
    /// Conversations ended early because the table was full.
    pub conversations_evicted: u64,
    /// Payload bytes handled, those left out by the kernel included.
    pub payload_bytes: u64,
    /// Payload bytes given to the sink, those left out by the kernel included.
    pub delivered_bytes: u64,
    /// Payload bytes that had been seen before.
    pub repeated_bytes: u64,
    /// Times that bytes were given up as lost.
    pub gaps: u64,
    /// Times that bytes were given up as lost because a bound on held bytes was reached.
    pub gaps_forced: u64,
}
