//! The prepared statements and portals of one connection: what an `Execute` runs.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::sql::Statement;

/// The most bytes of text that the named statements of one connection hold; the oldest leave first.
const MAX_STATEMENT_BYTES: usize = 128 * 1024;
/// The most named statements and the most named portals.
const MAX_NAMES: usize = 1_024;
/// The longest name that is kept; the server's own names have at most 63 bytes, the protocol has no limit.
pub(super) const MAX_NAME_BYTES: usize = 256;
/// What a name costs beside its text.
const OVERHEAD_BYTES: usize = 64;

/// What names stand for.
#[derive(Debug, Default)]
pub(super) struct Statements {
    statements: Names,
    portals: Names,
}

impl Statements {
    /// `Parse`: the name stands for this text.
    pub(super) fn prepare(&mut self, name: &[u8], statement: Arc<Statement>) {
        self.statements.insert(name, statement);
    }

    /// `Bind`: the portal runs this statement, which is unknown if it was prepared unseen.
    pub(super) fn bind(&mut self, portal: &[u8], name: &[u8]) {
        match self.statements.find(name) {
            Some(statement) => self.portals.insert(portal, statement),
            None => self.portals.remove(portal),
        }
    }

    /// `Execute`: what the portal runs.
    pub(super) fn portal(&self, portal: &[u8]) -> Option<Arc<Statement>> {
        self.portals.find(portal)
    }

    /// What the statement of this name is.
    pub(super) fn statement(&self, name: &[u8]) -> Option<Arc<Statement>> {
        self.statements.find(name)
    }

    /// `Close` of a statement.
    pub(super) fn close_statement(&mut self, name: &[u8]) {
        self.statements.remove(name);
    }

    /// `Close` of a portal.
    pub(super) fn close_portal(&mut self, portal: &[u8]) {
        self.portals.remove(portal);
    }
}

/// A bounded map of names, and the unnamed one.
#[derive(Debug, Default)]
struct Names {
    unnamed: Option<Arc<Statement>>,
    named: HashMap<Box<[u8]>, Entry>,
    /// The names in the order in which they were given, with the number of the giving: an older number is stale.
    order: VecDeque<(Box<[u8]>, u64)>,
    bytes: usize,
    given: u64,
}

#[derive(Debug)]
struct Entry {
    statement: Arc<Statement>,
    number: u64,
}

impl Names {
    fn insert(&mut self, name: &[u8], statement: Arc<Statement>) {
        if name.is_empty() {
            self.unnamed = Some(statement);
            return;
        }
        self.remove(name);
        if name.len() > MAX_NAME_BYTES {
            return;
        }
        self.given += 1;
        self.bytes += cost(name, &statement);
        self.order.push_back((name.into(), self.given));
        self.named.insert(name.into(), Entry { statement, number: self.given });
        while self.bytes > MAX_STATEMENT_BYTES || self.order.len() > MAX_NAMES {
            let Some((name, number)) = self.order.pop_front() else { break };
            if self.named.get(&name).is_some_and(|entry| entry.number == number) {
                self.remove(&name);
            }
        }
    }

    fn find(&self, name: &[u8]) -> Option<Arc<Statement>> {
        if name.is_empty() {
            return self.unnamed.clone();
        }
        self.named.get(name).map(|entry| Arc::clone(&entry.statement))
    }

    fn remove(&mut self, name: &[u8]) {
        if name.is_empty() {
            self.unnamed = None;
        } else if let Some(entry) = self.named.remove(name) {
            self.bytes = self.bytes.saturating_sub(cost(name, &entry.statement));
        }
    }
}

fn cost(name: &[u8], statement: &Statement) -> usize {
    name.len() * 2 + statement.resource.len() + OVERHEAD_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(text: &str) -> Arc<Statement> {
        Arc::new(Statement { resource: text.to_owned(), ..Statement::default() })
    }

    #[test]
    fn names_are_replaced_closed_and_bounded() {
        let mut statements = Statements::default();
        statements.prepare(b"", statement("SELECT 1"));
        statements.prepare(b"s", statement("SELECT 2"));
        statements.bind(b"p", b"s");
        statements.close_statement(b"s");
        assert_eq!(statements.portal(b"p").unwrap().resource, "SELECT 2");
        assert_eq!(statements.statement(b"s"), None);
        statements.bind(b"p", b"s");
        assert_eq!(statements.portal(b"p"), None);
        assert_eq!(statements.statement(b"").unwrap().resource, "SELECT 1");
        for number in 0..10_000_u32 {
            statements.prepare(&number.to_be_bytes(), statement(&"x".repeat(100)));
            statements.prepare(b"again", statement("SELECT 3"));
            assert!(statements.statements.order.len() <= MAX_NAMES);
            assert!(statements.statements.bytes <= MAX_STATEMENT_BYTES);
        }
        assert!(statements.statement(&9_999_u32.to_be_bytes()).is_some());
        assert!(statements.statement(&0_u32.to_be_bytes()).is_none());
        assert!(statements.statement(b"again").is_some());
    }
}
