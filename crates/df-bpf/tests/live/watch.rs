//! Runs a program under the probes and keeps what they tell of it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use df_bpf::{Event, HookKind, LoadError, ProbeConfig, Probes};
use df_core::{Socket, SocketActivity, StreamPosition, Timestamp, Transfer};

use super::loaders::{loaded, loader};

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
    /// When the call was entered and left.
    pub(crate) times: [Timestamp; 2],
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

/// The probes by each kind of hooks; a line for each that this kernel does not have.
pub(crate) fn probes_by_kind() -> impl Iterator<Item = (HookKind, Probes)> {
    HookKind::ALL.into_iter().filter_map(|kind| {
        match Probes::load(&ProbeConfig::default().with_hooks(kind).with_loader(loader())) {
            Ok(probes) => Some((kind, probes)),
            Err(error) => {
                assert_lacking(kind, &error);
                println!("skipped: {kind}: {error}");
                None
            }
        }
    })
}

/// That the kernel lacks a kind, found out in another way.
fn assert_lacking(kind: HookKind, error: &LoadError) {
    #[cfg(feature = "aya")]
    {
        let kernel = df_bpf::Kernel::probe();
        let feature = kernel.feature(match kind {
            HookKind::Socket => "tracepoints of sockets",
            HookKind::FunctionEntry => "function entries (fentry)",
            HookKind::Tracepoint => "system call tracepoints",
            HookKind::EveryCall => "typed raw tracepoints",
            HookKind::Kprobe => "kprobes",
            other => panic!("{other}"),
        });
        assert!(!feature.expect("it is tried").is_available, "{kind} are there, and yet: {error}");
    }
    #[cfg(not(feature = "aya"))]
    assert_ne!(kind, HookKind::Tracepoint, "{error}");
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

/// Everything that happened at sockets with one of these ports until the program ended, and that well.
pub(crate) fn watch(probes: &mut Probes, child: &mut Child, ports: &[u16]) -> Vec<Seen> {
    let seen = watch_to_the_end(probes, child, ports);
    let status = child.wait().expect("the program ended");
    assert!(status.success(), "{status}");
    seen
}

/// The same, however it ends.
pub(crate) fn watch_to_the_end(probes: &mut Probes, child: &mut Child, ports: &[u16]) -> Vec<Seen> {
    let begin = Instant::now();
    let mut seen = Vec::new();
    loop {
        let status = child.try_wait().expect("the program can be waited for");
        poll(probes, ports, &mut seen);
        if status.is_some() {
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
                times: [data.entry, data.exit],
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
