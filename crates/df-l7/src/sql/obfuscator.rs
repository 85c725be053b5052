//! Writes SQL text without its data.

use super::lexer::{Kind, Token};

/// Copies tokens, `?` for literals, nothing for comments, and one space for any white space.
pub(super) struct Obfuscator<'a> {
    sql: &'a [u8],
    shown: Vec<u8>,
    max_bytes: usize,
    /// Where the bytes start that were let through and are not copied yet.
    run_start: usize,
    is_space_due: bool,
}

impl<'a> Obfuscator<'a> {
    pub(super) fn new(sql: &'a [u8], max_bytes: usize) -> Self {
        let shown = Vec::with_capacity(sql.len().min(max_bytes));
        Self { sql, shown, max_bytes, run_start: 0, is_space_due: false }
    }

    /// Takes a token. Those that are copied as they are need not be given.
    pub(super) fn push(&mut self, token: &Token) {
        match token.kind {
            Kind::Space if self.is_plain_space(token) => {}
            Kind::Space | Kind::Comment => {
                self.copy_run(token);
                self.is_space_due = true;
            }
            Kind::Literal => {
                self.copy_run(token);
                self.write(b"?");
            }
            _ => {}
        }
    }

    /// At most a little more than the limit.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let end = self.sql.len();
        self.copy_run(&Token { kind: Kind::Other, start: end, end });
        let len = self.shown.trim_ascii_end().len();
        self.shown.truncate(len);
        self.shown
    }

    /// One space within a run may stay where it is.
    fn is_plain_space(&self, token: &Token) -> bool {
        self.run_start < token.start && self.sql.get(token.start..token.end) == Some(b" ")
    }

    fn copy_run(&mut self, before: &Token) {
        let run = self.sql.get(self.run_start..before.start).unwrap_or_default();
        self.run_start = before.end;
        if !run.is_empty() {
            self.write(run);
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        if std::mem::take(&mut self.is_space_due)
            && !self.shown.is_empty()
            && self.shown.last() != Some(&b' ')
        {
            self.shown.push(b' ');
        }
        let room = self.max_bytes.saturating_sub(self.shown.len());
        self.shown.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }
}
