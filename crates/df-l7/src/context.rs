//! Trace context that applications put into their own messages.

/// Trace context found in a message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PropagatedContext {
    /// The trace id as the format gives it: 32 hexadecimal digits for W3C, the decoded id for the others.
    pub trace_id: Option<String>,
    /// The span id of the sender.
    pub span_id: Option<String>,
    /// Whether the sender records the trace, where the format tells it.
    pub sampled: Option<bool>,
    /// The request id (`x-request-id` or the configured names).
    pub x_request_id: Option<String>,
}
