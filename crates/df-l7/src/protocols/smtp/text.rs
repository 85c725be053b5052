//! What may be shown of a line.

use std::borrow::Cow;

use super::wire::Command;
use crate::sql::cut_text;

/// The command's line without what is nobody's business.
pub(super) fn resource(command: &Command<'_>, max_bytes: usize) -> Option<String> {
    let verb = command.verb?;
    let arguments = match verb {
        "AUTH" => {
            let mechanism = command.arguments.split(|&byte| byte == b' ').next().unwrap_or_default();
            let mut shown = cut_text(mechanism, max_bytes);
            if mechanism.len() < command.arguments.len() {
                shown.push_str(" ?");
            }
            shown
        }
        "VRFY" | "EXPN" => "?".to_owned(),
        _ => without_names(command.arguments, max_bytes),
    };
    Some(if arguments.is_empty() { verb.to_owned() } else { format!("{verb} {arguments}") })
}

/// The text with `?` for the local part of every mail address.
pub(super) fn without_names(text: &[u8], max_bytes: usize) -> String {
    let mut shown = Vec::with_capacity(text.len().min(max_bytes));
    for (number, part) in text.split(|&byte| byte == b'@').enumerate() {
        if number > 0 {
            let is_part = |byte: &u8| !matches!(byte, b'<' | b' ' | b':' | b',' | b'>' | b'(' | b'"');
            let local = shown.iter().rev().take_while(|byte| is_part(byte)).count();
            shown.truncate(shown.len().saturating_sub(local));
            shown.extend_from_slice(b"?@");
        }
        shown.extend_from_slice(part);
    }
    cut_text(&shown, max_bytes)
}

/// An enhanced status code (RFC 3463) at the start of a reply's text: `5.1.1`.
pub(super) fn enhanced_code(text: &[u8]) -> Option<Cow<'static, str>> {
    let word = text.split(|&byte| byte == b' ').next()?;
    let mut parts = word.split(|&byte| byte == b'.');
    let is_number = |part: &[u8]| (1..=3).contains(&part.len()) && part.iter().all(u8::is_ascii_digit);
    let is_code = [parts.next(), parts.next(), parts.next()].iter().all(|part| part.is_some_and(is_number));
    (is_code && parts.next().is_none()).then(|| Cow::Owned(String::from_utf8_lossy(word).into_owned()))
}
