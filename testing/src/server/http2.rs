//! HTTP/2 without TLS: nghttpd, nghttpx, nginx, and gRPC on Debian's Python.

use rustix::process::Signal;
use std::path::Path;

use super::{Launch, Site, http};
use crate::PeerError;
use crate::place::find;

/// nghttpd with a page, what it pushes with it, and trailers.
pub(super) fn nghttpd(site: &Site<'_>) -> Result<Launch, PeerError> {
    let nghttpd = find("nghttpd", "nghttp2-server")?;
    site.write("index.html", "<link rel=stylesheet href=/style.css>\n")?;
    site.write("style.css", "body { color: black }\n")?;
    site.write("large.txt", "Sixteen letters. ".repeat(1_200))?;
    let mut command = site.place.tied_command(&nghttpd, None);
    command.args(["--no-tls", "-a", "0.0.0.0", "--push=/index.html=/style.css", "--trailer=x-checksum: 7"]);
    command.arg("-d").arg(site.directory).arg(site.port.to_string());
    Ok(Launch { command, ready_line: None, stop_signal: Signal::TERM })
}

/// nghttpx in front of nginx, which answers HTTP/1 at its own port; upgrades to HTTP/2.
pub(super) fn nghttpx(site: &Site<'_>) -> Result<Launch, PeerError> {
    let nghttpx = find("nghttpx", "nghttp2-proxy")?;
    let mut command = site.place.tied_command(&nghttpx, None);
    command.arg(format!("--frontend=0.0.0.0,{};no-tls", site.port)).arg("--backend=127.0.0.1,80");
    command.args(["--workers=1", "--conf=/dev/null", "--single-process"]);
    Ok(Launch { command, ready_line: None, stop_signal: Signal::TERM })
}

/// nginx as for HTTP/1, with HTTP/2 on its port.
pub(super) fn nginx(site: &Site<'_>) -> Result<Launch, PeerError> {
    http::nginx_listening(site, " http2")
}

/// A gRPC server on Debian's `python3-grpcio`.
pub(super) fn grpc(site: &Site<'_>) -> Result<Launch, PeerError> {
    let python = Path::new("/usr/bin/python3");
    if !Path::new("/usr/lib/python3/dist-packages/grpc").is_dir() {
        let program = "python3 with grpc".to_owned();
        return Err(PeerError::Missing { program, package: "python3-grpcio" });
    }
    let mut command = site.place.tied_command(python, None);
    command.arg(http::peers().join("grpc_server.py")).arg(site.port.to_string());
    Ok(Launch { command, ready_line: None, stop_signal: Signal::TERM })
}
