//! memcached.

use rustix::process::Signal;

use super::{Launch, Site};
use crate::PeerError;
use crate::place::find;

/// An empty memcached, over TCP and UDP.
pub(super) fn memcached(site: &Site<'_>) -> Result<Launch, PeerError> {
    let memcached = find("memcached", "memcached")?;
    let port = site.port.to_string();
    let mut command = site.place.tied_command(&memcached, None);
    command.args(["-l", "0.0.0.0", "-p", &port, "-U", &port, "-u", "nobody", "-m", "16", "-t", "1"]);
    Ok(Launch { command, ready_line: None, stop_signal: Signal::TERM })
}
