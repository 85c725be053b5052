//! Topics by their alias, the rules of topic names, and the group of a shared subscription.

use std::collections::HashMap;

/// The topic aliases of one direction.
#[derive(Debug, Default)]
pub(super) struct TopicAliases(HashMap<u16, String>);

impl TopicAliases {
    /// The sender will say `alias` instead of `topic` from now on. Of too many those known stay.
    pub(super) fn insert(&mut self, alias: u16, topic: String) {
        if self.0.len() < MAX_TOPIC_ALIASES || self.0.contains_key(&alias) {
            self.0.insert(alias, topic);
        }
    }

    pub(super) fn find(&self, alias: u16) -> Option<&str> {
        self.0.get(&alias).map(String::as_str)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

/// Whether messages can be published to a topic of this name.
pub(super) fn is_topic(name: &[u8]) -> bool {
    let is_text = std::str::from_utf8(name).is_ok();
    is_text && !name.is_empty() && !name.iter().any(|byte| matches!(byte, b'\0' | b'+' | b'#'))
}

/// Whether no human would be surprised to see this as a topic or as the filter of topics: what a stranger's bytes are asked.
pub(super) fn is_plain(name: &[u8]) -> bool {
    let text = std::str::from_utf8(name).ok().filter(|text| !text.is_empty());
    text.is_some_and(|text| !text.chars().any(|character| character.is_control() || character == '\u{fffd}'))
}

/// The group of a shared subscription, if this is one, and the filter.
pub(super) fn shared(filter: &str) -> (Option<&str>, &str) {
    let named = filter.strip_prefix("$share/").and_then(|rest| rest.split_once('/'));
    match named {
        Some((group, rest)) if !group.is_empty() && !rest.is_empty() => (Some(group), rest),
        _ => (None, filter),
    }
}

/// How many topic aliases of one direction are remembered.
const MAX_TOPIC_ALIASES: usize = 256;
