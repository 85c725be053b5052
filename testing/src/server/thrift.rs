//! Thrift on Debian's Python.

use std::path::Path;
use std::process::Command;

use rustix::process::Signal;

use super::{Launch, Site, http};
use crate::PeerError;
use crate::place::{find, run};

/// A server of every transport, and of the old binary protocol on the next port. The code that the compiler makes of
/// the service is in its directory, for clients too.
pub(super) fn thrift(site: &Site<'_>) -> Result<Launch, PeerError> {
    let compiler = find("thrift", "thrift-compiler")?;
    let python = Path::new("/usr/bin/python3");
    if !Path::new("/usr/lib/python3/dist-packages/thrift").is_dir() {
        let program = "python3 with thrift".to_owned();
        return Err(PeerError::Missing { program, package: "python3-thrift" });
    }
    let service = http::peers().join("shop.thrift");
    run(Command::new(compiler).args(["--gen", "py", "-out"]).arg(site.directory).arg(service))?;
    let mut command = site.place.tied_command(python, None);
    command.arg(http::peers().join("thrift_server.py")).arg(site.port.to_string()).arg(site.directory);
    Ok(Launch { command, ready_line: None, stop_signal: Signal::TERM })
}
