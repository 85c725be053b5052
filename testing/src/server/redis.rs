//! Redis.

use rustix::process::Signal;

use super::{Launch, Site};
use crate::PeerError;
use crate::place::find;

/// An empty Redis that keeps nothing and allows `DEBUG SLEEP`.
pub(super) fn redis(site: &Site<'_>) -> Result<Launch, PeerError> {
    let redis = find("redis-server", "redis-server")?;
    let mut command = site.place.tied_command(&redis, None);
    command
        .args(["--port", &site.port.to_string()])
        .args(
            "--bind 0.0.0.0 --protected-mode no --appendonly no --enable-debug-command yes --daemonize no"
                .split(' '),
        )
        .args(["--save", "", "--dir"])
        .arg(site.directory);
    Ok(Launch { command, ready_line: Some("Ready to accept connections"), stop_signal: Signal::TERM })
}
