//! Runs this program once more to make traffic, and keeps what the probes tell of it.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use df_bpf::{Event, Probes, ProcessChange};
use df_core::{Socket, SocketActivity, StreamPosition, Transfer};

use crate::Outcome;
use crate::calls::{Call, Result};
use crate::compared::compare;

/// What a program did, and what the probes told of it.
pub(crate) struct Watched {
    /// Why the program could not do its part.
    complaint: Option<String>,
    calls: Vec<Call>,
    told: Vec<Told>,
    /// Whether it was told that the program was started, and that it ended well.
    is_exec_told: bool,
    is_exit_told: bool,
}

/// What the probes told of one socket.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) is_server: bool,
    pub(crate) socket: Socket,
    pub(crate) activity: Activity,
}

/// As [`SocketActivity`], with the bytes.
#[derive(Debug)]
pub(crate) enum Activity {
    Opened,
    Moved { call: Call, position: StreamPosition },
    Closed,
    Other,
}

impl Watched {
    /// Runs this program with other arguments, under the probes.
    pub(crate) fn run(probes: &mut Probes, arguments: &[&str; 2]) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let mut output = BufReader::new(child.stdout.take().ok_or("no pipe")?);
        let mut port = String::new();
        output.read_line(&mut port)?;
        let port: u16 = port.trim().parse().unwrap_or(0);
        let mut watched = Self {
            complaint: None,
            calls: Vec::new(),
            told: Vec::new(),
            is_exec_told: false,
            is_exit_told: false,
        };
        watched.watch(probes, &mut child, port)?;
        let mut complaint = String::new();
        child.stderr.take().ok_or("no pipe")?.read_to_string(&mut complaint)?;
        watched.complaint = (!child.wait()?.success()).then_some(complaint);
        let lines = output.lines().collect::<std::io::Result<Vec<_>>>()?;
        watched.calls = lines.iter().filter_map(|line| Call::from_line(line)).collect();
        Ok(watched)
    }

    /// Whether each call was told once, with its bytes and its place.
    pub(crate) fn traffic(&self, payload_bytes: u32) -> Outcome {
        match &self.complaint {
            // Some hosts have no IPv6.
            Some(complaint) if self.calls.is_empty() => Outcome::Skipped(complaint.trim().to_owned()),
            Some(complaint) => Outcome::Failed(format!("the traffic itself failed: {complaint}")),
            None => compare(&self.calls, &self.told, usize::try_from(payload_bytes).unwrap_or(0)),
        }
    }

    /// How many calls were told that moved something this way.
    pub(crate) fn moved(&self, way: Transfer) -> usize {
        let is_such =
            |told: &&Told| matches!(&told.activity, Activity::Moved { call, .. } if call.transfer == way);
        self.told.iter().filter(is_such).count()
    }

    /// Whether the start and the end of the process were told.
    pub(crate) fn process(&self) -> Outcome {
        match (self.is_exec_told, self.is_exit_told) {
            (true, true) => Outcome::passed("exec and exit"),
            (false, _) => Outcome::Failed("its exec was not told".into()),
            (true, false) => Outcome::Failed("its exit was not told".into()),
        }
    }

    /// Until the program ended, and a moment longer: rings are read now and then.
    fn watch(&mut self, probes: &mut Probes, child: &mut Child, port: u16) -> Result<()> {
        let begin = Instant::now();
        loop {
            let has_ended = child.try_wait()?.is_some();
            while probes.poll(Duration::from_millis(100), |event| self.keep(&event, child.id(), port))? > 0 {}
            if has_ended {
                return Ok(());
            }
            if begin.elapsed() > MAX_DURATION {
                child.kill()?;
                return Err("the program that makes traffic does not end".into());
            }
        }
    }

    fn keep(&mut self, event: &Event<'_>, pid: u32, port: u16) {
        match event {
            Event::Process(process) if process.task.pid == pid => match process.change {
                ProcessChange::Executed { .. } => self.is_exec_told = true,
                ProcessChange::Exited { .. } => self.is_exit_told = true,
                ProcessChange::Started | _ => (),
            },
            Event::Socket(event) if [event.socket.local.port, event.socket.remote.port].contains(&port) => {
                let is_server = event.socket.local.port == port;
                let activity = activity(&event.activity, is_server);
                self.told.push(Told { is_server, socket: event.socket, activity });
            }
            _ => (),
        }
    }
}

fn activity(activity: &SocketActivity<'_>, is_server: bool) -> Activity {
    match activity {
        SocketActivity::Opened => Activity::Opened,
        SocketActivity::Closed => Activity::Closed,
        SocketActivity::Data(data) => Activity::Moved {
            call: Call {
                is_server,
                transfer: data.transfer,
                function: data.function.to_owned(),
                bytes: data.bytes.to_vec(),
                original_len: data.original_len,
            },
            position: data.position,
        },
        _ => Activity::Other,
    }
}

/// Emulated kernels are slow.
const MAX_DURATION: Duration = Duration::from_secs(120);
