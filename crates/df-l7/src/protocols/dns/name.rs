//! Domain names as they are on the wire (RFC 1035 §4.1.4), with compression.

/// A domain name somewhere in a message. It is read only when it is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name<'a> {
    message: &'a [u8],
    start: usize,
}

/// One step of a name.
enum Step<'a> {
    Label(&'a [u8]),
    /// The name goes on at another place of the message.
    Pointer(usize),
    End,
}

impl<'a> Name<'a> {
    /// The name at `start` of `message`, and where what follows it begins. None if it is cut or malformed.
    pub(super) fn read(message: &'a [u8], start: usize) -> Option<(Self, usize)> {
        let (mut position, mut len) = (start, 0_usize);
        loop {
            let (step, next) = step(message, position)?;
            position = next;
            match step {
                Step::End | Step::Pointer(_) => return Some((Self { message, start }, position)),
                Step::Label(label) => len += label.len() + 1,
            }
            if len >= MAX_NAME_BYTES {
                return None;
            }
        }
    }

    /// Calls `visit` with each label. None if the name is malformed: a pointer that does not lead backwards, or more
    /// than 255 bytes.
    fn visit_labels(&self, mut visit: impl FnMut(&[u8])) -> Option<()> {
        // Every pointer must lead before the part of the name that it ends, so there is an end to following them.
        let (mut position, mut part_start, mut len) = (self.start, self.start, 0_usize);
        loop {
            let (step, next) = step(self.message, position)?;
            match step {
                Step::End => return Some(()),
                Step::Label(label) => {
                    len += label.len() + 1;
                    if len >= MAX_NAME_BYTES {
                        return None;
                    }
                    visit(label);
                    position = next;
                }
                Step::Pointer(target) if target < part_start => {
                    position = target;
                    part_start = target;
                }
                Step::Pointer(_) => return None,
            }
        }
    }

    /// The name as text without the final dot; `.` for the root. None if it is malformed.
    pub(super) fn text(&self) -> Option<String> {
        let mut text = String::with_capacity(USUAL_NAME_BYTES);
        self.append_to(&mut text)?;
        Some(text)
    }

    /// Appends the name as [`text`](Self::text) gives it. If it is malformed, what was appended is of no use.
    pub(super) fn append_to(&self, text: &mut String) -> Option<()> {
        let start = text.len();
        self.visit_labels(|label| {
            if text.len() > start {
                text.push('.');
            }
            push_label(text, label);
        })?;
        if text.len() == start {
            text.push('.');
        }
        Some(())
    }

    /// Whether this is a NetBIOS name (RFC 1001 §14.1): sixteen bytes written as 32 letters from A to P. Damage to some
    /// of them makes it no domain name.
    pub(super) fn is_netbios(&self) -> bool {
        let Some((Step::Label(label), _)) = step(self.message, self.start) else {
            return false;
        };
        let letters = label.iter().filter(|byte| (b'A'..=b'P').contains(byte)).count();
        label.len() == NETBIOS_LABEL_BYTES && letters >= NETBIOS_LABEL_BYTES - MAX_DAMAGED_LETTERS
    }
}

fn step(message: &[u8], position: usize) -> Option<(Step<'_>, usize)> {
    let rest = message.get(position..)?;
    let (&length, rest) = rest.split_first()?;
    match length {
        0 => Some((Step::End, position + 1)),
        1..=63 => Some((Step::Label(rest.get(..usize::from(length))?), position + 1 + usize::from(length))),
        192..=255 => {
            let target = usize::from(length & 0x3f) << 8 | usize::from(*rest.first()?);
            Some((Step::Pointer(target), position + 2))
        }
        // The other two kinds of label were never used (RFC 6891 §5).
        64..=191 => None,
    }
}

/// Appends a label as zone files write it (RFC 1035 §5.1) and the OpenTelemetry conventions ask, but leaves UTF-8 as it
/// is: service names hold it. As in all text, what is not UTF-8 becomes the replacement character.
fn push_label(text: &mut String, label: &[u8]) {
    let is_simple = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    match std::str::from_utf8(label) {
        Ok(label) if label.bytes().all(|byte| is_simple(&byte)) => text.push_str(label),
        _ => String::from_utf8_lossy(label).chars().for_each(|character| push_character(text, character)),
    }
}

fn push_character(text: &mut String, character: char) {
    match character {
        '.' | '\\' => text.extend(['\\', character]),
        '\t' => text.push_str("\\t"),
        '\r' => text.push_str("\\r"),
        '\n' => text.push_str("\\n"),
        control if control.is_control() => {
            let mut buffer = [0; 4];
            control.encode_utf8(&mut buffer).bytes().for_each(|byte| push_escaped(text, byte));
        }
        character => text.push(character),
    }
}

fn push_escaped(text: &mut String, byte: u8) {
    text.push('\\');
    for divisor in [100, 10, 1] {
        text.push(char::from(b'0' + byte / divisor % 10));
    }
}

/// RFC 1035 §2.3.4, the root's empty label included.
const MAX_NAME_BYTES: usize = 255;
const USUAL_NAME_BYTES: usize = 32;
/// The length of the label that holds a NetBIOS name.
pub(super) const NETBIOS_LABEL_BYTES: usize = 32;
const MAX_DAMAGED_LETTERS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn text(message: &[u8], start: usize) -> Option<String> {
        Name::read(message, start).and_then(|(name, _)| name.text())
    }

    #[test]
    fn names_and_where_they_end() {
        let message = b"\x03www\x07example\x03com\0\x03ftp\xc0\x04\xc0\x11\0";
        for (start, name, end) in [
            (0, "www.example.com", 17),
            (4, "example.com", 17),
            (17, "ftp.example.com", 23),
            (23, "ftp.example.com", 25),
            (25, ".", 26),
        ] {
            assert_eq!(text(message, start).as_deref(), Some(name));
            assert_eq!(Name::read(message, start).unwrap().1, end, "{name}");
        }
    }

    #[test]
    fn loops_forward_pointers_and_cut_names_are_refused() {
        for message in [&b"\xc0\x00"[..], b"\x01a\xc0\x00", b"\xc0\x02\x01a\0", b"\x01a\xc0\x02", b"\x40a\0"]
        {
            assert_eq!(text(message, 0), None, "{message:?}");
        }
        for message in [&b""[..], b"\x05abc", b"\x01a", b"\xc0"] {
            assert!(Name::read(message, 0).is_none(), "{message:?}");
        }
        let long: Vec<u8> = std::iter::repeat_n(*b"\x01a", 127).flatten().chain([0]).collect();
        assert_eq!(text(&long, 0).map(|name| name.len()), Some(253));
        let longer: Vec<u8> = std::iter::repeat_n(*b"\x01a", 128).flatten().chain([0]).collect();
        assert_eq!(text(&longer, 0), None);
    }

    #[test]
    fn bytes_that_text_cannot_show_are_escaped() {
        assert_eq!(text(b"\x05a.b\\\x07\x03\xc3\xa9 \0", 0).as_deref(), Some("a\\.b\\\\\\007.é "));
        assert_eq!(text(b"\x02\xff-\0", 0).as_deref(), Some("\u{fffd}-"));
    }
}
