//! Reads JSON as it comes and tells the paths and values of its scalars.

use memchr::memchr2;

/// A reader of JSON documents that keeps no more than the path and the scalar at hand. Names of arrays' elements are those of
/// the array: `{"a":[{"b":1}]}` has `1` at `a.b`.
#[derive(Debug)]
pub(super) struct JsonReader {
    /// How much of a string or word is kept.
    max_text_bytes: usize,
    /// The names that lead to the value at hand, with points between them.
    path: Vec<u8>,
    /// Per open object or array: how long the path was outside, and whether it is an object.
    open: Vec<(usize, bool)>,
    /// How many more are open than are followed.
    too_deep: u32,
    /// The front of the string, name or number at hand.
    text: Vec<u8>,
    string: InString,
    /// The first half of a character that is escaped as two.
    half: Option<u16>,
    expects_name: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum InString {
    #[default]
    No,
    Yes,
    Escaped,
    /// Within the digits behind `\u`: how many there were, and their value.
    Numbered(u8, u16),
}

/// A value that is no object and no array.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scalar<'a> {
    /// A string, cut where it is too long.
    Text(&'a [u8]),
    /// A number, `true`, `false` or `null` as it is written.
    Word(&'a [u8]),
}

impl JsonReader {
    /// A reader that keeps so much of a string or word, but never less than a few words.
    pub(super) fn new(max_text_bytes: usize) -> Self {
        Self {
            max_text_bytes: max_text_bytes.max(MAX_TEXT_BYTES),
            path: Vec::new(),
            open: Vec::new(),
            too_deep: 0,
            text: Vec::new(),
            string: InString::No,
            half: None,
            expects_name: false,
        }
    }

    /// Forgets a document that did not end.
    pub(super) fn reset(&mut self) {
        *self = Self::new(self.max_text_bytes);
    }

    /// Takes the next bytes and gives every scalar with its path. Gives how many documents have ended.
    pub(super) fn handle(&mut self, bytes: &[u8], found: &mut impl FnMut(&[u8], Scalar<'_>)) -> u64 {
        let mut rest = bytes;
        let mut documents = 0;
        while let Some((byte, after)) = rest.split_first() {
            rest = match self.string {
                InString::No => {
                    documents += u64::from(self.handle_outside(*byte, found));
                    after
                }
                InString::Yes => self.handle_string(rest, found),
                InString::Escaped => {
                    self.handle_escaped(*byte);
                    after
                }
                InString::Numbered(count, value) => {
                    self.handle_digit(*byte, count, value);
                    after
                }
            };
        }
        documents
    }

    /// Within a string, whose end is searched for. Gives what follows what was read.
    fn handle_string<'a>(&mut self, bytes: &'a [u8], found: &mut impl FnMut(&[u8], Scalar<'_>)) -> &'a [u8] {
        let len = memchr2(b'"', b'\\', bytes).unwrap_or(bytes.len());
        let (text, rest) = bytes.split_at(len);
        let room = self.max_text_bytes.saturating_sub(self.text.len());
        self.text.extend_from_slice(text.get(..room).unwrap_or(text));
        match rest.split_first() {
            Some((b'\\', rest)) => {
                self.string = InString::Escaped;
                rest
            }
            Some((_, rest)) => {
                self.string = InString::No;
                self.finish_string(found);
                rest
            }
            None => rest,
        }
    }

    fn handle_escaped(&mut self, byte: u8) {
        self.string = InString::Yes;
        match byte {
            b'u' => self.string = InString::Numbered(0, 0),
            b'n' => self.push_text(b'\n'),
            b't' => self.push_text(b'\t'),
            b'r' => self.push_text(b'\r'),
            b'b' | b'f' => self.push_text(b'?'),
            other => self.push_text(other),
        }
    }

    /// One of the four digits of a UTF-16 number.
    fn handle_digit(&mut self, byte: u8, count: u8, value: u16) {
        let digit =
            char::from(byte).to_digit(16).and_then(|digit| u16::try_from(digit).ok()).unwrap_or_default();
        let value = value << 4 | digit;
        if count < 3 {
            self.string = InString::Numbered(count + 1, value);
            return;
        }
        self.string = InString::Yes;
        let half = self.half.take();
        if half.is_none() && (0xd800..0xdc00).contains(&value) {
            self.half = Some(value);
            return;
        }
        for character in char::decode_utf16(half.into_iter().chain([value])) {
            let mut encoded = [0; 4];
            let bytes = character.unwrap_or(char::REPLACEMENT_CHARACTER).encode_utf8(&mut encoded).as_bytes();
            if self.text.len() + bytes.len() <= self.max_text_bytes {
                self.text.extend_from_slice(bytes);
            }
        }
    }

    fn finish_string(&mut self, found: &mut impl FnMut(&[u8], Scalar<'_>)) {
        self.half = None;
        if self.too_deep > 0 {
            self.text.clear();
        } else if self.expects_name {
            let base = self.open.last().map_or(0, |(base, _)| *base);
            self.path.truncate(base);
            if base > 0 {
                self.path.push(b'.');
            }
            let is_long = base + self.text.len() > MAX_PATH_BYTES || self.text.len() >= MAX_TEXT_BYTES;
            self.path.extend_from_slice(if is_long { b"?" } else { &self.text });
            self.text.clear();
        } else {
            found(&self.path, Scalar::Text(&self.text));
            self.text.clear();
        }
    }

    /// Outside of strings. Gives whether a document ends.
    fn handle_outside(&mut self, byte: u8, found: &mut impl FnMut(&[u8], Scalar<'_>)) -> bool {
        match byte {
            b'"' => {
                self.text.clear();
                self.string = InString::Yes;
            }
            b'{' | b'[' => self.enter(byte == b'{'),
            b'}' | b']' => {
                self.finish_word(found);
                return self.leave();
            }
            b':' => self.expects_name = false,
            b',' => {
                self.finish_word(found);
                self.expects_name = self.open.last().is_some_and(|(_, is_object)| *is_object);
            }
            b' ' | b'\t' | b'\r' | b'\n' => self.finish_word(found),
            _ => self.push_text(byte),
        }
        false
    }

    fn enter(&mut self, is_object: bool) {
        if self.too_deep > 0 || self.open.len() >= MAX_DEPTH {
            self.too_deep = self.too_deep.saturating_add(1);
            return;
        }
        self.open.push((self.path.len(), is_object));
        self.expects_name = is_object;
    }

    fn leave(&mut self) -> bool {
        if self.too_deep > 0 {
            self.too_deep -= 1;
            return false;
        }
        let Some((base, _)) = self.open.pop() else { return false };
        self.path.truncate(base);
        self.expects_name = false;
        self.open.is_empty()
    }

    fn finish_word(&mut self, found: &mut impl FnMut(&[u8], Scalar<'_>)) {
        if !self.text.is_empty() && self.too_deep == 0 {
            found(&self.path, Scalar::Word(&self.text));
        }
        self.text.clear();
    }

    fn push_text(&mut self, byte: u8) {
        if self.text.len() < self.max_text_bytes {
            self.text.push(byte);
        }
    }
}

/// How much of a string or word is kept if nobody wants more.
pub(super) const MAX_TEXT_BYTES: usize = 192;
const MAX_PATH_BYTES: usize = 128;
const MAX_DEPTH: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn scalars(document: &str, piece: usize) -> (Vec<String>, u64) {
        let mut reader = JsonReader::new(0);
        let (mut lines, mut documents) = (Vec::new(), 0);
        for bytes in document.as_bytes().chunks(piece) {
            documents += reader.handle(bytes, &mut |path, scalar| {
                let (Scalar::Text(value) | Scalar::Word(value)) = scalar;
                lines.push(format!("{}={}", String::from_utf8_lossy(path), String::from_utf8_lossy(value)));
            });
        }
        (lines, documents)
    }

    #[test]
    fn paths_and_values_however_they_are_cut() {
        let document =
            r#"{"a": {"b\"c": [1, {"d": "x\ny"}], "e": true}, "f": null, "g": "{\"a\":1}"} {"h":2.5}"#;
        let expected = ["a.b\"c=1", "a.b\"c.d=x\ny", "a.e=true", "f=null", "g={\"a\":1}", "h=2.5"];
        for piece in [1, 2, 3, 7, 1_000] {
            assert_eq!(scalars(document, piece), (expected.map(str::to_owned).to_vec(), 2), "{piece}");
        }
    }

    #[test]
    fn characters_may_be_numbered() {
        let document = r#"{"a":"\u00e9 \ud83d\ude00 \ud83d \u0041"}"#;
        for piece in [1, 5, 100] {
            assert_eq!(scalars(document, piece).0, ["a=\u{e9} \u{1f600}  \u{fffd}A"]);
        }
    }

    #[test]
    fn depth_and_length_are_bounded() {
        let deep = format!("{}\"x\"{}", "{\"a\":".repeat(1_000), "}".repeat(1_000));
        assert_eq!(scalars(&deep, 64).1, 1);
        let long = format!("{{\"{}\":\"{}\"}}", "n".repeat(10_000), "v".repeat(10_000));
        let (lines, _) = scalars(&long, 64);
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0], format!("?={}", "v".repeat(MAX_TEXT_BYTES)));
    }
}
