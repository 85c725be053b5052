//! The table of kernels in `docs/kernel.md`.

use std::fs;
use std::io;
use std::path::Path;

use super::guest::Findings;
use super::{KERNELS, Kernel, Outcome};

/// A row of the table.
pub(super) struct Row {
    /// The first cell: rows of kernels that were not tried this time stay.
    name: String,
    cells: Vec<String>,
}

/// What came of a kernel.
pub(super) fn row(kernel: &Kernel, outcome: &Outcome) -> Row {
    let cells = match outcome {
        Outcome::Tested(findings) => tested(kernel, findings),
        Outcome::Untested(reason) => vec![kernel.suite.to_owned(), format!("untested: {reason}")],
    };
    Row { name: kernel.to_string(), cells }
}

/// Replaces the rows between the marks of a document.
pub(super) fn write(document: &Path, rows: &[Row]) -> io::Result<()> {
    let text = fs::read_to_string(document)?;
    let new = replaced(&text, rows).ok_or_else(|| {
        io::Error::other(format!("{} lacks the marks {BEGIN} and {END}", document.display()))
    })?;
    fs::write(document, new)
}

fn tested(kernel: &Kernel, findings: &Findings) -> Vec<String> {
    let release = findings.release().unwrap_or_default();
    let hooks =
        findings.hooks().map_or_else(String::new, |(attached, hooks)| format!("{attached} of {hooks}"));
    let (passed, failed) = (findings.checks("passed"), findings.checks("failed"));
    let feature = |name| match findings.has_feature(name) {
        Some(true) => "yes".to_owned(),
        Some(false) => "no".to_owned(),
        None => String::new(),
    };
    let result = match findings.failed_checks().as_slice() {
        _ if findings.is_good() => "passed".to_owned(),
        [] => "**failed**".to_owned(),
        failed => format!("**failed**: {}", failed.join(", ")),
    };
    let mut cells = vec![
        format!("{} {release}", kernel.suite),
        result,
        hooks,
        format!("{passed} of {}", passed + failed + findings.checks("skipped")),
    ];
    cells.extend(FEATURES.map(|(name, _)| feature(name)));
    cells.extend(TLS.map(|(name, _)| findings.check(name).to_owned()));
    cells.push(findings.used().join(", "));
    cells.extend(KINDS.map(|(name, _)| findings.kind(name)));
    cells.push(findings.pairs());
    cells.push(findings.check(GOROUTINES).to_owned());
    cells
}

fn replaced(text: &str, rows: &[Row]) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (old, after) = rest.split_once(END)?;
    let mut lines: Vec<String> =
        old.lines().filter(|line| line.starts_with("| ")).map(str::to_owned).collect();
    let columns = lines.len().min(1);
    lines.drain(..columns);
    for row in rows {
        let line = row.line();
        match lines.iter_mut().find(|line| line.starts_with(&format!("| {} |", row.name))) {
            Some(old) => *old = line,
            None => lines.push(line),
        }
    }
    lines.sort_by_key(|line| KERNELS.iter().position(|kernel| line.starts_with(&format!("| {kernel} |"))));
    Some(format!("{before}{BEGIN}\n\n{}\n{}\n\n{END}{after}", head(), lines.join("\n")))
}

fn head() -> String {
    let titles: Vec<&str> = FEATURES
        .iter()
        .map(|(_, title)| *title)
        .chain(TLS.map(|(_, title)| title))
        .chain(["used"])
        .chain(KINDS.map(|(_, title)| title))
        .chain(["sockets without control groups, and", "Go's calls linked"])
        .collect();
    let titles = format!("| kernel | Debian | result | hooks | checks passed | {} |", titles.join(" | "));
    let rule = "|---".repeat(titles.matches('|').count() - 1);
    format!("{titles}\n{rule}|")
}

impl Row {
    fn line(&self) -> String {
        // A message must not end its cell.
        let cells: Vec<String> =
            self.cells.iter().map(|cell| cell.replace('|', "/").replace('\n', " ")).collect();
        let empty = " |".repeat(CELLS.saturating_sub(cells.len()));
        format!("| {} | {} |{empty}", self.name, cells.join(" | "))
    }
}

/// What `df_bpf::Kernel::probe` tells that differs between kernels: its name there, and the column's title.
const FEATURES: [(&str, &str); 1] = [("uprobes", "uprobes")];

/// Checks of plain text by their names in the self test, and the columns' titles.
const TLS: [(&str, &str); 2] = [("TLS of OpenSSL", "OpenSSL told"), ("TLS of Go", "Go's TLS told")];

/// The check of causes by its name in the self test.
const GOROUTINES: &str = "calls of goroutines";

/// Kinds of hooks by their names in the self test, and the columns' titles.
const KINDS: [(&str, &str); 5] = [
    ("sockets", "sockets"),
    ("function-entries", "function entries"),
    ("tracepoints", "tracepoints"),
    ("every-call", "every call"),
    ("kprobes", "kprobes"),
];

/// Cells of a row behind its name.
const CELLS: usize = 7 + FEATURES.len() + TLS.len() + KINDS.len();

const BEGIN: &str = "<!-- begin: written by cargo xtask kernels -->";
const END: &str = "<!-- end -->";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_kernels_that_were_not_tried_stay() {
        let row = |name: &str, result: &str| Row { name: name.to_owned(), cells: vec![result.to_owned()] };
        let first = replaced(&format!("a\n{BEGIN}\n{END}\nb"), &[row("5.10", "old"), row("6.1", "kept")]);
        let second = replaced(&first.clone().unwrap(), &[row("5.10", "new")]).unwrap();
        assert_eq!(second, first.unwrap().replace("| old |", "| new |"));
        assert!(second.starts_with("a\n") && second.ends_with("\nb") && second.contains("| 6.1 | kept |"));
    }
}
