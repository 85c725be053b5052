//! JA3 and JA3S: what a hello offers or chooses, as the MD5 of a list of numbers.

use std::fmt::Write;

use super::wire::{ClientHello, ServerHello, extension, numbers, short_vector, vector};
use crate::Cursor;

/// JA3 of a client: `version,ciphers,extensions,groups,point formats`, without the reserved values of RFC 8701.
pub(super) fn ja3(hello: &ClientHello<'_>) -> String {
    let mut text = format!("{},", hello.version);
    join(&mut text, numbers(hello.ciphers));
    text.push(',');
    join(&mut text, hello.extensions.clone().map(|(kind, _)| kind));
    text.push(',');
    let groups = hello.extensions.content_of(extension::SUPPORTED_GROUPS).unwrap_or_default();
    join(&mut text, numbers(vector(&mut Cursor::new(groups)).unwrap_or_default()));
    text.push(',');
    let formats = hello.extensions.content_of(extension::POINT_FORMATS).unwrap_or_default();
    let formats = short_vector(&mut Cursor::new(formats)).unwrap_or_default();
    join(&mut text, formats.iter().map(|&format| u16::from(format)));
    digest(&text)
}

/// JA3S of a server: `version,cipher,extensions`.
pub(super) fn ja3s(hello: &ServerHello<'_>) -> String {
    let mut text = format!("{},{},", hello.version, hello.cipher);
    join(&mut text, hello.extensions.clone().map(|(kind, _)| kind));
    digest(&text)
}

fn join(text: &mut String, values: impl Iterator<Item = u16>) {
    let mut separator = "";
    for value in values.filter(|&value| !is_reserved(value)) {
        // Writing to a string cannot fail.
        let _ = write!(text, "{separator}{value}");
        separator = "-";
    }
}

/// Whether a value stands for nothing and is sent so that others tolerate what they do not know (RFC 8701 §2).
pub(super) const fn is_reserved(value: u16) -> bool {
    value & 0x0f0f == 0x0a0a && value >> 8 == value & 0xff
}

fn digest(text: &str) -> String {
    format!("{:x}", md5::compute(text))
}
