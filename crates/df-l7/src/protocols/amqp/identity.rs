//! What both versions say of messages alike: their identifiers, and the trace context of those that were asked for.

use crate::sql::cut_text;
use crate::{Attributes, ConnectionConfig, PropagatedContext};

/// Adds a message's own identifier and that of the conversation it belongs to.
pub(super) fn push_message_identity(
    attributes: &mut Attributes,
    message_id: Option<&[u8]>,
    correlation_id: Option<&[u8]>,
    config: &ConnectionConfig,
) {
    let identifiers =
        [("messaging.message.id", message_id), ("messaging.message.conversation_id", correlation_id)];
    for (key, identifier) in identifiers {
        if let Some(identifier) = identifier.filter(|identifier| !identifier.is_empty()) {
            attributes.push(key, cut_text(identifier, config.max_attribute_bytes));
        }
    }
}

/// Adds the trace context of a message that is an answer: it is the context of who sent it, not of who asked.
pub(super) fn push_context(attributes: &mut Attributes, context: Option<PropagatedContext>) {
    let context = context.unwrap_or_default();
    for (key, id) in [
        ("df.messaging.message.trace_id", context.trace_id),
        ("df.messaging.message.span_id", context.span_id),
    ] {
        if let Some(id) = id {
            attributes.push(key, id);
        }
    }
}
