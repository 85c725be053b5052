//! Reads the JSON of a header: one object with numbers and texts, and one object of texts in it.

use std::borrow::Cow;

use crate::Cursor;

/// A member of the header, or of its `extFields`.
#[derive(Debug)]
pub(super) struct Member<'a> {
    pub(super) is_extra: bool,
    pub(super) name: Cow<'a, str>,
    /// The text, or the number or word as it is written.
    pub(super) value: Cow<'a, str>,
}

/// Shows the members of the object at the start of `bytes`, as far as they are there. None if it is cut or is no JSON.
pub(super) fn members<'a>(bytes: &'a [u8], visit: &mut dyn FnMut(Member<'a>)) -> Option<()> {
    object(&mut Cursor::new(bytes), Place::Top, visit)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Top,
    Extra,
    Elsewhere(u8),
}

enum Value<'a> {
    /// A text or a word.
    Single(Cow<'a, str>),
    Composed,
}

fn object<'a>(cursor: &mut Cursor<'a>, place: Place, visit: &mut dyn FnMut(Member<'a>)) -> Option<()> {
    expect(cursor, b'{')?;
    if peek(cursor)? == b'}' {
        return expect(cursor, b'}');
    }
    loop {
        let name = text(cursor)?;
        expect(cursor, b':')?;
        let inner = match place {
            Place::Top if name == "extFields" => Place::Extra,
            Place::Top | Place::Extra => Place::Elsewhere(0),
            Place::Elsewhere(depth) => Place::Elsewhere(depth.checked_add(1).filter(|depth| *depth < 8)?),
        };
        let value = value(cursor, inner, visit)?;
        if let (Value::Single(value), Place::Top | Place::Extra) = (value, place) {
            visit(Member { is_extra: place == Place::Extra, name, value });
        }
        match next(cursor)? {
            b',' => {}
            b'}' => return Some(()),
            _ => return None,
        }
    }
}

fn value<'a>(cursor: &mut Cursor<'a>, place: Place, visit: &mut dyn FnMut(Member<'a>)) -> Option<Value<'a>> {
    match peek(cursor)? {
        b'"' => text(cursor).map(Value::Single),
        b'{' => object(cursor, place, visit).map(|()| Value::Composed),
        b'[' => list(cursor, place, visit).map(|()| Value::Composed),
        _ => word(cursor).map(Value::Single),
    }
}

fn list<'a>(cursor: &mut Cursor<'a>, place: Place, visit: &mut dyn FnMut(Member<'a>)) -> Option<()> {
    let place = match place {
        Place::Elsewhere(depth) => Place::Elsewhere(depth.checked_add(1).filter(|depth| *depth < 8)?),
        _ => Place::Elsewhere(0),
    };
    expect(cursor, b'[')?;
    if peek(cursor)? == b']' {
        return expect(cursor, b']');
    }
    loop {
        value(cursor, place, visit)?;
        match next(cursor)? {
            b',' => {}
            b']' => return Some(()),
            _ => return None,
        }
    }
}

/// A number, `true`, `false` or `null`.
fn word<'a>(cursor: &mut Cursor<'a>) -> Option<Cow<'a, str>> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
    let len = cursor.rest().iter().position(|byte| !is_part(byte))?;
    let word = cursor.take(len).filter(|word| !word.is_empty())?;
    std::str::from_utf8(word).ok().map(Cow::Borrowed)
}

fn text<'a>(cursor: &mut Cursor<'a>) -> Option<Cow<'a, str>> {
    expect(cursor, b'"')?;
    let rest = cursor.rest();
    let end = memchr::memchr2(b'"', b'\\', rest)?;
    if rest.get(end) == Some(&b'"') {
        let plain = cursor.take(end)?;
        cursor.u8()?;
        return std::str::from_utf8(plain).ok().map(Cow::Borrowed);
    }
    escaped(cursor).map(Cow::Owned)
}

fn escaped(cursor: &mut Cursor<'_>) -> Option<String> {
    let mut decoded = Vec::new();
    loop {
        let len = memchr::memchr2(b'"', b'\\', cursor.rest())?;
        decoded.extend_from_slice(cursor.take(len)?);
        if cursor.u8()? == b'"' {
            return String::from_utf8(decoded).ok();
        }
        let character = match cursor.u8()? {
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'u' => unicode(cursor)?,
            other => char::from(other),
        };
        decoded.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

/// Four hexadecimal digits; halves of surrogate pairs are not joined.
fn unicode(cursor: &mut Cursor<'_>) -> Option<char> {
    let digits = std::str::from_utf8(cursor.take(4)?).ok()?;
    let code = u32::from_str_radix(digits, 16).ok()?;
    Some(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
}

fn peek(cursor: &mut Cursor<'_>) -> Option<u8> {
    let blanks = cursor.rest().iter().position(|byte| !byte.is_ascii_whitespace())?;
    cursor.take(blanks)?;
    cursor.rest().first().copied()
}

fn next(cursor: &mut Cursor<'_>) -> Option<u8> {
    peek(cursor)?;
    cursor.u8()
}

fn expect(cursor: &mut Cursor<'_>, wanted: u8) -> Option<()> {
    (next(cursor)? == wanted).then_some(())
}
