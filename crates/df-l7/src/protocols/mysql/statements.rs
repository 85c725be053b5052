//! The prepared statements of one connection.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::sql::Statement;

/// Prepared statements by their number. Bounded in count and bytes; the oldest leave first.
#[derive(Debug, Default)]
pub(super) struct Statements {
    by_id: HashMap<u32, Arc<Statement>>,
    /// The numbers in the order of preparation; also of statements that were closed since.
    order: VecDeque<u32>,
    bytes: usize,
}

impl Statements {
    pub(super) fn insert(&mut self, id: u32, statement: Arc<Statement>) {
        self.remove(id);
        self.bytes = self.bytes.saturating_add(cost(&statement));
        self.by_id.insert(id, statement);
        self.order.push_back(id);
        while self.order.len() > MAX_STATEMENTS || self.bytes > MAX_STATEMENT_BYTES {
            let Some(oldest) = self.order.pop_front() else { break };
            self.remove_known(oldest);
        }
    }

    pub(super) fn find(&self, id: u32) -> Option<&Arc<Statement>> {
        self.by_id.get(&id)
    }

    pub(super) fn remove(&mut self, id: u32) {
        if self.remove_known(id)
            && let Some(place) = self.order.iter().position(|known| *known == id)
        {
            self.order.remove(place);
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    fn remove_known(&mut self, id: u32) -> bool {
        let removed = self.by_id.remove(&id);
        self.bytes = self.bytes.saturating_sub(removed.as_deref().map_or(0, cost));
        removed.is_some()
    }
}

fn cost(statement: &Statement) -> usize {
    let texts = [Some(&statement.resource), statement.summary.as_ref(), statement.endpoint.as_ref()];
    texts.into_iter().flatten().map(String::len).sum::<usize>() + size_of::<Statement>()
}

/// The most prepared statements that a connection remembers.
const MAX_STATEMENTS: usize = 1_024;
/// The most bytes that they may take.
const MAX_STATEMENT_BYTES: usize = 512 * 1_024;
