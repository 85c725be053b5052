//! Progress of a long replay, on standard error where that is a terminal.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::summary::shown_bytes;

/// Shows how far a file has been read. The line is wiped when the file ends.
pub(super) struct Progress {
    name: String,
    total_bytes: u64,
    started: Instant,
    shown: Option<Instant>,
}

impl Progress {
    /// Progress of one file. Small files, streams of unknown length and other places than a terminal show none.
    pub(super) fn new(path: &Path, total_bytes: Option<u64>) -> Option<Self> {
        let total_bytes = total_bytes.filter(|bytes| *bytes >= MIN_BYTES)?;
        if !std::io::stderr().is_terminal() {
            return None;
        }
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Some(Self { name, total_bytes, started: Instant::now(), shown: None })
    }

    /// Shows the state, a few times a second.
    pub(super) fn show(&mut self, bytes_read: u64, packets: u64) {
        let now = Instant::now();
        if now.duration_since(self.shown.unwrap_or(self.started)) < INTERVAL {
            return;
        }
        self.shown = Some(now);
        let elapsed_ms = now.duration_since(self.started).as_millis().max(1);
        let packets_per_second = u128::from(packets) * 1_000 / elapsed_ms;
        let percent = bytes_read.min(self.total_bytes).saturating_mul(100) / self.total_bytes;
        let _ = write!(
            std::io::stderr(),
            "\r\x1b[K{}: {} of {} ({percent} %), {packets} packets, {packets_per_second} packets/s",
            self.name,
            shown_bytes(bytes_read),
            shown_bytes(self.total_bytes)
        );
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown.is_some() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

const MIN_BYTES: u64 = 32 << 20;
const INTERVAL: Duration = Duration::from_millis(200);
