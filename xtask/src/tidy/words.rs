//! Rules about words.

use super::rust_source::words;
use super::{Repository, Violation};

/// No identifier says *session*: TLS, databases, SIP, Kafka and other observers each mean something else by it.
pub(super) fn no_banned_word(repository: &Repository) -> Vec<Violation> {
    let advice = "say exchange, connection or flow; *session* means something else to everybody";
    let mut violations = Vec::new();
    for file in &repository.files {
        let code = file.code().unwrap_or_default();
        let found = words(&code).filter(|(_, word)| {
            word.to_ascii_lowercase().contains("session") && !SPECIFIED_WORDS.contains(word)
        });
        violations.extend(found.map(|(line, _)| Violation::new(&file.path, line, advice)));
    }
    violations
}

/// No file names a path that exists on one machine alone.
pub(super) fn no_path_of_one_machine(repository: &Repository) -> Vec<Violation> {
    let advice = "this path exists on one machine only: leave it out or make it an argument";
    let mut violations = Vec::new();
    for file in &repository.files {
        let lines = file.text.iter().flat_map(|text| text.lines().zip(1..));
        let found = lines.filter(|(line, _)| MACHINE_PATHS.iter().any(|path| line.contains(path)));
        violations.extend(found.map(|(_, number)| Violation::new(&file.path, number, advice)));
    }
    violations
}

/// Names that a specification gives: TLS (RFC 8446 §4.1.2, RFC 5077 §3.2) and the capability flags of MySQL.
const SPECIFIED_WORDS: &[&str] =
    &["legacy_session_id", "session_id_len", "session_ticket", "NewSessionTicket", "SESSION_TRACK"];

/// Written in two parts, so that this file does not break its own rule.
const MACHINE_PATHS: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/tmp", "/wt")];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::File;

    fn lines(rule: fn(&Repository) -> Vec<Violation>, text: &str) -> Vec<usize> {
        let repository = Repository { files: vec![File::new("a.rs", text)], ..Repository::default() };
        rule(&repository).into_iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn the_banned_word_in_identifiers_alone() {
        let text =
            "// session\nlet session_count = 1;\nstruct TlsSession;\nlet legacy_session_id = \"session\";\n";
        assert_eq!(lines(no_banned_word, text), [2, 3]);
    }

    #[test]
    fn paths_of_one_machine_anywhere() {
        let text = format!("network/x\n// see {}a\nlet x = \"{}b\";\n", MACHINE_PATHS[0], MACHINE_PATHS[1]);
        assert_eq!(lines(no_path_of_one_machine, &text), [2, 3]);
    }
}
