//! JA3 and JA3S: what a hello offers or chooses, as the MD5 of a list of numbers.

use super::wire::{ClientHello, ServerHello, extension, numbers, short_vector, vector};
use crate::Cursor;

/// JA3 of a client: `version,ciphers,extensions,groups,point formats`, without the reserved values of RFC 8701.
pub(super) fn ja3(hello: &ClientHello<'_>) -> String {
    let mut text = String::with_capacity(USUAL_BYTES);
    push_number(&mut text, hello.version);
    text.push(',');
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
    let mut is_first = true;
    for value in values.filter(|&value| !is_reserved(value)) {
        if !std::mem::take(&mut is_first) {
            text.push('-');
        }
        push_number(text, value);
    }
}

/// Adds a number in decimal digits. There are a hundred in a hello, too many for formatting.
fn push_number(text: &mut String, value: u16) {
    let first = [10_000, 1_000, 100, 10, 1].into_iter().skip_while(|unit| *unit > value.max(1));
    text.extend(first.filter_map(|unit| char::from_digit(u32::from(value / unit % 10), 10)));
}

/// Whether a value stands for nothing and is sent so that others tolerate what they do not know (RFC 8701 §2).
pub(super) const fn is_reserved(value: u16) -> bool {
    value & 0x0f0f == 0x0a0a && value >> 8 == value & 0xff
}

fn digest(text: &str) -> String {
    let digits = md5::compute(text).0.into_iter().flat_map(|byte| [byte >> 4, byte & 0x0f]);
    let mut written = String::with_capacity(DIGEST_DIGITS);
    written.extend(digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)));
    written
}

/// What most lists take.
const USUAL_BYTES: usize = 256;
const DIGEST_DIGITS: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_digests_are_as_formatting_writes_them() {
        for value in (0..=u16::MAX).step_by(7).chain([9, 10, 99, 100, 999, 1_000, 9_999, 10_000, u16::MAX]) {
            let mut text = String::new();
            push_number(&mut text, value);
            assert_eq!(text, value.to_string());
        }
        assert_eq!(digest("769,47-53,0-10,23,0"), format!("{:x}", md5::compute("769,47-53,0-10,23,0")));
    }
}
