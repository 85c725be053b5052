//! Golden cases: every recording in `testdata` gives the records beside it. `UPDATE_EXPECT=1` writes what came out
//! instead, to be read before it is committed.
#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking; clippy knows it as a test only inside test functions"
)]

use std::fmt::Write as _;
use std::process::Command;

use df_testing::GoldenCase;
use serde_json::{Map, Value};

#[test]
fn every_recording_gives_the_records_beside_it() {
    let cases = GoldenCase::all().unwrap();
    assert!(!cases.is_empty(), "no cases in testdata");
    let wrong: Vec<String> = cases.iter().filter_map(|case| check(case).err()).collect();
    assert!(wrong.is_empty(), "{} of {} cases differ\n\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// Replays a case twice, obfuscated as by default, and compares what comes out with what is expected.
fn check(case: &GoldenCase) -> Result<(), String> {
    let actual = replay(case);
    assert_eq!(actual, replay(case), "{}: two replays differ", case.name());
    if std::env::var_os("UPDATE_EXPECT").is_some_and(|value| value == "1") {
        std::fs::write(case.expected(), &actual).unwrap();
        return Ok(());
    }
    let expected = std::fs::read_to_string(case.expected()).map_err(|error| {
        format!("{}: no expected records: {error}; UPDATE_EXPECT=1 writes them", case.name())
    })?;
    if actual == expected {
        return Ok(());
    }
    Err(format!("{}:\n{}", case.name(), difference(&expected, &actual)))
}

fn replay(case: &GoldenCase) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_df-agent"));
    let output = command.args(["replay", "--records", "exchange,flow"]).arg(case.input()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {}: {said}", case.name(), output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// What differs, record by record and field by field.
fn difference(expected: &str, actual: &str) -> String {
    let mut text = String::new();
    let (mut expected, mut actual) = (expected.lines(), actual.lines());
    for number in 1.. {
        match (expected.next(), actual.next()) {
            (None, None) => break,
            (Some(line), None) => writeln!(text, "  record {number} is missing: {line}").unwrap(),
            (None, Some(line)) => writeln!(text, "  record {number} was not expected: {line}").unwrap(),
            (Some(line), Some(other)) if line == other => {}
            (Some(line), Some(other)) => {
                writeln!(text, "  record {number}:").unwrap();
                field_differences(&mut text, &fields(line), &fields(other));
            }
        }
    }
    text
}

fn field_differences(text: &mut String, expected: &Map<String, Value>, actual: &Map<String, Value>) {
    for (name, value) in expected {
        match actual.get(name) {
            Some(other) if other == value => {}
            Some(other) => writeln!(text, "    {name}: expected {value}, got {other}").unwrap(),
            None => writeln!(text, "    {name}: expected {value}, got none").unwrap(),
        }
    }
    for (name, value) in actual.iter().filter(|(name, _)| !expected.contains_key(*name)) {
        writeln!(text, "    {name}: expected none, got {value}").unwrap();
    }
}

fn fields(line: &str) -> Map<String, Value> {
    serde_json::from_str(line).unwrap()
}
