//! Splits SQL text into tokens, in linear time and whatever the text holds.

use memchr::{memchr, memchr2, memmem};

use super::Dialect;

/// A token: bytes `start..end` of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Space,
    Comment,
    /// Data: a string, number, hexadecimal or bit literal, or anything quoted that the text's end cuts.
    Literal,
    /// A keyword or a name without quotes.
    Word,
    QuotedName,
    Dot,
    Comma,
    Semicolon,
    Open,
    Close,
    Other,
}

/// The tokens of a text. Together they cover it without gap.
pub(super) struct Lexer<'a> {
    sql: &'a [u8],
    position: usize,
    dialect: Dialect,
    is_in_executable_comment: bool,
}

impl<'a> Lexer<'a> {
    pub(super) const fn new(sql: &'a [u8], dialect: Dialect) -> Self {
        Self { sql, position: 0, dialect, is_in_executable_comment: false }
    }

    #[inline]
    fn kind(&mut self, first: u8) -> Kind {
        let is_mysql = self.dialect.is_mysql();
        match first {
            _ if is_word_byte(first) && first != b'$' => {
                if first.is_ascii_digit() {
                    return self.number();
                }
                self.word()
            }
            _ if is_space(first) => self.run(Kind::Space, is_space),
            b'\'' => self.quoted(b'\'', self.dialect.has_backslash_escapes(), Kind::Literal),
            b'"' if is_mysql => self.quoted(b'"', self.dialect.has_backslash_escapes(), Kind::Literal),
            b'"' => self.quoted(b'"', false, Kind::QuotedName),
            b'`' if is_mysql => self.quoted(b'`', false, Kind::QuotedName),
            b'-' if self.starts_dash_comment() => self.line_comment(),
            b'#' if is_mysql => self.line_comment(),
            b'/' if self.byte(1) == Some(b'*') => self.slash_comment(),
            b'*' if self.is_in_executable_comment && self.byte(1) == Some(b'/') => {
                self.is_in_executable_comment = false;
                self.symbol(2, Kind::Other)
            }
            b'.' if self.byte(1).is_some_and(|byte| byte.is_ascii_digit()) && !self.is_after_name() => {
                self.number()
            }
            b'$' => self.dollar(),
            b'.' => self.symbol(1, Kind::Dot),
            b',' => self.symbol(1, Kind::Comma),
            b';' => self.symbol(1, Kind::Semicolon),
            b'(' => self.symbol(1, Kind::Open),
            b')' => self.symbol(1, Kind::Close),
            _ => self.symbol(1, Kind::Other),
        }
    }

    fn symbol(&mut self, len: usize, kind: Kind) -> Kind {
        self.position += len;
        kind
    }

    /// Consumes at least one byte, and more while they belong.
    fn run(&mut self, kind: Kind, belongs: impl Fn(u8) -> bool) -> Kind {
        let rest = self.sql.get(self.position + 1..).unwrap_or_default();
        let len = rest.iter().position(|byte| !belongs(*byte)).unwrap_or(rest.len());
        self.position += 1 + len;
        kind
    }

    /// A word, or a string whose prefix it is: `N''`, `E''`, `B''`, `X''`, `U&''`.
    fn word(&mut self) -> Kind {
        let start = self.position;
        self.run(Kind::Word, is_word_byte);
        let prefix = match self.sql.get(start..self.position) {
            Some([prefix]) => prefix.to_ascii_uppercase(),
            _ => return Kind::Word,
        };
        if prefix == b'U'
            && !self.dialect.is_mysql()
            && self.byte(0) == Some(b'&')
            && self.byte(1) == Some(b'\'')
        {
            self.position += 1;
            return self.quoted(b'\'', false, Kind::Literal);
        }
        let Some(quote @ (b'\'' | b'"')) = self.byte(0) else { return Kind::Word };
        if quote == b'"' && !self.dialect.is_mysql() {
            return Kind::Word;
        }
        match prefix {
            b'E' if !self.dialect.is_mysql() => self.quoted(quote, true, Kind::Literal),
            b'N' => self.quoted(quote, self.dialect.has_backslash_escapes(), Kind::Literal),
            b'B' | b'X' => self.quoted(quote, false, Kind::Literal),
            _ => Kind::Word,
        }
    }

    /// Also takes what looks like a number and is none (`1abc`): rather hidden than shown.
    fn number(&mut self) -> Kind {
        self.position += 1;
        while let Some(byte) = self.byte(0) {
            let is_exponent_sign = matches!(byte, b'+' | b'-')
                && self
                    .position
                    .checked_sub(1)
                    .and_then(|last| self.sql.get(last))
                    .is_some_and(|last| last | 0x20 == b'e')
                && self.byte(1).is_some_and(|byte| byte.is_ascii_digit());
            let belongs = is_word_byte(byte) || byte == b'.' || is_exponent_sign;
            if !belongs || (byte == b'$' && self.starts_dollar_quote()) {
                break;
            }
            self.position += 1;
        }
        Kind::Literal
    }

    /// From an opening quote to its closing one; doubled quotes stand for themselves. Without an end it is data.
    fn quoted(&mut self, quote: u8, has_escapes: bool, kind: Kind) -> Kind {
        self.position += 1;
        loop {
            let rest = self.rest();
            let found = if has_escapes { memchr2(quote, b'\\', rest) } else { memchr(quote, rest) };
            let Some(found) = found else {
                self.position = self.sql.len();
                return Kind::Literal;
            };
            self.position += found;
            if self.byte(0) == Some(b'\\') && has_escapes || self.byte(1) == Some(quote) {
                self.position = self.sql.len().min(self.position + 2);
                continue;
            }
            self.position += 1;
            return kind;
        }
    }

    /// A string between `$tag$`, a parameter `$1` or a word.
    fn dollar(&mut self) -> Kind {
        let start = self.position;
        self.run(Kind::Word, |byte| is_word_byte(byte) && byte != b'$');
        let is_parameter = self.sql.get(start + 1).is_some_and(u8::is_ascii_digit);
        if is_parameter || self.byte(0) != Some(b'$') {
            return Kind::Word;
        }
        self.position += 1;
        let tag = self.sql.get(start..self.position).unwrap_or_default();
        let end = memmem::find(self.rest(), tag).map(|found| self.position + found + tag.len());
        self.position = end.unwrap_or(self.sql.len());
        Kind::Literal
    }

    /// Whether `$tag$` follows. PostgreSQL before 15 reads `1$$a b$$` as a number and a string.
    fn starts_dollar_quote(&self) -> bool {
        let tag = self.sql.get(self.position + 1..).unwrap_or_default();
        let end = tag.iter().position(|&byte| byte == b'$' || !is_word_byte(byte));
        !self.dialect.is_mysql()
            && !tag.first().is_some_and(u8::is_ascii_digit)
            && end.and_then(|end| tag.get(end)) == Some(&b'$')
    }

    /// MySQL wants white space or a control character behind the dashes: `5--1` is a subtraction there.
    fn starts_dash_comment(&self) -> bool {
        self.byte(1) == Some(b'-') && (!self.dialect.is_mysql() || self.byte(2).is_none_or(is_space))
    }

    fn line_comment(&mut self) -> Kind {
        let end = memchr(b'\n', self.rest());
        self.position = end.map_or(self.sql.len(), |found| self.position + found);
        Kind::Comment
    }

    fn slash_comment(&mut self) -> Kind {
        if self.dialect.is_mysql() {
            let opener_len = match (self.byte(2), self.byte(3)) {
                (Some(b'!'), _) => 3,
                (Some(b'M'), Some(b'!')) => 4,
                _ => return self.block_comment(),
            };
            self.is_in_executable_comment = true;
            self.position += opener_len - 1;
            return self.run(Kind::Other, |byte| byte.is_ascii_digit());
        }
        self.block_comment()
    }

    fn block_comment(&mut self) -> Kind {
        self.position += 2;
        let mut depth = 1_usize;
        while let Some(found) = memchr2(b'*', b'/', self.rest()) {
            self.position += found;
            match (self.byte(0), self.byte(1)) {
                (Some(b'*'), Some(b'/')) => depth -= 1,
                (Some(b'/'), Some(b'*')) if !self.dialect.is_mysql() => depth += 1,
                _ => {
                    self.position += 1;
                    continue;
                }
            }
            self.position += 2;
            if depth == 0 {
                return Kind::Comment;
            }
        }
        self.position = self.sql.len();
        Kind::Comment
    }

    fn is_after_name(&self) -> bool {
        let last = self.position.checked_sub(1).and_then(|last| self.sql.get(last));
        last.is_some_and(|&byte| is_word_byte(byte) || matches!(byte, b'`' | b'"'))
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.sql.get(self.position + ahead).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.sql.get(self.position..).unwrap_or_default()
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    #[inline]
    fn next(&mut self) -> Option<Token> {
        let start = self.position;
        let first = self.byte(0)?;
        let kind = self.kind(first);
        Some(Token { kind, start, end: self.position })
    }
}

impl Dialect {
    const fn is_mysql(self) -> bool {
        matches!(self, Self::Mysql | Self::MysqlPlainBackslash)
    }

    const fn has_backslash_escapes(self) -> bool {
        matches!(self, Self::Mysql | Self::PostgresqlBackslash)
    }
}

/// White space, and the control characters that servers treat alike or refuse.
const fn is_space(byte: u8) -> bool {
    byte <= b' ' || byte == 0x7f
}

/// Letters, digits, `_`, `$` and everything outside ASCII.
#[allow(clippy::indexing_slicing, reason = "a byte is always less than 256")]
fn is_word_byte(byte: u8) -> bool {
    WORD_BYTES[byte as usize]
}

static WORD_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < table.len() {
        #[allow(clippy::cast_possible_truncation, reason = "the table's length is 256")]
        let character = byte as u8;
        table[byte] = character.is_ascii_alphanumeric() || matches!(character, b'_' | b'$' | 0x80..);
        byte += 1;
    }
    table
};
