//! Which operations on which tables SQL text names: a grammar of keywords, not of SQL.

use std::borrow::Cow;
use std::ops::Range;

use super::lexer::{Kind, Token};
use super::words::{OBJECTS, VERBS, is_before_name};

/// Collects operations and targets from the tokens of a text.
pub(super) struct Summary<'a> {
    sql: &'a [u8],
    text: String,
    operation: Cow<'static, str>,
    target: Option<String>,
    /// The first table in the common table expressions, if the main statement names none.
    common_target: Option<String>,
    /// Whether the first statement is over; it alone gives operation and target.
    is_over: bool,
    expect: Expect,
    /// The name being read, in the text.
    name: Option<Range<usize>>,
    depth: u32,
    /// One bit per depth of parentheses: whether `FROM` names tables there (it does not in `TRIM(x FROM y)`).
    queries: u64,
    is_with: bool,
    common_tables: Vec<&'a [u8]>,
    previous: Kind,
    is_after_distinct: bool,
}

/// What [`Summary::finish`] gives.
pub(super) struct Finished {
    pub(super) operation: Cow<'static, str>,
    pub(super) target: Option<String>,
    pub(super) endpoint: Option<String>,
    pub(super) text: Option<String>,
}

/// What the next token may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expect {
    /// A statement's first word.
    Verb,
    /// The kind of object of a definition.
    Object,
    /// A table's name.
    Name,
    /// The dot of a qualified name, or what follows a name.
    Dot,
    /// The part behind a dot.
    NamePart,
    /// An alias, or a comma and another table.
    Alias,
    /// A comma and another table.
    Comma,
    /// The name of a common table expression.
    CommonTable,
    /// A keyword.
    Keyword,
    /// The end of the statement.
    End,
}

impl<'a> Summary<'a> {
    pub(super) const fn new(sql: &'a [u8]) -> Self {
        Self {
            sql,
            text: String::new(),
            operation: Cow::Borrowed(""),
            target: None,
            common_target: None,
            is_over: false,
            expect: Expect::Verb,
            name: None,
            depth: 0,
            queries: 0,
            is_with: false,
            common_tables: Vec::new(),
            previous: Kind::Other,
            is_after_distinct: false,
        }
    }

    /// Takes a token that is neither white space nor a comment.
    pub(super) fn push(&mut self, token: &Token) {
        match token.kind {
            Kind::Dot if self.expect == Expect::Dot => self.expect = Expect::NamePart,
            Kind::Word => self.word(token),
            Kind::QuotedName => self.quoted_name(token),
            kind => self.symbol(kind),
        }
        self.previous = token.kind;
    }

    pub(super) fn finish(mut self) -> Finished {
        self.end_name();
        self.target = self.target.or(self.common_target);
        let endpoint = (!self.operation.is_empty()).then(|| {
            let target = self.target.as_deref().unwrap_or_default();
            let mut endpoint = String::with_capacity(self.operation.len() + 1 + target.len());
            endpoint.push_str(&self.operation);
            if !target.is_empty() {
                endpoint.push(' ');
                endpoint.push_str(target);
            }
            endpoint
        });
        let text = (!self.text.is_empty()).then_some(self.text);
        Finished { operation: self.operation, target: self.target, endpoint, text }
    }

    fn symbol(&mut self, kind: Kind) {
        self.end_name();
        self.is_after_distinct = false;
        match kind {
            Kind::Open => {
                self.depth = self.depth.saturating_add(1);
                self.queries &= !self.depth_bit();
                if !matches!(self.expect, Expect::Verb | Expect::Name | Expect::End) {
                    self.expect = Expect::Keyword;
                }
            }
            Kind::Close => {
                self.depth = self.depth.saturating_sub(1);
                self.settle(Expect::Keyword);
            }
            Kind::Semicolon => {
                self.is_over |= !self.operation.is_empty();
                (self.expect, self.depth, self.queries, self.is_with) = (Expect::Verb, 0, 0, false);
            }
            Kind::Comma if matches!(self.expect, Expect::Alias | Expect::Comma) => self.expect = Expect::Name,
            Kind::Comma if self.is_with && self.depth == 0 && self.previous == Kind::Close => {
                self.expect = Expect::CommonTable;
            }
            // `DEFINER = 'a'@'b'`, `/*!50001`
            _ if matches!(self.expect, Expect::Object | Expect::Verb) => {}
            _ => self.settle(Expect::Keyword),
        }
    }

    fn settle(&mut self, expect: Expect) {
        if self.expect != Expect::End {
            self.expect = expect;
        }
    }

    fn quoted_name(&mut self, token: &Token) {
        match self.expect {
            Expect::Name => self.begin_name(token),
            Expect::NamePart => self.extend_name(token),
            Expect::CommonTable => self.common_table(token),
            Expect::Alias | Expect::Dot => {
                self.end_name();
                self.expect = Expect::Comma;
            }
            Expect::Object => {}
            _ => self.settle(Expect::Keyword),
        }
    }

    fn word(&mut self, token: &Token) {
        if self.expect == Expect::NamePart {
            return self.extend_name(token);
        }
        self.end_name();
        let mut buffer = [0; MAX_KEYWORD_BYTES];
        let word = self.sql.get(token.start..token.end).unwrap_or_default();
        if self.expect == Expect::Keyword && !may_be_keyword(word) {
            self.is_after_distinct = false;
            return;
        }
        let word = capitals(word, &mut buffer);
        let was_after_distinct = std::mem::replace(&mut self.is_after_distinct, word == b"DISTINCT");
        let expect = self.expect;
        match expect {
            Expect::End => {}
            Expect::Verb => self.verb(word),
            Expect::Object => self.object(word),
            Expect::CommonTable if word == b"RECURSIVE" => {}
            Expect::CommonTable => self.common_table(token),
            _ if self.keyword(word, was_after_distinct) => {}
            Expect::Name if is_before_name(word) => {}
            Expect::Name => self.begin_name(token),
            Expect::Alias if word == b"AS" => {}
            Expect::Alias => self.expect = Expect::Comma,
            _ => self.expect = Expect::Keyword,
        }
    }

    /// Words that mean the same everywhere in a statement.
    fn keyword(&mut self, word: &[u8], is_after_distinct: bool) -> bool {
        match word {
            b"SELECT" => {
                self.queries |= self.depth_bit();
                self.operate("SELECT", Expect::Keyword);
            }
            b"FROM" if self.queries & self.depth_bit() != 0 && !is_after_distinct => {
                self.expect = Expect::Name;
            }
            b"JOIN" | b"STRAIGHT_JOIN" => self.expect = Expect::Name,
            b"TABLE" if self.operation == "LOAD" => self.expect = Expect::Name,
            b"INSERT" | b"UPDATE" | b"DELETE" | b"MERGE" | b"REPLACE" | b"VALUES"
                if self.is_verb_of_with() =>
            {
                self.verb(word);
            }
            _ => return false,
        }
        true
    }

    /// After the list of common table expressions, or at the start of one of them.
    fn is_verb_of_with(&self) -> bool {
        self.is_with && (self.depth == 0 && self.previous == Kind::Close || self.previous == Kind::Open)
    }

    fn verb(&mut self, word: &[u8]) {
        let (verb, expect) = match word {
            b"EXPLAIN" => ("EXPLAIN", Expect::Verb),
            b"ANALYZE" if self.operation == "EXPLAIN" => return,
            b"WITH" => {
                self.is_with = true;
                self.expect = Expect::CommonTable;
                return;
            }
            _ => match VERBS.iter().find(|(verb, _)| verb.as_bytes() == word) {
                Some(row) => *row,
                // EXPLAIN has options before its statement
                None if self.operation == "EXPLAIN" && !self.is_over => return,
                None => {
                    self.is_over = true;
                    self.expect = Expect::End;
                    return;
                }
            },
        };
        if matches!(verb, "SELECT" | "DELETE") {
            self.queries |= self.depth_bit();
        }
        self.operate(verb, expect);
    }

    fn operate(&mut self, verb: &'static str, expect: Expect) {
        self.append(verb);
        let is_main = self.is_with && self.depth == 0;
        if !self.is_over && self.operation.is_empty() {
            self.operation = Cow::Borrowed(verb);
        } else if !self.is_over && is_main && self.operation != "EXPLAIN" {
            self.operation = Cow::Borrowed(verb);
            self.common_target = self.target.take();
        }
        self.is_with &= !is_main;
        self.expect = expect;
    }

    fn object(&mut self, word: &[u8]) {
        let Some(object) = OBJECTS.iter().find(|object| object.as_bytes() == word) else { return };
        if !self.is_over {
            self.operation = Cow::Owned(format!("{} {object}", self.operation));
        }
        self.append(object);
        self.expect = Expect::Name;
    }

    fn common_table(&mut self, token: &Token) {
        if self.common_tables.len() < MAX_COMMON_TABLES {
            self.common_tables.push(bare(self.sql.get(token.start..token.end).unwrap_or_default()));
        }
        self.expect = Expect::Keyword;
    }

    fn begin_name(&mut self, token: &Token) {
        self.name = Some(token.start..token.end);
        self.expect = Expect::Dot;
    }

    fn extend_name(&mut self, token: &Token) {
        if let Some(name) = &mut self.name {
            name.end = token.end;
        }
        self.expect = Expect::Dot;
    }

    fn end_name(&mut self) {
        let Some(name) = self.name.take() else { return };
        self.expect = Expect::Alias;
        let name = self.sql.get(name).unwrap_or_default();
        let is_common = self.common_tables.contains(&bare(name));
        if is_common || name.len() > MAX_SUMMARY_BYTES {
            return;
        }
        let name = readable(name);
        self.append(&name);
        if self.target.is_none() && !self.is_over {
            self.target = Some(name.into_owned());
        }
    }

    /// Adds a word if there is room for all of it.
    fn append(&mut self, word: &str) {
        if self.text.len() + 1 + word.len() > MAX_SUMMARY_BYTES {
            return;
        }
        if self.text.is_empty() {
            self.text.reserve(USUAL_SUMMARY_BYTES);
        } else {
            self.text.push(' ');
        }
        self.text.push_str(word);
    }

    const fn depth_bit(&self) -> u64 {
        if self.depth < u64::BITS { 1 << self.depth } else { 0 }
    }
}

/// Whether a word has the first letter and a length of one that means something in the middle of a statement.
const fn may_be_keyword(word: &[u8]) -> bool {
    match *word {
        [first, ..] => matches!(
            (first | 0x20, word.len()),
            (b's', 6 | 13)
                | (b'f' | b'j', 4)
                | (b't' | b'm', 5)
                | (b'd', 6 | 8)
                | (b'i' | b'u' | b'v', 6)
                | (b'r', 7)
        ),
        [] => false,
    }
}

/// Whether a word starts statements.
pub(super) fn is_verb(word: &[u8]) -> bool {
    let mut buffer = [0; MAX_KEYWORD_BYTES];
    let word = capitals(word, &mut buffer);
    matches!(word, b"WITH" | b"EXPLAIN") || VERBS.iter().any(|(verb, _)| verb.as_bytes() == word)
}

/// The word in capitals; empty if it is too long for a keyword.
fn capitals<'b>(word: &[u8], buffer: &'b mut [u8; MAX_KEYWORD_BYTES]) -> &'b [u8] {
    let Some(place) = buffer.get_mut(..word.len()) else { return &[] };
    place.copy_from_slice(word);
    place.make_ascii_uppercase();
    place
}

/// A name without its quotes.
fn bare(name: &[u8]) -> &[u8] {
    match name {
        [b'`', inner @ .., b'`'] | [b'"', inner @ .., b'"'] => inner,
        _ => name,
    }
}

/// A name without the quotes that it does not need.
fn readable(name: &[u8]) -> Cow<'_, str> {
    let is_quote = |byte: &u8| matches!(byte, b'`' | b'"');
    let is_plain = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'-' | b'.') || *byte >= 0x80
    };
    if !name.iter().any(is_quote) || !name.iter().all(|byte| is_plain(byte) || is_quote(byte)) {
        return String::from_utf8_lossy(name);
    }
    let plain: Vec<u8> = name.iter().copied().filter(is_plain).collect();
    Cow::Owned(String::from_utf8_lossy(&plain).into_owned())
}

/// Longer words are names.
const MAX_KEYWORD_BYTES: usize = 20;
/// The conventions' limit for `db.query.summary`.
const MAX_SUMMARY_BYTES: usize = 255;
/// Most summaries are not longer.
const USUAL_SUMMARY_BYTES: usize = 48;
/// The most names of common table expressions that are told from tables.
const MAX_COMMON_TABLES: usize = 16;
