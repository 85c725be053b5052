//! `run`: real packets of a real server on loopback, and its processes left alone. Needs CAP_NET_RAW.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::program::{Run, df_agent, run};

#[test]
fn every_request_on_loopback_appears_exactly_once() {
    if is_without_privileges() {
        return;
    }
    let port = start_server();
    let filter = format!("tcp port {port}");
    let child = start(&["--json", "--interface", "lo", "--filter", &filter, "--workers", "2"]);
    for number in 0..20 {
        request(port, number);
    }
    let ended = stop(child, Signal::INT);
    assert_eq!(ended.exit_code, Some(0), "{}", ended.stderr);
    let mut seen: Vec<_> = ended
        .records("exchange")
        .iter()
        .map(|record| record["request_resource"].as_str().unwrap().to_owned())
        .collect();
    seen.sort();
    let mut expected: Vec<_> = (0..20).map(|number| format!("/item/{number}")).collect();
    expected.sort();
    assert_eq!(seen, expected);
    assert_eq!(ended.records("flow").len(), 20);
}

#[test]
fn several_rings_share_flows_and_headers_are_enough_for_their_accounts() {
    if is_without_privileges() {
        return;
    }
    let config = std::env::temp_dir().join(format!("df-agent-rings-{}.yaml", std::process::id()));
    let tunning = "tunning: {packet_fanout_count: 2, cpu_affinity: [0], ring_blocks: 4}";
    std::fs::write(&config, format!("inputs: {{cbpf: {{af_packet: {{{tunning}}}}}}}")).unwrap();
    let port = start_server();
    let filter = format!("tcp port {port}");
    let path = config.to_str().unwrap();
    let arguments =
        ["--config", path, "--records", "flow,exchange", "--no-l7", "--interface", "lo", "--filter"];
    let child = start(&[&arguments[..], &[&filter]].concat());
    for number in 0..20 {
        request(port, number);
    }
    let ended = stop(child, Signal::INT);
    std::fs::remove_file(&config).unwrap();
    assert_eq!(ended.exit_code, Some(0), "{}", ended.stderr);
    assert!(ended.records("exchange").is_empty(), "nothing is parsed");
    let flows = ended.records("flow");
    assert_eq!(flows.len(), 20, "each connection is seen once, whole");
    for flow in flows {
        assert_eq!(flow["server_port"], port);
        assert_eq!((&flow["syn_count"], &flow["synack_count"]), (&1.into(), &1.into()));
        assert!(flow["l4_bytes_tx"].as_u64() > Some(20) && flow["l4_bytes_rx"].as_u64() > Some(20), "{flow}");
    }
}

#[test]
fn the_summary_ends_the_table_when_the_time_is_over() {
    if is_without_privileges() {
        return;
    }
    let port = start_server();
    let filter = format!("tcp port {port}");
    let child = start(&["--filter", &filter, "--duration", "2s"]);
    request(port, 7);
    let ended: Run = child.wait_with_output().unwrap().into();
    assert_eq!(ended.exit_code, Some(0), "{}", ended.stderr);
    assert!(ended.stdout.contains("/item/7"), "{}", ended.stdout);
    assert!(ended.stdout.contains("nothing dropped"), "{}", ended.stdout);
}

#[test]
fn spans_above_the_bound_are_left_out_and_counted() {
    if is_without_privileges() {
        return;
    }
    let path = |name: &str| std::env::temp_dir().join(format!("df-agent-{name}-{}", std::process::id()));
    let (config, spans) = (path("throttle.yaml"), path("throttled.jsonl"));
    std::fs::write(&config, "outputs: {flow_log: {throttles: {l7_throttle: 5}}}").unwrap();
    let port = start_server();
    let filter = format!("tcp port {port}");
    let paths = [config.to_str().unwrap(), spans.to_str().unwrap()];
    let child =
        start(&["--config", paths[0], "--otlp-file", paths[1], "--interface", "lo", "--filter", &filter]);
    for number in 0..200 {
        request(port, number);
    }
    let ended = stop(child, Signal::INT);
    let exported = std::fs::read_to_string(&spans).unwrap();
    std::fs::remove_file(&config).unwrap();
    std::fs::remove_file(&spans).unwrap();
    let lines = exported.lines().map(|line| serde_json::from_str(line).unwrap());
    let spans_of = |line: serde_json::Value| {
        line.pointer("/resourceSpans/0/scopeSpans/0/spans").and_then(|spans| spans.as_array().map(Vec::len))
    };
    let spans: usize = lines.filter_map(spans_of).sum();
    // The requests may take longer than a second.
    assert!((1..=20).contains(&spans), "{spans} spans");
    let told = format!("{:>12}  export: spans above the bound per second", 200 - spans);
    assert!(ended.stdout.contains(&told), "{}", ended.stdout);
    assert!(ended.stderr.contains("more than 5 spans per second"), "{}", ended.stderr);
}

#[test]
fn wrong_interfaces_and_filters_are_refused() {
    if is_without_privileges() {
        return;
    }
    for arguments in [["--interface", "no-such-if0"], ["--filter", "tcp prt 80"]] {
        let run = run(arguments);
        assert_eq!(run.exit_code, Some(2), "{}", run.stderr);
        assert!(run.stderr.contains(arguments[1]), "{}", run.stderr);
    }
}

pub(crate) fn is_without_privileges() -> bool {
    let doctor = run(["doctor", "--json"]).stdout;
    let is_ready = doctor.contains(r#""name":"AF_PACKET","state":"ready""#);
    if !is_ready {
        println!("skipped: live capture needs CAP_NET_RAW");
    }
    !is_ready
}

/// Starts the agent and waits until it captures.
fn start(arguments: &[&str]) -> Child {
    let mut child = df_agent()
        .arg("--no-ebpf")
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("observing"), "{line}");
    child
}

fn stop(child: Child, signal: Signal) -> Run {
    thread::sleep(Duration::from_millis(200));
    kill_process(Pid::from_child(&child), signal).unwrap();
    child.wait_with_output().unwrap().into()
}

/// A server that answers each connection's one request.
fn start_server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut buffer = [0; 1_024];
            let length = stream.read(&mut buffer).unwrap();
            assert!(buffer[..length].ends_with(b"\r\n\r\n"));
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok").unwrap();
        }
    });
    port
}

fn request(port: u16, number: u16) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let request = format!("GET /item/{number} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("ok"), "{answer}");
}
