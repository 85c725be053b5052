//! Redis.

use rustix::process::Signal;

use super::{Launch, SOCKET, Site, certificate};
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
        .arg(site.directory)
        .arg("--unixsocket")
        .arg(site.path(SOCKET));
    Ok(Launch { command, ready_line: Some("Ready to accept connections"), stop_signal: Signal::TERM })
}

/// The same Redis, on the next port through TLS too.
pub(super) fn redis_with_tls(site: &Site<'_>) -> Result<Launch, PeerError> {
    certificate(site.directory, "root")?;
    let mut launch = redis(site)?;
    launch.command.args(["--tls-port", &site.tls_port().to_string(), "--tls-auth-clients", "no"]);
    for (option, file) in [("--tls-cert-file", "cert.pem"), ("--tls-key-file", "key.pem")] {
        launch.command.arg(option).arg(site.path(file));
    }
    Ok(launch)
}
