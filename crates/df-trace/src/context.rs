//! Trace context that applications put into their messages, as identifiers.

use df_l7::{Exchange, PropagatedContext};

use crate::hash::{Digest, Purpose};
use crate::{SpanId, TraceId};

/// The trace context of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Propagated {
    /// The trace.
    pub(crate) trace_id: TraceId,
    /// The sender's span, where the format names spans as OpenTelemetry does.
    pub(crate) span_id: Option<SpanId>,
}

impl Propagated {
    /// The context that an exchange's request carries, if it names a trace.
    pub(crate) fn of(exchange: &Exchange) -> Option<Self> {
        let context = exchange.request.as_ref()?.content.context.as_deref()?;
        Self::from_context(context)
    }

    fn from_context(context: &PropagatedContext) -> Option<Self> {
        let trace_id = trace_id(context.trace_id.as_deref()?)?;
        let span_id = context.span_id.as_deref().and_then(|text| padded::<16>(text)?.parse().ok());
        Some(Self { trace_id, span_id })
    }
}

/// Hexadecimal digits are taken as they are, short ones (B3 and Jaeger allow them) filled with zeros on the left, and
/// those of a UUID without their dashes. Other texts stand for the trace that is derived from them.
fn trace_id(text: &str) -> Option<TraceId> {
    let text = text.trim();
    if text.bytes().all(|byte| matches!(byte, b'0' | b'-')) {
        return None;
    }
    let digits = if text.len() == UUID_LEN { text.replace('-', "") } else { text.to_owned() };
    let parsed = padded::<32>(&digits).and_then(|digits| digits.parse().ok());
    Some(parsed.unwrap_or_else(|| {
        TraceId::from_hash(Digest::new(Purpose::PropagatedTrace).bytes(text.as_bytes()).finish())
    }))
}

fn padded<const N: usize>(text: &str) -> Option<String> {
    let is_short = (1..=N).contains(&text.len());
    is_short.then(|| format!("{text:0>N$}"))
}

/// Characters of a UUID with its dashes (RFC 9562 §4).
const UUID_LEN: usize = 36;

#[cfg(test)]
mod tests {
    use super::*;

    fn propagated(trace: &str, span: &str) -> Option<Propagated> {
        let mut context = PropagatedContext::default();
        context.trace_id = Some(trace.to_owned());
        context.span_id = Some(span.to_owned());
        Propagated::from_context(&context)
    }

    #[test]
    fn identifiers_of_each_format() {
        for (name, trace, span, expected_trace, expected_span) in [
            ("w3c", W3C, "00f067aa0ba902b7", W3C, Some("00f067aa0ba902b7")),
            ("short b3", "a3ce929d0e0e4736", "2b7", SHORT, Some("00000000000002b7")),
            ("uuid", "4bf92f35-77b3-4da6-a3ce-929d0e0e4736", "seg-3", W3C, None),
            ("upper case", "4BF92F3577B34DA6A3CE929D0E0E4736", "", W3C, None),
            ("zero span", W3C, "0000000000000000", W3C, None),
        ] {
            let context = propagated(trace, span).unwrap();
            assert_eq!(context.trace_id.to_string(), expected_trace, "{name}");
            assert_eq!(context.span_id.map(|id| id.to_string()).as_deref(), expected_span, "{name}");
        }
    }

    #[test]
    fn any_text_names_a_trace_but_zero_does_not() {
        let first = propagated("a7f.45.16870000000001", "").unwrap();
        assert_eq!(Some(first), propagated("a7f.45.16870000000001", ""));
        assert_ne!(Some(first), propagated("a7f.45.16870000000002", ""));
        assert_eq!(first.trace_id.to_string(), "c828df12ad0975666d12136600b0779e");
        for nothing in ["", " ", "0", "00000000000000000000000000000000"] {
            assert_eq!(propagated(nothing, "00f067aa0ba902b7"), None, "{nothing:?}");
        }
        assert!(propagated("é", "é").is_some());
    }

    const W3C: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SHORT: &str = "0000000000000000a3ce929d0e0e4736";
}
