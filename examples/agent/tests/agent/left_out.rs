//! `run` above its budget: some connections are left out, and what is told is whole. Needs CAP_NET_RAW.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use df_core::connection_number;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::live::is_without_privileges;
use crate::program::df_agent;

#[test]
fn above_the_budget_connections_are_told_whole_or_not_at_all() {
    if is_without_privileges() {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (mut told, mut left_out) =
        (connections(&listener, 254..=255, 3), connections(&listener, 0..=127, 20));
    let mut datagrams = Datagrams::new();
    let mut agent = Agent::start([listener.local_addr().unwrap().port(), datagrams.port()]);
    for connection in told.iter_mut().chain(&mut left_out) {
        connection.ask(1);
        connection.answer();
        connection.ask(2);
    }
    datagrams.pass_through(&agent);
    datagrams.flood_until(|| agent.log().contains("connections are left out"));
    datagrams.pass_through(&agent);
    for connection in told.iter_mut().chain(&mut left_out) {
        connection.answer();
        connection.ask(3);
        connection.answer();
    }
    datagrams.pass_through(&agent);
    let text = agent.finish();
    let (rows, summary) = text.split_once("\n\n").unwrap();
    let answered = |connection: &Connection, round| {
        rows.lines().filter(|row| row.contains(&connection.path(round)) && row.contains(" 200 ")).count()
    };
    for (connections, expected) in [(&told, [1, 1, 1]), (&left_out, [1, 0, 0])] {
        for connection in connections {
            assert_eq!(
                [1, 2, 3].map(|round| answered(connection, round)),
                expected,
                "{}: {text}",
                connection.number
            );
        }
    }
    let requests = rows.lines().filter(|row| row.contains(" http1 ")).count();
    assert_eq!(requests, told.len() * 3 + left_out.len(), "nothing is told in part: {text}");
    assert!(summary.contains("  budget: seconds in which connections were left out"), "{text}");
}

/// Both ends of a connection.
struct Connection {
    client: TcpStream,
    server: TcpStream,
    number: u8,
}

/// So many connections with these numbers.
fn connections(
    listener: &TcpListener,
    numbers: std::ops::RangeInclusive<u8>,
    count: usize,
) -> Vec<Connection> {
    let connect = || {
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, peer) = listener.accept().unwrap();
        let number = connection_number([peer.port(), listener.local_addr().unwrap().port()]);
        Connection { client, server, number }
    };
    let all = std::iter::repeat_with(connect).take(10_000);
    let found: Vec<Connection> = all.filter(|one| numbers.contains(&one.number)).take(count).collect();
    assert_eq!(found.len(), count);
    found
}

impl Connection {
    fn path(&self, round: u8) -> String {
        format!("/from/{}/round/{round}", self.client.local_addr().unwrap().port())
    }

    fn ask(&mut self, round: u8) {
        let request = format!("GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n", self.path(round));
        self.client.write_all(request.as_bytes()).unwrap();
        self.server.read_exact(&mut vec![0; request.len()]).unwrap();
    }

    fn answer(&mut self) {
        self.server.write_all(ANSWER).unwrap();
        self.client.read_exact(&mut [0; ANSWER.len()]).unwrap();
    }
}

/// Two ends that exchange datagrams, which are never left out.
struct Datagrams {
    client: UdpSocket,
    server: UdpSocket,
    queries: u16,
}

impl Datagrams {
    fn new() -> Self {
        let [client, server] = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
        Self { client, server, queries: 0 }
    }

    fn port(&self) -> u16 {
        self.server.local_addr().unwrap().port()
    }

    /// Waits until the agent has told of a DNS query that is asked now, and so of all that came before.
    fn pass_through(&mut self, agent: &Agent) {
        let started = Instant::now();
        let first = self.queries;
        loop {
            let output = agent.output();
            if (first..self.queries).any(|query| output.contains(&name(query))) {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "the agent is behind: {}", agent.log());
            self.exchange_query();
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn exchange_query(&mut self) {
        let (client, server) = (self.client.local_addr().unwrap(), self.server.local_addr().unwrap());
        let question = [&[7][..], name(self.queries).as_bytes(), &[4], b"test", &[0, 0, 1, 0, 1]].concat();
        for (from, to, flags) in [(&self.client, server, [1, 0]), (&self.server, client, [0x81, 0x80])] {
            let head = [&self.queries.to_be_bytes()[..], &flags, &[0, 1, 0, 0, 0, 0, 0, 0]].concat();
            from.send_to(&[&head[..], &question].concat(), to).unwrap();
        }
        self.queries += 1;
    }

    /// Keeps the agent busy.
    fn flood_until(&self, is_enough: impl Fn() -> bool) {
        let (started, sender) = (Instant::now(), UdpSocket::bind("127.0.0.1:0").unwrap());
        while !is_enough() {
            assert!(started.elapsed() < PATIENCE, "the agent does not mind");
            for _ in 0..1_000 {
                sender.send_to(b"flood", self.server.local_addr().unwrap()).unwrap();
            }
        }
    }
}

/// The name of a query, seven bytes long.
fn name(query: u16) -> String {
    format!("q{query:06}")
}

/// An agent on loopback that may take next to nothing, with little room for what it is behind with.
struct Agent {
    child: Child,
    directory: TempDir,
}

impl Agent {
    fn start(ports: [u16; 2]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        std::fs::write(path("agent.yaml"), CONFIGURATION).unwrap();
        let filter = format!("tcp port {} or udp port {}", ports[0], ports[1]);
        let child = df_agent()
            .args(["--no-ebpf", "--interface", "lo", "--filter", &filter])
            .args([PathBuf::from("--config"), path("agent.yaml"), PathBuf::from("--output"), path("output")])
            .stdout(Stdio::null())
            .stderr(File::create(path("log")).unwrap())
            .spawn()
            .unwrap();
        let agent = Self { child, directory };
        let started = Instant::now();
        while !agent.log().contains("observing") {
            assert!(started.elapsed() < PATIENCE, "{}", agent.log());
            thread::sleep(Duration::from_millis(10));
        }
        agent
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap()
    }

    fn output(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("output")).unwrap_or_default()
    }

    fn finish(&mut self) -> String {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}: {}", self.log());
        self.output()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const CONFIGURATION: &str = "global: {limits: {max_millicpus: 1}}
inputs: {cbpf: {af_packet: {tunning: {ring_blocks: 2}}}}
processors: {packet: {max_queued_batches: 8}}
";
/// How long the agent may take to get anywhere on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
