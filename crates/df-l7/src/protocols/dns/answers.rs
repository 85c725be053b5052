//! The answers of a response in the short form that records show.

use std::fmt::{self, Write as _};
use std::net::Ipv6Addr;

use super::name::Name;
use super::registry::{
    TYPE_A, TYPE_AAAA, TYPE_CNAME, TYPE_DNAME, TYPE_HTTPS, TYPE_MX, TYPE_NS, TYPE_OPT, TYPE_PTR, TYPE_SOA,
    TYPE_SRV, TYPE_SVCB, TYPE_TXT,
};
use super::wire::{Header, Record, Sections};
use crate::Cursor;

/// What the records of a response say.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// All answers that have a short form, joined by commas.
    pub(super) text: String,
    /// The addresses among them.
    pub(super) addresses: Vec<String>,
    /// The upper bits of the response code (RFC 6891 §6.1.3).
    pub(super) extended_code: u16,
}

impl Answers {
    /// Reads the records behind the questions. Stops where they are cut or malformed.
    pub(super) fn read(header: &Header, mut sections: Sections<'_>, max_bytes: usize) -> Self {
        let mut answers = Self::default();
        for _ in 0..header.answers {
            let Some(record) = sections.record() else { return answers };
            answers.add(&record, max_bytes);
        }
        for _ in 0..header.other_records() {
            let Some(record) = sections.record() else { return answers };
            if record.kind == TYPE_OPT {
                // The time to live of an OPT record is extended code, version and flags.
                let [extended_code, ..] = record.ttl.to_be_bytes();
                answers.extended_code = u16::from(extended_code);
            }
        }
        answers
    }

    fn add(&mut self, record: &Record<'_>, max_bytes: usize) {
        if self.text.len() >= max_bytes {
            return;
        }
        let kept = self.text.len();
        if kept == 0 {
            self.text.reserve(USUAL_ANSWER_BYTES);
        } else {
            self.text.push(',');
        }
        let start = self.text.len();
        let is_shown = write_data(&mut self.text, record).is_some();
        if !is_shown || self.text.len() == start || self.text.len() > max_bytes {
            self.text.truncate(kept);
            return;
        }
        if matches!(record.kind, TYPE_A | TYPE_AAAA) {
            self.addresses.extend(self.text.get(start..).map(str::to_owned));
        }
    }
}

/// Appends a record's data. None if it has no short form or is malformed; what was appended is then of no use.
fn write_data(out: &mut String, record: &Record<'_>) -> Option<()> {
    let mut cursor = Cursor::new(record.data());
    match record.kind {
        TYPE_A => {
            append_ipv4(out, cursor.array()?);
            Some(())
        }
        TYPE_AAAA => append(out, format_args!("{}", Ipv6Addr::from(cursor.array::<16>()?))),
        TYPE_CNAME | TYPE_NS | TYPE_PTR | TYPE_DNAME | TYPE_SOA => append_name(out, record.name_in_data(0)?),
        // Preference or priority, then a name.
        TYPE_MX | TYPE_SVCB | TYPE_HTTPS => {
            append(out, format_args!("{} ", cursor.u16_be()?))?;
            append_name(out, record.name_in_data(cursor.position())?)
        }
        TYPE_SRV => {
            let (priority, weight, port) = (cursor.u16_be()?, cursor.u16_be()?, cursor.u16_be()?);
            append(out, format_args!("{priority} {weight} {port} "))?;
            append_name(out, record.name_in_data(cursor.position())?)
        }
        TYPE_TXT => {
            while let Some(len) = cursor.u8() {
                append_text(out, cursor.take(usize::from(len))?);
            }
            Some(())
        }
        _ => None,
    }
}

/// The commonest record by far, without the machinery of formatting.
fn append_ipv4(out: &mut String, address: [u8; 4]) {
    for (place, byte) in address.into_iter().enumerate() {
        if place > 0 {
            out.push('.');
        }
        if byte >= 100 {
            out.push(char::from(b'0' + byte / 100));
        }
        if byte >= 10 {
            out.push(char::from(b'0' + byte / 10 % 10));
        }
        out.push(char::from(b'0' + byte % 10));
    }
}

/// Text without its control characters; most has none.
fn append_text(out: &mut String, bytes: &[u8]) {
    // Without stopping at the first byte that is not plain: so many of them are looked at together.
    let is_plain = bytes.iter().fold(true, |is_plain, byte| is_plain & matches!(byte, 0x20..=0x7e));
    match std::str::from_utf8(bytes) {
        Ok(text) if is_plain => out.push_str(text),
        _ => {
            let text = String::from_utf8_lossy(bytes);
            out.extend(text.chars().filter(|character| !character.is_control()));
        }
    }
}

fn append(out: &mut String, arguments: fmt::Arguments<'_>) -> Option<()> {
    out.write_fmt(arguments).ok()
}

fn append_name(out: &mut String, name: Name<'_>) -> Option<()> {
    name.append_to(out)
}

/// What two addresses take.
const USUAL_ANSWER_BYTES: usize = 32;
