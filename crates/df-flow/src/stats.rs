//! What a flow table did with its input.

/// Counters of a flow table. Flows opened = flows ended + flows in the table; payload bytes handled = delivered + repeated + held +
/// left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct FlowStats {
    /// Packets handled.
    pub packets: u64,
    /// Packets of connections that are left out; not handled, and in no record.
    pub packets_left_out: u64,
    /// Flows begun.
    pub flows_opened: u64,
    /// Flows ended, for whatever reason.
    pub flows_ended: u64,
    /// Flows ended early because the table was full.
    pub flows_evicted: u64,
    /// Payload bytes handled.
    pub payload_bytes: u64,
    /// Payload bytes given to the sink.
    pub delivered_bytes: u64,
    /// Payload bytes that had been seen before.
    pub repeated_bytes: u64,
    /// Payload bytes held until earlier ones come.
    pub held_bytes: u64,
    /// Payload bytes that were held when their connection was left out.
    pub left_out_bytes: u64,
    /// Times that bytes were given up as lost.
    pub gaps: u64,
    /// Times that bytes were given up as lost because a bound on held bytes was reached.
    pub gaps_forced: u64,
    /// ICMP errors that quoted a packet of no known flow.
    pub icmp_errors_unmatched: u64,
}
