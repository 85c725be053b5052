//! Rule: every limit that can be configured is explained in docs/limits.md.

use super::{Repository, Violation};

/// Every public `max_*` field has its row, and every row its field.
pub(super) fn limits_are_documented(repository: &Repository) -> Vec<Violation> {
    let fields = fields(repository);
    let rows = rows(repository.text(DOCUMENT).unwrap_or_default());
    let undocumented = fields.iter().filter(|field| !rows.iter().any(|row| row.limit == field.limit));
    let stale = rows.iter().filter(|row| !fields.iter().any(|field| field.limit == row.limit));
    let missing_row = undocumented.map(|field| {
        let (package, name) = &field.limit;
        let advice =
            format!("add a row for `{name}` of {package} to {DOCUMENT}: default, worst case, counter");
        Violation::new(&field.path, field.line, advice)
    });
    let stale = stale.map(|row| {
        let (package, name) = &row.limit;
        Violation::new(DOCUMENT, row.line, format!("{package} has no public field `{name}`: remove the row"))
    });
    missing_row.chain(stale).collect()
}

/// A limit and where it is told of.
#[derive(Debug)]
struct Mention {
    /// The crate and the field.
    limit: (String, String),
    path: String,
    line: usize,
}

fn fields(repository: &Repository) -> Vec<Mention> {
    let mut fields = Vec::new();
    for file in &repository.files {
        let Some(package) = file.path.strip_prefix("crates/").and_then(|path| path.split('/').next()) else {
            continue;
        };
        let code = file.code().unwrap_or_default();
        let found = code.lines().zip(1..).filter_map(|(line, number)| {
            let (name, _) = line.trim().strip_prefix("pub ")?.split_once(':')?;
            name.starts_with("max_").then(|| (name.to_owned(), number))
        });
        fields.extend(found.map(|(name, line)| Mention {
            limit: (package.to_owned(), name),
            path: file.path.clone(),
            line,
        }));
    }
    fields
}

/// Rows like ``| `max_held_spans` | df-trace | ...``.
fn rows(document: &str) -> Vec<Mention> {
    let row = |(line, number): (&str, usize)| {
        let mut cells = line.strip_prefix("| `")?.split('|');
        let name = cells.next()?.trim().strip_suffix('`')?;
        let package = cells.next()?.trim();
        let limit = (package.to_owned(), name.to_owned());
        name.starts_with("max_").then(|| Mention { limit, path: DOCUMENT.to_owned(), line: number })
    };
    document.lines().zip(1..).filter_map(row).collect()
}

const DOCUMENT: &str = "docs/limits.md";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::File;

    #[test]
    fn fields_and_rows_must_match() {
        let source = "//! X.\npub struct C {\n    pub max_a: usize,\n    pub max_b: usize,\n    max_private: usize,\n}\n";
        let table = "| limit | crate |\n|---|---|\n| `max_a` | df-x | 1 |\n| `max_b` | df-y | 1 |\n";
        let files = vec![File::new("crates/df-x/src/config.rs", source), File::new(DOCUMENT, table)];
        let violations = limits_are_documented(&Repository { files, ..Repository::default() });
        let places: Vec<_> =
            violations.iter().map(|violation| (violation.path.as_str(), violation.line)).collect();
        assert_eq!(places, [("crates/df-x/src/config.rs", 4), (DOCUMENT, 4)]);
    }
}
