//! Rust source without what is not code.

/// The same text with comments and the content of literals replaced by spaces. Lines stay where they are.
pub(super) fn without_comments_and_literals(text: &str) -> String {
    let mut blanked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let literal = literal_len(rest);
        let len = literal.unwrap_or_else(|| word_len(rest).unwrap_or(first.len_utf8()));
        let (token, after) = rest.split_at(len.min(rest.len()));
        if literal.is_some() {
            blanked.extend(token.chars().map(|character| if character == '\n' { '\n' } else { ' ' }));
        } else {
            blanked.push_str(token);
        }
        rest = after;
    }
    blanked
}

/// The words (identifiers and keywords) of code, each with the number of its line, from 1.
pub(super) fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    code.lines().zip(1..).flat_map(|(line, number)| {
        line.split(|character: char| !is_word(character))
            .filter(|word| !word.is_empty())
            .map(move |word| (number, word))
    })
}

/// How many lines stand before the inline tests, and how many from there on.
pub(super) fn lines_before_and_in_tests(text: &str) -> (usize, usize) {
    let lines: Vec<&str> = text.lines().collect();
    let is_start = |pair: &[&str]| matches!(pair, ["#[cfg(test)]", module] if module.starts_with("mod ") && module.ends_with('{'));
    let start = lines.windows(2).position(is_start).unwrap_or(lines.len());
    (start, lines.len() - start)
}

const fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// The length of the word at the start, so that a letter within it starts no literal. A word that prefixes a string
/// is no word.
fn word_len(text: &str) -> Option<usize> {
    let len = text.find(|character| !is_word(character)).unwrap_or(text.len());
    (len > 0).then_some(len)
}

/// The length of the comment or literal at the start.
fn literal_len(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return Some(block_comment_len(text));
    }
    let prefix = ["br", "cr", "b", "c", "r", ""].into_iter().find(|prefix| {
        let after = text.strip_prefix(prefix);
        after.is_some_and(|after| after.starts_with('"') || prefix.ends_with('r') && is_raw(after))
    });
    if let Some(prefix) = prefix {
        let content = text.get(prefix.len()..)?;
        let len = if prefix.ends_with('r') { raw_string_len(content) } else { quoted_len(content, '"') };
        return Some(prefix.len() + len);
    }
    char_literal_len(text)
}

fn block_comment_len(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let step = match rest.as_bytes() {
            [b'/', b'*', ..] => {
                depth += 1;
                2
            }
            [b'*', b'/', ..] => {
                depth -= 1;
                2
            }
            _ => rest.chars().next().map_or(1, char::len_utf8),
        };
        at += step;
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// Whether `##"` stands here, with at least one `#`: `r#name` is an identifier.
fn is_raw(text: &str) -> bool {
    text.trim_start_matches('#').starts_with('"')
}

fn raw_string_len(text: &str) -> usize {
    let hashes = text.len() - text.trim_start_matches('#').len();
    let end = format!("\"{}", "#".repeat(hashes));
    let content = text.get(hashes + 1..).unwrap_or_default();
    content.find(&end).map_or(text.len(), |at| hashes + 1 + at + end.len())
}

/// The length of what stands between two quotes, both included.
fn quoted_len(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if character == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// A character literal, which a lifetime is not.
fn char_literal_len(text: &str) -> Option<usize> {
    let quoted = text
        .strip_prefix('b')
        .filter(|rest| rest.starts_with('\''))
        .or_else(|| text.starts_with('\'').then_some(text))?;
    let prefix = text.len() - quoted.len();
    let mut characters = quoted.chars().skip(1);
    match (characters.next()?, characters.next()?) {
        ('\\', _) | (_, '\'') => Some(prefix + quoted_len(quoted, '\'')),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_code_is_blank() {
        for (text, expected) in [
            ("a // b\nc", "a     \nc"),
            ("a /* b /* c */ d */ e", "a                   e"),
            (r#"f("a\"b", 1)"#, "f(      , 1)"),
            (r##"f(r#"a"b"#, 1)"##, "f(        , 1)"),
            ("b\"x\" br\"y\" for", "           for"),
            ("fn f<'a>(x: &'a u8) { '\"' }", "fn f<'a>(x: &'a u8) {     }"),
            (r"b'\'' '\\' 'é' end", "               end"),
            ("number\"x\"", "number   "),
            ("r#type", "r#type"),
            ("\"open", "     "),
            ("/* open\n", "       \n"),
        ] {
            let blanked = without_comments_and_literals(text);
            assert_eq!(blanked, expected, "{text}");
        }
    }

    #[test]
    fn tests_are_counted_apart() {
        assert_eq!(lines_before_and_in_tests("a\n#[cfg(test)]\nmod tests {\n}\n"), (1, 3));
        assert_eq!(lines_before_and_in_tests("a\n#[cfg(test)]\nmod tests;\nb\n"), (4, 0));
        assert_eq!(lines_before_and_in_tests("a\n#[cfg(test)]\nfn only_for_tests() {}\nb\n"), (4, 0));
    }
}
