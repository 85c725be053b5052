//! PostgreSQL with a database `shop`.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use super::{Launch, Site, certificate};
use crate::PeerError;
use crate::place::{Place, find, run};

/// A fresh PostgreSQL: user `postgres` without a password from anywhere, a table to ask for, TLS on request.
pub(super) fn postgresql(site: &Site<'_>) -> Result<Launch, PeerError> {
    let binaries = binaries()?;
    let data = site.folder_of("data", "postgres")?;
    let mut command = Place::Host.tied_command(&binaries.join("initdb"), Some("postgres"));
    command.arg("-D").arg(&data).args("-A trust -U postgres --no-sync -E UTF8 --locale=C".split(' '));
    run(&mut command)?;
    std::fs::write(data.join("pg_hba.conf"), "local all all trust\nhost all all all trust\n")
        .map_err(|source| PeerError::File { path: data.join("pg_hba.conf"), source })?;
    certificate(&data, "postgres")?;
    let mut command = Place::Host.tied_command(&binaries.join("postgres"), Some("postgres"));
    command.args(["--single", "-j", "-D"]).arg(&data).arg("postgres").stdin(Stdio::piped());
    feed(&mut command, "CREATE DATABASE shop;\n\n")?;
    let mut command = Place::Host.tied_command(&binaries.join("postgres"), Some("postgres"));
    command.args(["--single", "-j", "-D"]).arg(&data).arg("shop").stdin(Stdio::piped());
    feed(&mut command, INIT)?;
    let mut command = site.place.tied_command(&binaries.join("postgres"), Some("postgres"));
    command.arg("-D").arg(&data).arg("-p").arg(site.port.to_string()).arg("-k").arg(&data);
    for setting in
        ["listen_addresses=0.0.0.0", "fsync=off", "ssl=on", "ssl_cert_file=cert.pem", "ssl_key_file=key.pem"]
    {
        command.args(["-c", setting]);
    }
    Ok(Launch { command, ready_line: Some("ready to accept connections"), stop_signal: Signal::INT })
}

/// Debian keeps the server's programs of each version in a folder of its own.
fn binaries() -> Result<PathBuf, PeerError> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let folders = versions.map(|version| version.path().join("bin"));
    if let Some(folder) = folders.filter(|folder| folder.join("initdb").is_file()).max() {
        return Ok(folder);
    }
    let missing = PeerError::Missing { program: "initdb".to_owned(), package: "postgresql" };
    find("initdb", "postgresql").ok().and_then(|file| file.parent().map(PathBuf::from)).ok_or(missing)
}

/// Runs a command with text on its standard input.
fn feed(command: &mut Command, text: &str) -> Result<(), PeerError> {
    use std::io::Write as _;
    let failed =
        |command: &Command, output: String| PeerError::Failed { command: format!("{command:?}"), output };
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(command, error.to_string()))?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(text.as_bytes()).map_err(|error| failed(command, error.to_string()))?;
    }
    let output = child.wait_with_output().map_err(|error| failed(command, error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed(command, String::from_utf8_lossy(&output.stderr).into_owned()))
}

// With -j, a statement ends with a semicolon and an empty line.
const INIT: &str = "\
CREATE TABLE product (id int PRIMARY KEY, name text NOT NULL, price numeric(8,2));

INSERT INTO product VALUES (1,'lamp',19.90),(2,'chair',49.00),(3,'table',99.50);

";
