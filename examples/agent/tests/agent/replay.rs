//! `replay`: what it prints, that it prints it again, and what it makes of damage.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Stdio;

use tempfile::TempDir;

use crate::capture;
use crate::program::{Run, df_agent, run};

#[test]
fn every_request_is_an_exchange_a_span_and_a_flow() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("shop.pcap");
    capture::write(&file, 3);
    let run = run(["replay".as_ref(), "--json".as_ref(), file.as_os_str()]);
    assert_eq!((run.exit_code, run.stderr.as_str()), (Some(0), ""));
    let exchanges = run.records("exchange");
    assert_eq!(exchanges.len(), 3);
    let first = &exchanges[0];
    assert_eq!(first["protocol"], "http1");
    assert_eq!(first["request_resource"], "/item/0?token=?");
    assert_eq!(first["response_code"], "200");
    assert_eq!(first["duration_ns"], 1_000_000);
    assert_eq!(first["start_ns"], capture::START_NS + 1_000_000);
    assert_eq!(first["client_port"], 40_000);
    let flows = run.records("flow");
    assert_eq!(flows.len(), 3);
    assert_eq!((&flows[0]["packets_tx"], &flows[0]["packets_rx"]), (&4.into(), &4.into()));
    assert_eq!(flows[0]["l7_protocol"], "http1");
    let spans = run.records("span");
    assert_eq!(spans.len(), 3);
    for (span, exchange) in spans.iter().zip(&exchanges) {
        assert_eq!(span["span_id"], exchange["span_id"]);
        assert_eq!(span["trace_id"], exchange["trace_id"]);
    }
}

#[test]
fn raw_shows_what_is_hidden_otherwise() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("shop.pcap");
    capture::write(&file, 1);
    let run = run(["replay".as_ref(), "--json".as_ref(), "--raw".as_ref(), file.as_os_str()]);
    assert_eq!(run.records("exchange")[0]["request_resource"], "/item/0?token=secret");
}

#[test]
fn prompts_and_answers_are_shown_only_if_configured() {
    let folder = TempDir::new().unwrap();
    let settings = folder.path().join("df.yaml");
    let text =
        "processors:\n  request_log:\n    tag_extraction:\n      gen_ai:\n        max_content_bytes: 500\n";
    fs::write(&settings, text).unwrap();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/http1/ai-compressed/input.pcap");
    let hidden = run(["replay".as_ref(), "--json".as_ref(), "--raw".as_ref(), file.as_os_str()]);
    assert!(hidden.stdout.contains("gpt-4o") && !hidden.stdout.contains("private"), "{}", hidden.stdout);
    let shown = run([
        "replay".as_ref(),
        "--json".as_ref(),
        "--config".as_ref(),
        settings.as_os_str(),
        file.as_os_str(),
    ]);
    let first = &shown.records("exchange")[0]["attributes"];
    let part = |text: &str| format!(r#""parts":[{{"type":"text","content":"{text}"}}]"#);
    assert_eq!(
        first["gen_ai.input.messages"],
        format!(r#"[{{"role":"user",{}}}]"#, part("a private question"))
    );
    let answer = part("A private answer, in so many words.");
    assert_eq!(
        first["gen_ai.output.messages"],
        format!(r#"[{{"role":"assistant",{answer},"finish_reason":"stop"}}]"#)
    );
}

#[test]
fn the_same_input_prints_the_same_bytes() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("shop.pcap");
    capture::write(&file, 50);
    for options in [&["--records", "exchange,flow,span,metric"][..], &[]] {
        let again = || {
            let arguments = options.iter().map(AsRef::as_ref).chain([file.as_os_str()]);
            run(["replay".as_ref()].into_iter().chain(arguments)).stdout
        };
        let first = again();
        assert!(first.lines().count() > 50, "{first}");
        assert_eq!(first, again());
    }
}

#[test]
fn only_the_records_asked_for_are_printed() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("shop.pcap");
    capture::write(&file, 2);
    let run = run(["replay".as_ref(), "--records".as_ref(), "flow,metric".as_ref(), file.as_os_str()]);
    assert_eq!(run.records("flow").len(), 2);
    let metrics = run.records("metric");
    assert!(metrics.iter().any(|metric| metric["name"] == "http.client.request.duration"));
    assert_eq!(run.stdout.lines().count(), 2 + metrics.len());
}

#[test]
fn a_truncated_capture_is_processed_up_to_its_damage() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("cut.pcap");
    let length = capture::write(&file, 2);
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..usize::try_from(length).unwrap() - 5]).unwrap();
    let run = run(["replay".as_ref(), "--json".as_ref(), file.as_os_str()]);
    assert_eq!(run.exit_code, Some(1));
    assert_eq!(run.records("exchange").len(), 2);
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    assert!(run.stderr.contains("cut.pcap") && run.stderr.contains("offset"), "{}", run.stderr);
}

#[test]
fn a_file_that_is_no_capture_does_not_keep_others_from_being_read() {
    let folder = TempDir::new().unwrap();
    let (text, file) = (folder.path().join("notes.txt"), folder.path().join("shop.pcap"));
    fs::write(&text, "these are notes").unwrap();
    capture::write(&file, 1);
    let run = run(["replay".as_ref(), "--json".as_ref(), text.as_os_str(), file.as_os_str()]);
    assert_eq!(run.exit_code, Some(1));
    assert!(run.stderr.contains("notes.txt"), "{}", run.stderr);
    assert_eq!(run.records("exchange").len(), 1);
}

#[test]
fn standard_input_is_a_file_named_minus() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("shop.pcap");
    capture::write(&file, 2);
    let mut child = df_agent()
        .args(["replay", "--json", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&fs::read(&file).unwrap()).unwrap();
    let piped: Run = child.wait_with_output().unwrap().into();
    let direct = run(["replay".as_ref(), "--json".as_ref(), file.as_os_str()]);
    assert_eq!((piped.exit_code, piped.stdout), (Some(0), direct.stdout));
}

#[test]
fn the_table_has_a_line_per_exchange_and_a_summary() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("shop.pcap");
    capture::write(&file, 2);
    let run = run(["replay".as_ref(), file.as_os_str()]);
    let line = run.stdout.lines().nth(1).unwrap();
    for part in [
        "00:00:00.001",
        "http1",
        "10.0.0.1:40000 -> 10.0.0.2:80",
        "GET shop.example/item/0",
        "200",
        "1.00 ms",
    ] {
        assert!(line.contains(part), "{part:?} is not in {line:?}");
    }
    assert!(!run.stdout.contains('\x1b'), "colours only belong on a terminal");
    assert!(run.stdout.contains("2 flows, 16 packets"), "{}", run.stdout);
    assert!(run.stdout.contains("nothing dropped"), "{}", run.stdout);
}

#[test]
fn output_and_otlp_go_to_files() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("shop.pcap");
    let (records, otlp) = (folder.path().join("out.jsonl"), folder.path().join("otlp.jsonl"));
    capture::write(&file, 2);
    let run = run([
        "replay".as_ref(),
        "--json".as_ref(),
        "--output".as_ref(),
        records.as_os_str(),
        "--otlp-file".as_ref(),
        otlp.as_os_str(),
        file.as_os_str(),
    ]);
    assert_eq!((run.exit_code, run.stdout.as_str()), (Some(0), ""));
    assert_eq!(fs::read_to_string(records).unwrap().lines().count(), 6);
    let otlp = fs::read_to_string(otlp).unwrap();
    for signal in ["resourceSpans", "resourceLogs", "resourceMetrics"] {
        assert!(otlp.lines().any(|line| line.starts_with(&format!("{{\"{signal}\""))), "no {signal}");
    }
}

#[test]
fn a_reader_that_leaves_early_is_no_failure() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("shop.pcap");
    capture::write(&file, 2_000);
    let mut child = df_agent()
        .args(["replay".as_ref(), "--json".as_ref(), file.as_os_str()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ended: Run = child.wait_with_output().unwrap().into();
    assert!(line.starts_with('{'));
    assert_eq!((ended.exit_code, ended.stderr.as_str()), (Some(0), ""));
}

#[test]
fn flows_are_reported_each_interval_when_asked_for() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("shop.pcap");
    capture::write_paced(&file, 1, 2_000_000_000);
    let count = |options: &[&str]| {
        let arguments = options.iter().map(AsRef::as_ref).chain([file.as_os_str()]);
        let run =
            run(["replay".as_ref(), "--records".as_ref(), "flow".as_ref()].into_iter().chain(arguments));
        let flows = run.records("flow");
        let packets: u64 = flows.iter().map(|flow| flow["packets_tx"].as_u64().unwrap()).sum();
        (flows.len(), flows.iter().filter(|flow| flow["is_final"] == true).count(), packets)
    };
    assert_eq!(count(&[]), (1, 1, 4));
    let (all, last, packets) = count(&["--flow-interval", "3s"]);
    assert!(all > 2, "{all} records");
    assert_eq!((last, packets), (1, 4));
}
