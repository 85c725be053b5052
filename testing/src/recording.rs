//! A capture by tcpdump, whose word the agent's is compared with.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::PeerError;
use crate::place::{Place, find};
use crate::server::signal;

/// A running tcpdump.
#[derive(Debug)]
pub struct Recording {
    child: Child,
}

impl Recording {
    /// Records what passes `interface` into `file` and returns when the capture has begun.
    ///
    /// # Errors
    ///
    /// tcpdump is missing, or does not start.
    pub fn start(place: &Place, interface: &str, filter: &str, file: &Path) -> Result<Self, PeerError> {
        let tcpdump = find("tcpdump", "tcpdump")?;
        let log_path = file.with_extension("tcpdump.log");
        let open = |path: &Path| {
            File::create(path).map_err(|source| PeerError::File { path: path.to_path_buf(), source })
        };
        let child = place
            .tied_command(&tcpdump, None)
            .args([
                "-i",
                interface,
                "--time-stamp-precision=nano",
                "-U",
                "--immediate-mode",
                "-s",
                "0",
                "-Z",
                "root",
                "-n",
                "-w",
            ])
            .arg(file)
            .arg(filter)
            .stdout(Stdio::null())
            .stderr(open(&log_path)?)
            .spawn()
            .map_err(|error| PeerError::Failed {
                command: "tcpdump".to_owned(),
                output: error.to_string(),
            })?;
        let mut recording = Self { child };
        let outcome = recording.wait_until_listening(&log_path);
        // The log is only of use here.
        let _ = std::fs::remove_file(&log_path);
        outcome.map(|()| recording)
    }

    /// Ends the capture once what has passed until now is written.
    pub fn stop(mut self) {
        std::thread::sleep(SETTLE);
        signal(&self.child, Signal::INT);
        // It has ended or is killed by drop.
        let _ = self.child.wait();
    }

    fn wait_until_listening(&mut self, log_path: &Path) -> Result<(), PeerError> {
        let started = Instant::now();
        loop {
            let log = std::fs::read_to_string(log_path).unwrap_or_default();
            if log.contains("listening on") {
                return Ok(());
            }
            if started.elapsed() > MAX_WAIT || self.child.try_wait().is_ok_and(|ended| ended.is_some()) {
                return Err(PeerError::Failed { command: "tcpdump".to_owned(), output: log });
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How long packets may take from the wire into the file.
const SETTLE: Duration = Duration::from_millis(200);
const MAX_WAIT: Duration = Duration::from_secs(10);
