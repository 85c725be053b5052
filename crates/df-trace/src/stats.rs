//! What an assembler counts.

/// Counters of a [`SpanAssembler`](crate::SpanAssembler), all since it was made. At every moment
/// `exchanges = spans + dropped + `[`held`](crate::SpanAssembler::held).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TraceStats {
    /// Exchanges handled.
    pub exchanges: u64,
    /// Spans polled.
    pub spans: u64,
    /// Exchanges that were never polled: the oldest goes when twice [`max_held_spans`] wait.
    ///
    /// [`max_held_spans`]: crate::TraceConfig::max_held_spans
    pub dropped: u64,
    /// Spans that were ready before their window ended because [`max_held_spans`] others waited. A span that would
    /// have found its parent later than that stands as a root.
    ///
    /// [`max_held_spans`]: crate::TraceConfig::max_held_spans
    pub released_early: u64,
    /// Spans placed below another observation of the same TCP message.
    pub linked_by_tcp_sequence: u64,
    /// Spans linked to the same bytes at the other end of a Unix socket.
    pub linked_by_stream_offset: u64,
    /// Spans placed below another observation of the same datagram.
    pub linked_by_datagram: u64,
    /// Spans placed below a span that an application propagated.
    pub linked_by_propagated_context: u64,
    /// Exchanges not compared with others because too many others looked the same.
    pub not_compared: u64,
}
