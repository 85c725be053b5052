//! Search filters as text (RFC 4515), without the values that are looked for.

use crate::ber::{Element, Elements};

/// The filter with `?` for every value: `(&(objectClass=?)(cn=?*))`.
pub(super) fn text(filter: &Element<'_>, max_bytes: usize) -> String {
    let mut text = String::new();
    write(&mut text, filter, (0, max_bytes));
    let end = (0..=max_bytes.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    text.truncate(end.unwrap_or_default());
    text
}

fn write(text: &mut String, filter: &Element<'_>, (depth, max_bytes): (u8, usize)) {
    if depth > MAX_DEPTH || text.len() >= max_bytes {
        return;
    }
    text.push('(');
    match filter.tag {
        0xa0..=0xa2 => {
            text.push(match filter.tag {
                0xa0 => '&',
                0xa1 => '|',
                _ => '!',
            });
            for part in Elements::new(filter.content) {
                write(text, &part, (depth.saturating_add(1), max_bytes));
            }
        }
        0x87 => {
            attribute(text, filter.content);
            text.push_str("=*");
        }
        0xa3..=0xa6 | 0xa8 => {
            let name = Elements::new(filter.content).next().map(|name| name.content);
            attribute(text, name.unwrap_or_default());
            text.push_str(match filter.tag {
                0xa4 => "=?*",
                0xa5 => ">=?",
                0xa6 => "<=?",
                0xa8 => "~=?",
                _ => "=?",
            });
        }
        _ => text.push('?'),
    }
    text.push(')');
}

/// The name of an attribute, which has no other characters than these.
fn attribute(text: &mut String, name: &[u8]) {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b';' | b'_');
    text.extend(
        name.iter().take_while(|byte| is_name(byte)).take(MAX_NAME_BYTES).map(|&byte| char::from(byte)),
    );
}

/// How deep filters may be nested.
const MAX_DEPTH: u8 = 16;
const MAX_NAME_BYTES: usize = 64;
