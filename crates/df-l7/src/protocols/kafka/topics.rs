//! The topics of one connection: which identifiers stand for which names, and which topics a message names.

use std::collections::HashMap;

/// Identifiers of topics and their names, as the server told them on this connection.
#[derive(Debug, Default)]
pub(super) struct TopicNames(HashMap<[u8; 16], Box<str>>);

impl TopicNames {
    /// Remembers a name. Of too many those known stay.
    pub(super) fn insert(&mut self, id: [u8; 16], name: &str) {
        let is_topic = id != [0; 16] && !name.is_empty() && name.len() <= MAX_NAME_BYTES;
        if is_topic && (self.0.len() < MAX_NAMES || self.0.contains_key(&id)) {
            self.0.insert(id, name.into());
        }
    }

    pub(super) fn find(&self, id: [u8; 16]) -> Option<&str> {
        self.0.get(&id).map(AsRef::as_ref)
    }
}

/// The topics that one message names, each once, and the partitions.
#[derive(Debug, Default)]
pub(super) struct Topics {
    names: Vec<String>,
    /// Whether there are more than are kept, or some whose name is not known.
    is_partial: bool,
    partition: Partition,
}

#[derive(Debug, Default, Clone, Copy)]
enum Partition {
    #[default]
    None,
    One(i32),
    Several,
}

impl Topics {
    /// A topic by its name; none if that is not known.
    pub(super) fn insert(&mut self, name: Option<&str>) {
        match name {
            Some("") => {}
            Some(name) if self.names.iter().any(|known| known == name) => {}
            Some(name) if self.names.len() < MAX_TOPICS && name.len() <= MAX_NAME_BYTES => {
                self.names.push(name.to_owned());
            }
            Some(_) | None => self.is_partial = true,
        }
    }

    pub(super) fn insert_partition(&mut self, number: i32) {
        self.partition = match self.partition {
            Partition::None => Partition::One(number),
            Partition::One(_) | Partition::Several => Partition::Several,
        };
    }

    /// The topic, if there is just one.
    pub(super) fn only(&self) -> Option<&str> {
        match self.names.as_slice() {
            [name] if !self.is_partial => Some(name),
            _ => None,
        }
    }

    /// The partition, if there is just one of just one topic.
    pub(super) fn only_partition(&self) -> Option<i32> {
        match self.partition {
            Partition::One(number) if self.names.len() <= 1 => Some(number),
            _ => None,
        }
    }

    /// All topics, if all are known, separated by commas.
    pub(super) fn joined(&self) -> Option<String> {
        (!self.is_partial && !self.names.is_empty()).then(|| self.names.join(","))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty() && !self.is_partial
    }
}

/// How many identifiers are remembered.
const MAX_NAMES: usize = 1_024;
/// How many topics of one message are shown.
const MAX_TOPICS: usize = 16;
/// The longest name that a broker accepts.
const MAX_NAME_BYTES: usize = 249;
