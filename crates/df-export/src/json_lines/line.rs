//! One line written field by field: for records of so many fields that a general serializer's care for each key would cost.

use serde::Serialize;

/// A line in the making. Its keys are written as they are given: names that JSON need not escape, each once.
pub(super) struct Line<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
    is_whole: bool,
}

impl<'a> Line<'a> {
    /// A line for a record of this kind.
    pub(super) fn begin(out: &'a mut Vec<u8>, kind: &'static str) -> Self {
        let start = out.len();
        out.extend_from_slice(b"{\"kind\":\"");
        out.extend_from_slice(kind.as_bytes());
        out.push(b'"');
        Self { out, start, is_whole: true }
    }

    /// Adds a field. Its key comes with the comma before it and the colon behind it: see [`fields`].
    #[inline]
    pub(super) fn field(&mut self, key: &'static str, value: &impl Serialize) {
        self.out.extend_from_slice(key.as_bytes());
        self.is_whole &= serde_json::to_writer(&mut *self.out, value).is_ok();
    }

    /// Ends the line. As [`write_line`](super::write_line) it leaves none that is incomplete.
    pub(super) fn end(self) {
        debug_assert!(self.is_whole, "a record that JSON cannot express");
        if self.is_whole {
            self.out.extend_from_slice(b"}\n");
        } else {
            self.out.truncate(self.start);
        }
    }
}

/// Adds fields to a line, each by its name.
macro_rules! fields {
    ($line:expr, $($name:literal: $value:expr),+ $(,)?) => {
        $($line.field(concat!(",\"", $name, "\":"), &$value);)+
    };
}

/// The same for values that may be unknown: those are left out.
macro_rules! known_fields {
    ($line:expr, $($name:literal: $value:expr),+ $(,)?) => {
        $(if let Some(value) = $value {
            $line.field(concat!(",\"", $name, "\":"), &value);
        })+
    };
}

pub(super) use {fields, known_fields};
