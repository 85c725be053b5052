//! Rules about files: what they are called, how long they are and what must stand beside them.

use super::rust_source::{lines_before_and_in_tests, words};
use super::{File, Repository, Violation};

/// Every Rust file starts with `//!`.
pub(super) fn first_line_says_the_purpose(repository: &Repository) -> Vec<Violation> {
    let advice = "start with `//! ` and the file's one responsibility";
    let rust =
        repository.files.iter().filter(|file| file.rust().is_some_and(|text| !text.starts_with("//! ")));
    rust.map(|file| Violation::new(&file.path, 1, advice)).collect()
}

/// Files and inline tests are short.
pub(super) fn files_are_short(repository: &Repository) -> Vec<Violation> {
    let files =
        repository.files.iter().filter(|file| !file.is_test() && !LONG_FILES.contains(&file.path.as_str()));
    files.filter_map(too_long).collect()
}

fn too_long(file: &File) -> Option<Violation> {
    let (code, tests) = lines_before_and_in_tests(file.rust()?);
    if code > MAX_LINES {
        let advice =
            format!("{code} lines without tests, {MAX_LINES} are allowed: split it by responsibility");
        return Some(Violation::new(&file.path, MAX_LINES + 1, advice));
    }
    (tests > MAX_TEST_LINES).then(|| {
        let advice =
            format!("{tests} lines of inline tests, {MAX_TEST_LINES} are allowed: move them to a `tests.rs`");
        Violation::new(&file.path, code + 1, advice)
    })
}

/// No file or folder is named for being left over.
pub(super) fn names_say_something(repository: &Repository) -> Vec<Violation> {
    let is_empty_word = |path: &str| {
        path.split('/').any(|part| EMPTY_NAMES.contains(&part.strip_suffix(".rs").unwrap_or(part)))
    };
    let files = repository.files.iter().filter(|file| file.rust().is_some() && is_empty_word(&file.path));
    files
        .map(|file| Violation::new(&file.path, 1, "name it for what it does; this name fits anything"))
        .collect()
}

/// `unsafe` appears only where memory is shared with the kernel.
pub(super) fn unsafe_stays_in_its_place(repository: &Repository) -> Vec<Violation> {
    let advice =
        "`unsafe` is for df-capture's af_packet and df-bpf's sys alone: find a safe way, or move it there";
    let is_elsewhere = |path: &str| !UNSAFE_PLACES.iter().any(|place| path.starts_with(place));
    let files = repository.files.iter().filter(|file| is_elsewhere(&file.path));
    let mut violations = Vec::new();
    for file in files {
        let code = file.code().unwrap_or_default();
        let found = words(&code).filter(|(_, word)| *word == "unsafe");
        violations.extend(found.map(|(line, _)| Violation::new(&file.path, line, advice)));
    }
    violations
}

/// A protocol is a folder with the same three files as every other.
pub(super) fn protocols_have_their_three_files(repository: &Repository) -> Vec<Violation> {
    let missing = |folder: &String| {
        let folder = folder.clone();
        PROTOCOL_FILES.iter().filter_map(move |name| {
            let path = format!("{PROTOCOLS}{folder}/{name}");
            let advice = "a protocol has mod.rs, wire.rs and parser.rs: copy the template folder";
            (!repository.has(&path)).then(|| Violation::new(&path, 1, advice))
        })
    };
    folders(repository, PROTOCOLS, 1).iter().flat_map(missing).collect()
}

/// A recorded case says what it is, where it comes from and under which licence.
pub(super) fn recorded_cases_are_explained(repository: &Repository) -> Vec<Violation> {
    let paths =
        folders(repository, "testdata/", 2).into_iter().map(|case| format!("testdata/{case}/README.md"));
    let advice = "say what was recorded, with which programs, and under which licence it may be used";
    paths.filter(|path| !repository.has(path)).map(|path| Violation::new(&path, 1, advice)).collect()
}

/// The folders that hold files, `depth` levels below `parent`, each once.
fn folders(repository: &Repository, parent: &str, depth: usize) -> Vec<String> {
    let below = repository.files.iter().filter_map(|file| file.path.strip_prefix(parent));
    let mut folders: Vec<String> = below
        .filter(|path| path.split('/').count() > depth)
        .map(|path| path.split('/').take(depth).collect::<Vec<_>>().join("/"))
        .collect();
    folders.sort_unstable();
    folders.dedup();
    folders
}

const MAX_LINES: usize = 500;
const MAX_TEST_LINES: usize = 150;
/// Tables, which nobody reads from top to bottom.
const LONG_FILES: &[&str] = &[];
const EMPTY_NAMES: &[&str] = &["common", "helper", "helpers", "misc", "types", "util", "utils"];
const UNSAFE_PLACES: &[&str] = &["crates/df-bpf/src/sys", "crates/df-capture/src/af_packet"];
const PROTOCOLS: &str = "crates/df-l7/src/protocols/";
const PROTOCOL_FILES: &[&str] = &["mod.rs", "wire.rs", "parser.rs"];

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(files: &[(&str, &str)]) -> Repository {
        let files = files.iter().map(|(path, text)| File::new(path, text)).collect();
        Repository { files, ..Repository::default() }
    }

    fn places(violations: &[Violation]) -> Vec<(&str, usize)> {
        violations.iter().map(|violation| (violation.path.as_str(), violation.line)).collect()
    }

    #[test]
    fn a_file_without_a_purpose() {
        let files = repository(&[("a.rs", "//! Why.\n"), ("b.rs", "use x;\n"), ("c.md", "text")]);
        assert_eq!(places(&first_line_says_the_purpose(&files)), [("b.rs", 1)]);
    }

    #[test]
    fn long_files_and_long_inline_tests() {
        let long = "x\n".repeat(501);
        let tests = format!("x\n#[cfg(test)]\nmod tests {{\n{}}}\n", "y\n".repeat(150));
        let files =
            repository(&[("a.rs", &long), ("tests.rs", &long), ("b.rs", &tests), ("c/tests/d.rs", &long)]);
        assert_eq!(places(&files_are_short(&files)), [("a.rs", 501), ("b.rs", 2)]);
    }

    #[test]
    fn names_that_fit_anything() {
        let files = repository(&[
            ("a/utils.rs", ""),
            ("a/common/mod.rs", ""),
            ("a/types/x.md", ""),
            ("a/uncommon.rs", ""),
        ]);
        assert_eq!(places(&names_say_something(&files)), [("a/utils.rs", 1), ("a/common/mod.rs", 1)]);
    }

    #[test]
    fn unsafe_outside_its_place() {
        let files = repository(&[
            ("crates/df-capture/src/af_packet/ring.rs", "unsafe { x }"),
            ("a.rs", "// unsafe\n#![forbid(unsafe_code)]\nlet s = \"unsafe\";\nunsafe { x }"),
        ]);
        assert_eq!(places(&unsafe_stays_in_its_place(&files)), [("a.rs", 4)]);
    }

    #[test]
    fn folders_without_what_belongs_there() {
        let files = repository(&[
            ("crates/df-l7/src/protocols/dns/mod.rs", ""),
            ("crates/df-l7/src/protocols/dns/wire.rs", ""),
            ("testdata/dns/a/README.md", ""),
            ("testdata/dns/a/input.pcap", ""),
            ("testdata/dns/b/input.pcap", ""),
            ("testdata/README.md", ""),
        ]);
        assert_eq!(
            places(&protocols_have_their_three_files(&files)),
            [("crates/df-l7/src/protocols/dns/parser.rs", 1)]
        );
        assert_eq!(places(&recorded_cases_are_explained(&files)), [("testdata/dns/b/README.md", 1)]);
    }
}
