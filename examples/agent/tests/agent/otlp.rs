//! OTLP: the option and the environment lead to the receiver, and what does not arrive is told.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use tempfile::TempDir;

use crate::capture;
use crate::live;
use crate::program::{Run, df_agent};

#[test]
fn the_option_leads_to_the_receiver() {
    let (port, paths) = start_receiver();
    let run = replay(&["--otlp", &format!("http://127.0.0.1:{port}")], None);
    assert_eq!(run.exit_code, Some(0), "{}", run.stderr);
    assert_eq!(sorted(&paths), ["/v1/logs", "/v1/metrics", "/v1/traces"]);
}

#[test]
fn the_environment_leads_to_the_receiver_without_the_option() {
    let (port, paths) = start_receiver();
    let variable = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", format!("http://127.0.0.1:{port}/only/traces"));
    let run = replay(&[], Some(variable));
    assert_eq!(run.exit_code, Some(0), "{}", run.stderr);
    assert_eq!(sorted(&paths), ["/only/traces"]);
}

#[test]
fn what_does_not_arrive_is_told_and_counted() {
    let folder = TempDir::new().unwrap();
    let settings = folder.path().join("df.yaml");
    std::fs::write(&settings, "outputs:\n  otlp:\n    shutdown_timeout: 300ms\n").unwrap();
    // Port 9 (discard) is refused where nobody listens.
    let run = replay(&["--otlp", "http://127.0.0.1:9", "--config", settings.to_str().unwrap()], None);
    assert_eq!(run.exit_code, Some(1));
    assert!(run.stderr.contains("cannot be reached"), "{}", run.stderr);
    assert!(run.stderr.contains("did not arrive"), "{}", run.stderr);
    assert!(run.stdout.contains("spans that did not arrive"), "{}", run.stdout);
}

#[test]
fn a_url_that_cannot_be_understood_is_a_wrong_argument() {
    let run = replay(&["--otlp", "nonsense://x"], None);
    assert_eq!(run.exit_code, Some(2), "{}", run.stderr);
    assert!(run.stderr.contains("nonsense://x"), "{}", run.stderr);
}

#[test]
fn a_live_run_tells_its_health() {
    if live::is_without_privileges() {
        return;
    }
    let (port, requests) = start_receiver();
    let endpoint = format!("http://127.0.0.1:{port}");
    let run: Run = df_agent()
        .args(["--interface", "lo", "--duration", "1s", "--otlp", &endpoint])
        .output()
        .unwrap()
        .into();
    assert_eq!(run.exit_code, Some(0), "{}", run.stderr);
    let name = b"df.capture.frames.dropped";
    let has_name = |request: Request| request.body.windows(name.len()).any(|window| window == name);
    assert!(requests.try_iter().any(has_name), "no request tells {}", String::from_utf8_lossy(name));
}

fn replay(options: &[&str], variable: Option<(&str, String)>) -> Run {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("shop.pcap");
    capture::write(&file, 3);
    df_agent().arg("replay").args(options).arg(file).envs(variable).output().unwrap().into()
}

fn sorted(requests: &Receiver<Request>) -> Vec<String> {
    let mut paths: Vec<_> = requests.try_iter().map(|request| request.path).collect();
    paths.sort();
    paths.dedup();
    paths
}

/// What a receiver was sent.
struct Request {
    path: String,
    body: Vec<u8>,
}

/// A receiver that takes every request, and tells of it. An empty answer is a whole one in protobuf.
fn start_receiver() -> (u16, Receiver<Request>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, paths) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let sender = sender.clone();
            thread::spawn(move || {
                let mut stream = stream.unwrap();
                while let Some(request) = take_request(&mut stream) {
                    sender.send(request).unwrap();
                    let answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n";
                    stream.write_all(answer).unwrap();
                }
            });
        }
    });
    (port, paths)
}

/// Reads one request with a body of known length; none at the connection's end.
fn take_request(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4_096];
    loop {
        let length = stream.read(&mut buffer).ok().filter(|length| *length > 0)?;
        bytes.extend_from_slice(&buffer[..length]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, _)) = text.split_once("\r\n\r\n") else { continue };
        let body_length: usize = head
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok())
            .expect("a request with a body tells its length");
        let head_length = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
        if bytes.len() >= head_length + body_length {
            let path = head.split(' ').nth(1).unwrap().to_owned();
            return Some(Request { path, body: bytes.split_off(head_length) });
        }
    }
}
