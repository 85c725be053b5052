//! Runs a program under the probes and keeps what they tell of it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use df_bpf::{Event, ProbeConfig, Probes};
use df_core::{Socket, SocketActivity, StreamPosition, Transfer};

use super::loaders::loaded;

/// What the probes told of one socket, with its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) pid: u32,
    pub(crate) command: String,
    pub(crate) socket: Socket,
    pub(crate) activity: Activity,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Activity {
    Opened,
    Moved(Moved),
    Closed,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) transfer: Transfer,
    pub(crate) function: &'static str,
    pub(crate) bytes: Vec<u8>,
    pub(crate) original_len: usize,
    pub(crate) position: StreamPosition,
    pub(crate) causal_id: Option<u64>,
}

impl Seen {
    pub(crate) fn moved(&self) -> Option<&Moved> {
        match &self.activity {
            Activity::Moved(moved) => Some(moved),
            _ => None,
        }
    }
}

/// The probes, or a line that says why there are none.
pub(crate) fn probes(config: &ProbeConfig) -> Option<Probes> {
    let is_default = config.ring_bytes == ProbeConfig::default().ring_bytes;
    // With room for what else the machine does meanwhile.
    let ring_bytes = if is_default { 32 << 20 } else { config.ring_bytes };
    loaded(config.clone().with_ring_bytes(ring_bytes))
}

/// Starts a Python program, or says why not.
pub(crate) fn python(script: &str, arguments: &[&str]) -> Option<Child> {
    let mut command = Command::new("python3");
    command.arg("-c").arg(script).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    match command.spawn() {
        Ok(child) => Some(child),
        Err(error) => {
            println!("skipped: python3: {error}");
            None
        }
    }
}

/// The ports that a program prints first.
pub(crate) fn ports(child: &mut Child) -> Vec<u16> {
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
    line.split_whitespace().map(|port| port.parse().expect("a port")).collect()
}

/// Everything that happened at sockets with one of these ports until the program ended.
pub(crate) fn watch(probes: &mut Probes, child: &mut Child, ports: &[u16]) -> Vec<Seen> {
    let begin = Instant::now();
    let mut seen = Vec::new();
    loop {
        let status = child.try_wait().expect("the program can be waited for");
        poll(probes, ports, &mut seen);
        if let Some(status) = status {
            assert!(status.success(), "{status}");
            poll(probes, ports, &mut seen);
            return seen;
        }
        assert!(begin.elapsed() < Duration::from_secs(60), "the program does not end");
    }
}

/// What is there now and within a moment.
fn poll(probes: &mut Probes, ports: &[u16], seen: &mut Vec<Seen>) {
    let result = probes.poll(Duration::from_millis(30), |event| {
        let Event::Socket(event) = event else { return };
        if ![event.socket.local.port, event.socket.remote.port].iter().any(|port| ports.contains(port)) {
            return;
        }
        let activity = match event.activity {
            SocketActivity::Opened => Activity::Opened,
            SocketActivity::Closed => Activity::Closed,
            SocketActivity::Data(data) => Activity::Moved(Moved {
                transfer: data.transfer,
                function: data.function,
                bytes: data.bytes.to_vec(),
                original_len: data.original_len,
                position: data.position,
                causal_id: data.causal_id.map(df_core::CausalId::number),
            }),
            other => panic!("{other:?}"),
        };
        seen.push(Seen {
            pid: event.task.pid,
            command: event.task.command.as_text().into_owned(),
            socket: event.socket,
            activity,
        });
    });
    result.expect("the rings can be read");
}
