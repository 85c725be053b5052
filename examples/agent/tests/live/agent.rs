//! The agent under test, running.

use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use df_testing::{PeerError, Place};
use rustix::process::{Pid, Signal};
use serde_json::Value;
use tempfile::TempDir;

/// A running `df-agent run --raw --json`.
pub(crate) struct Agent {
    child: Child,
    directory: TempDir,
}

impl Agent {
    /// Starts the agent on packets to and from a port, and waits until it captures.
    pub(crate) fn start(place: &Place, interfaces: &[&str], port: u16) -> Self {
        Self::watch(place, interfaces, &format!("port {port}"))
    }

    /// Starts the agent on packets that an expression matches, and waits until it captures.
    pub(crate) fn watch(place: &Place, interfaces: &[&str], filter: &str) -> Self {
        Self::spawn(place, interfaces, &["--filter", filter, "--no-ebpf"], "")
    }

    /// Starts the agent on this host's loopback packets to and from some ports and on the processes that talk there.
    ///
    /// # Errors
    ///
    /// Processes cannot be observed, which the doctor knows too.
    pub(crate) fn start_with_processes(ports: &[u16]) -> Result<Self, PeerError> {
        Self::start_on_sockets(ports, false)
    }

    /// The same, and on Unix sockets.
    ///
    /// # Errors
    ///
    /// Those of [`start_with_processes`](Self::start_with_processes).
    pub(crate) fn start_with_unix_sockets(ports: &[u16]) -> Result<Self, PeerError> {
        Self::start_on_sockets(ports, true)
    }

    fn start_on_sockets(ports: &[u16], unix: bool) -> Result<Self, PeerError> {
        let only = format!(
            "inputs: {{ebpf: {{socket: {{kprobe: {{enable_unix_socket: {unix}, whitelist: {{ports: {ports:?}}}}}}}}}}}"
        );
        let each: Vec<String> = ports.iter().map(|port| format!("port {port}")).collect();
        let filter = each.join(" or ");
        let agent = Self::spawn(&Place::Host, &["lo"], &["--filter", &filter], &only);
        match agent.log().lines().find(|line| line.contains("processes are not observed")) {
            Some(line) => {
                assert!(!doctor_says_ready(), "the doctor sees no reason: {line}");
                Err(PeerError::Unsupported { what: line.to_owned() })
            }
            None => Ok(agent),
        }
    }

    fn spawn(place: &Place, interfaces: &[&str], options: &[&str], settings: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let configuration = directory.path().join("agent.yaml");
        std::fs::write(&configuration, format!("{UNBOUNDED}{settings}")).unwrap();
        let mut command = place.command(env!("CARGO_BIN_EXE_df-agent"));
        command
            .args(["run", "--raw", "--json", "--config"])
            .arg(configuration)
            .arg("--output")
            .arg(directory.path().join(RECORDS))
            .args(options);
        command.args(interfaces.iter().flat_map(|name| ["--interface", name]));
        let log = File::create(directory.path().join(LOG)).unwrap();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let mut agent = Self { child, directory };
        agent.wait_until(|line| line.contains("observing"));
        agent
    }

    /// Ends it as Ctrl-C does and gives the exchanges of a protocol that it saw.
    pub(crate) fn finish(self, protocol: &str) -> Vec<Value> {
        let is_wanted = |record: &Value| record["kind"] == "exchange" && record["protocol"] == protocol;
        self.finish_with_all().into_iter().filter(is_wanted).collect()
    }

    /// Ends it as Ctrl-C does and gives everything that it printed.
    pub(crate) fn finish_with_all(mut self) -> Vec<Value> {
        let id = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        // What has just passed may still be on its way through the ring.
        std::thread::sleep(Duration::from_millis(300));
        rustix::process::kill_process(id, Signal::INT).unwrap();
        let status = self.child.wait().unwrap();
        assert!(status.success(), "the agent ended with {status}: {}", self.log());
        let records = std::fs::read_to_string(self.directory.path().join(RECORDS)).unwrap();
        records.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Waits until a program's or library's TLS is read.
    pub(crate) fn wait_until_reading(&mut self, file: &str) {
        self.wait_until(|line| line.contains("reading the plain text") && line.contains(file));
    }

    fn wait_until(&mut self, is_told: impl Fn(&str) -> bool) {
        let started = Instant::now();
        while !self.log().lines().any(&is_told) {
            let has_ended = self.child.try_wait().unwrap().is_some();
            assert!(!has_ended && started.elapsed() < MAX_START, "the agent is not ready: {}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join(LOG)).unwrap_or_default()
    }
}

fn doctor_says_ready() -> bool {
    let output = Command::new(env!("CARGO_BIN_EXE_df-agent")).args(["doctor", "--json"]).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let row = |name: &str| report["rows"].as_array().unwrap().iter().find(|row| row["name"] == name).cloned();
    ["syscall tracepoints", "ring buffer", "BTF"].iter().all(|name| row(name).unwrap()["state"] == "ready")
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A build for tests takes several times as much as one that is released, and would leave out connections.
const UNBOUNDED: &str = "global: {limits: {max_millicpus: 100000}}\n";
const RECORDS: &str = "records.jsonl";
const LOG: &str = "agent.log";
const MAX_START: Duration = Duration::from_secs(10);
