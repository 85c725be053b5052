//! Reads frames and their headers.
//!
//! ```text
//! +--------------+-----------------------------------+--------+------+
//! | length (u32) | form (u8), header's length (u24)  | header | body |
//! +--------------+-----------------------------------+--------+------+
//! binary header: code 2, language 1, version 2, opaque 4, flag 4, remark 4 + n, fields 4 + (name 2 + n, value 4 + n)*
//! ```

use std::borrow::Cow;

use crate::Cursor;

use super::json;

/// The bytes of the length in front of every frame.
pub(super) const LENGTH_BYTES: usize = 4;
/// The lengths of frame and header.
pub(super) const PREFIX_BYTES: usize = 8;
/// Brokers take frames of 16 MiB (`com.rocketmq.remoting.frameMaxLength`).
const MAX_FRAME_BYTES: usize = 16 * 1024 * 1024;
/// How many fields of a header are looked at.
const MAX_FIELDS: usize = 64;

/// How long the frame at the start of `bytes` is with its length; none if there is no plausible length.
pub(super) fn frame_bytes(bytes: &[u8]) -> Option<usize> {
    let length = usize::try_from(Cursor::new(bytes).u32_be()?).ok()?;
    (LENGTH_BYTES..=MAX_FRAME_BYTES).contains(&length).then(|| length.saturating_add(LENGTH_BYTES))
}

/// Header and body of a frame, as far as they are there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame<'a> {
    pub(super) is_binary: bool,
    pub(super) header: &'a [u8],
    pub(super) header_len: usize,
    pub(super) body: &'a [u8],
}

impl<'a> Frame<'a> {
    /// The frame at the start of `bytes`, which may be cut. None if it is cut before the header or is no such frame.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let frame_bytes = frame_bytes(bytes)?;
        let mut cursor = Cursor::new(bytes.get(..frame_bytes).unwrap_or(bytes));
        cursor.take(LENGTH_BYTES)?;
        let form = cursor.u8()?;
        let [high, middle, low] = cursor.array()?;
        let header_len = usize::try_from(u32::from_be_bytes([0, high, middle, low])).ok()?;
        if form > 1 || header_len > frame_bytes.saturating_sub(PREFIX_BYTES) {
            return None;
        }
        let rest = cursor.rest();
        let header = rest.get(..header_len).unwrap_or(rest);
        let body = rest.get(header_len..).unwrap_or_default();
        Some(Self { is_binary: form == 1, header, header_len, body })
    }
}

/// What a header says.
#[derive(Debug, Default)]
pub(super) struct Header<'a> {
    pub(super) code: i32,
    pub(super) version: i32,
    pub(super) opaque: u32,
    pub(super) flag: u32,
    pub(super) remark: Option<Cow<'a, str>>,
    fields: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Header<'a> {
    /// Reads a header; none if it is cut before what must be there.
    pub(super) fn parse(frame: &Frame<'a>) -> Option<Self> {
        if frame.is_binary { Self::parse_binary(frame) } else { Self::parse_json(frame.header) }
    }

    /// Whether it answers a request.
    pub(super) const fn is_response(&self) -> bool {
        self.flag & 1 != 0
    }

    /// Whether it wants no answer.
    pub(super) const fn is_one_way(&self) -> bool {
        self.flag & 2 != 0
    }

    /// The value of the first of these names that is there and not empty.
    pub(super) fn find(&self, names: &[&str]) -> Option<&str> {
        let value = |name: &&str| self.fields.iter().find(|(known, _)| known == *name);
        names.iter().find_map(value).map(|(_, value)| value.as_ref()).filter(|value| !value.is_empty())
    }

    fn parse_json(bytes: &'a [u8]) -> Option<Self> {
        let mut header = Self::default();
        let (mut code, mut opaque, mut flag) = (None, None, None);
        let mut visit = |member: json::Member<'a>| {
            if member.is_extra {
                header.insert(member.name, member.value);
                return;
            }
            match member.name.as_ref() {
                "code" => code = member.value.parse().ok(),
                "opaque" => opaque = member.value.parse::<i32>().ok(),
                "flag" => flag = member.value.parse().ok(),
                "version" => header.version = member.value.parse().unwrap_or_default(),
                "remark" if member.value != "null" => header.remark = Some(member.value),
                _ => {}
            }
        };
        // What is there of a cut header may be enough.
        let _ = json::members(bytes, &mut visit);
        (header.code, header.opaque, header.flag) = (code?, opaque?.cast_unsigned(), flag?);
        Some(header)
    }

    fn parse_binary(frame: &Frame<'a>) -> Option<Self> {
        let mut cursor = Cursor::new(frame.header);
        let code = i32::from(cursor.u16_be()?.cast_signed());
        cursor.u8()?;
        let version = i32::from(cursor.u16_be()?.cast_signed());
        let (opaque, flag) = (cursor.u32_be()?, cursor.u32_be()?);
        let mut header = Self { code, version, opaque, flag, ..Self::default() };
        let remark_len = usize::try_from(cursor.u32_be()?).ok()?;
        let fields_at = BINARY_BYTES.checked_add(remark_len).filter(|end| *end <= frame.header_len)?;
        header.remark = cursor.take(remark_len).and_then(text).filter(|remark| !remark.is_empty());
        let fields_len = cursor.u32_be().and_then(|len| usize::try_from(len).ok());
        if fields_len.is_some_and(|len| fields_at.checked_add(len) != Some(frame.header_len)) {
            return None;
        }
        while let Some((name, value)) = pair(&mut cursor) {
            header.insert(name, value);
        }
        Some(header)
    }

    fn insert(&mut self, name: Cow<'a, str>, value: Cow<'a, str>) {
        if self.fields.len() < MAX_FIELDS {
            self.fields.push((name, value));
        }
    }
}

fn pair<'a>(cursor: &mut Cursor<'a>) -> Option<(Cow<'a, str>, Cow<'a, str>)> {
    let len = usize::from(cursor.u16_be()?);
    let name = text(cursor.take(len)?)?;
    let len = usize::try_from(cursor.u32_be()?).ok()?;
    Some((name, text(cursor.take(len)?)?))
}

fn text(bytes: &[u8]) -> Option<Cow<'_, str>> {
    std::str::from_utf8(bytes).ok().map(Cow::Borrowed)
}

/// Pairs of a name and a value in one text: the name ends with 1, the value with 2.
pub(super) fn properties(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split('\u{2}').filter_map(|pair| pair.split_once('\u{1}'))
}

/// A binary header without remark and fields.
const BINARY_BYTES: usize = 21;
