//! Subjects: which subscription takes them, and which are made for one conversation.

/// Whether a subscription to `pattern` takes messages to `subject`. `*` stands for one token, `>` for all that follow.
pub(super) fn matches(pattern: &[u8], subject: &[u8]) -> bool {
    let mut tokens = subject.split(|byte| *byte == b'.');
    for expected in pattern.split(|byte| *byte == b'.') {
        match (expected, tokens.next()) {
            (b">", Some(_)) => return true,
            (b"*", Some(_)) => {}
            (expected, Some(token)) if token == expected => {}
            _ => return false,
        }
    }
    tokens.next().is_none()
}

/// Whether the subject is an inbox: made by a client for replies.
pub(super) fn is_inbox(subject: &[u8]) -> bool {
    subject.starts_with(b"_INBOX.") || subject.starts_with(b"_R_.")
}

/// Whether messages to the subject acknowledge what JetStream has delivered.
pub(super) fn is_acknowledgment(subject: &[u8]) -> bool {
    subject.starts_with(b"$JS.ACK.")
}

/// The part of a subject that does not change from message to message.
pub(super) fn family(subject: &[u8]) -> &[u8] {
    match subject {
        _ if subject.starts_with(b"_INBOX.") => b"_INBOX",
        _ if subject.starts_with(b"_R_.") => b"_R_",
        _ if is_acknowledgment(subject) => b"$JS.ACK",
        _ => subject,
    }
}

/// Whether this may be a subject: tokens without blanks between dots.
pub(super) fn is_sound(subject: &[u8]) -> bool {
    (1..=MAX_SUBJECT_BYTES).contains(&subject.len())
        && subject.iter().all(|byte| *byte > b' ' && *byte != 0x7f)
        && subject.split(|byte| *byte == b'.').all(|token| !token.is_empty())
}

/// The longest subject of a message that proves its protocol.
const MAX_SUBJECT_BYTES: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_tokens() {
        let table: &[(&str, &str, bool)] = &[
            ("a.b", "a.b", true),
            ("a.b", "a.b.c", false),
            ("a.*", "a.b", true),
            ("a.*", "a", false),
            ("*.b", "a.b", true),
            ("a.>", "a.b.c", true),
            ("a.>", "a", false),
            (">", "a", true),
            ("a", "b", false),
        ];
        for (pattern, subject, expected) in table {
            assert_eq!(matches(pattern.as_bytes(), subject.as_bytes()), *expected, "{pattern} {subject}");
        }
    }

    #[test]
    fn what_is_made_for_one_conversation_has_no_name_of_its_own() {
        let table = [
            ("orders.eu", "orders.eu"),
            ("_INBOX.x.y", "_INBOX"),
            ("$JS.ACK.s.c.1.2.3", "$JS.ACK"),
            ("_INBOX", "_INBOX"),
        ];
        for (subject, expected) in table {
            assert_eq!(family(subject.as_bytes()), expected.as_bytes());
        }
        assert!(is_sound(b"a.b-c") && !is_sound(b"a..b") && !is_sound(b".a") && !is_sound(b""));
    }
}
