//! Arguments, configuration and `doctor`: what is refused and how.

use std::fs;

use tempfile::TempDir;

use crate::program::run;

#[test]
fn wrong_arguments_end_with_code_2() {
    for arguments in [
        &["replay"][..],
        &["replay", "--no-such-option", "x.pcap"],
        &["replay", "--records", "spam", "x.pcap"],
        &["--duration", "soon"],
        &["--workers", "0"],
        &["--pid", "1", "--process", "nginx"],
        &["--pid", "1", "--no-ebpf"],
        &["--process", "nginx", "--no-l7"],
        &["--process", "nginx("],
        &["--no-packets", "--no-ebpf"],
        &["config", "--check", "there-is-no-such-file.yaml"],
    ] {
        let run = run(arguments);
        assert_eq!(run.exit_code, Some(2), "{arguments:?}: {}", run.stderr);
        assert!(!run.stderr.is_empty() && run.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn help_and_version_are_there() {
    assert!(run(["--help"]).stdout.contains("CAP_NET_RAW"));
    assert!(run(["replay", "--help"]).stdout.contains("--otlp-file"));
    assert!(run(["--version"]).stdout.starts_with("df-agent "));
}

#[test]
fn the_printed_configuration_is_valid_and_changes_nothing() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("defaults.yaml");
    let defaults = run(["config"]).stdout;
    fs::write(&file, &defaults).unwrap();
    let checked = run(["config".as_ref(), "--check".as_ref(), file.as_os_str()]);
    assert_eq!((checked.exit_code, checked.stderr.as_str()), (Some(0), ""));
    let again = run(["config".as_ref(), "--config".as_ref(), file.as_os_str()]);
    assert_eq!(again.stdout, defaults);
}

#[test]
fn a_value_of_the_file_is_the_effective_one() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("df.yaml");
    fs::write(&file, "processors:\n  flow_log:\n    conntrack:\n      timeouts:\n        datagram: 7s\n")
        .unwrap();
    let printed = run(["config".as_ref(), "--config".as_ref(), file.as_os_str()]).stdout;
    assert!(printed.contains("Default: 2m\n        datagram: 7s\n"), "{printed}");
}

#[test]
fn an_unknown_key_names_its_line_and_the_nearest_known_key() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("df.yaml");
    let check = |text: &str| {
        fs::write(&file, text).unwrap();
        let run = run(["config".as_ref(), "--check".as_ref(), file.as_os_str()]);
        assert_eq!(run.exit_code, Some(2), "{text}");
        run.stderr
    };
    let message = check("processors:\n  request_log:\n    tag_extracton:\n      x: 1\n");
    assert!(message.contains("line 3") && message.contains("`tag_extraction`"), "{message}");
    let message = check("processors:\n  request_log:\n    limits:\n      max_bufered_bytes: 1\n");
    assert!(message.contains("line 4") && message.contains("`max_buffered_bytes`"), "{message}");
    let message = check("processors:\n  packet:\n    workers: many\n");
    assert!(message.contains("line 3") && message.contains("whole number"), "{message}");
    let message = check("inputs:\n  ebpf:\n    tunning:\n      port_payload_bytes: [3306]\n");
    assert!(message.contains("line 4") && message.contains("such as 3306=4096"), "{message}");
    let message = check("inputs:\n  ebpf:\n    tunning:\n      hooks: fentry\n");
    assert!(message.contains("line 4") && message.contains("automatic or one of sockets, "), "{message}");
    let message = check("processors: [\n");
    assert!(message.contains("line "), "{message}");
}

#[test]
fn a_wrong_configuration_stops_replay_before_it_starts() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("df.yaml");
    fs::write(&file, "procesors:\n  x: 1\n").unwrap();
    let run = run(["replay".as_ref(), "--config".as_ref(), file.as_os_str(), "x.pcap".as_ref()]);
    assert_eq!((run.exit_code, run.stdout.as_str()), (Some(2), ""));
    assert!(run.stderr.contains("did you mean `processors`?"), "{}", run.stderr);
}

#[test]
fn the_doctor_answers_for_people_and_for_machines() {
    let people = run(["doctor"]);
    assert_eq!(people.exit_code, Some(0));
    let machines = run(["doctor", "--json"]);
    assert_eq!(machines.exit_code, Some(0));
    let report: serde_json::Value = serde_json::from_str(&machines.stdout).unwrap();
    let rows = report["rows"].as_array().unwrap();
    for row in [
        "AF_PACKET",
        "syscall tracepoints",
        "kprobe",
        "fentry",
        "OpenSSL uprobe",
        "Go uprobe",
        "perf profiling",
        "ring buffer",
        "BTF",
        "eBPF programs",
    ] {
        assert!(people.stdout.contains(row), "{row}");
        let found = rows.iter().find(|found| found["name"] == row).unwrap_or_else(|| panic!("no row {row}"));
        assert!(["ready", "offered", "missing"].contains(&found["state"].as_str().unwrap()));
        assert!(found["state"] != "missing" || found["remedy"].is_string(), "{found}");
    }
}

#[test]
fn the_doctor_tells_what_a_file_is_good_for_that_should_tell_the_types_of_the_kernel() {
    let report = run(["doctor", "--json", "--btf", "there-is-no-such-file.btf"]);
    let report: serde_json::Value = serde_json::from_str(&report.stdout).unwrap();
    let row = |name: &str| {
        let rows = report["rows"].as_array().unwrap();
        rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("no row {name}"))
    };
    assert_eq!(row("BTF")["detail"], "there-is-no-such-file.btf has no BTF");
    assert_eq!(row("eBPF programs")["detail"], "none can be loaded");
    assert!(row("eBPF programs")["remedy"].as_str().unwrap().starts_with("see below: BTF"));
}
