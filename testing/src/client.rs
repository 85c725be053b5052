//! The servers' own clients, asked for many requests, and their own measurement of each.
//!
//! curl, dig and psql measure themselves, to the microsecond. The command-line clients of MariaDB and Redis do not, so
//! their Python drivers stand in, measured at the driver's socket.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use crate::PeerError;
use crate::place::{Place, find, run};
use crate::server::{Server, ServerKind};

/// One request as its client saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measurement {
    /// What was asked for, in the words of the exchange record's `request_resource`; no two requests ask the same.
    pub resource: String,
    /// What it was answered with, in the words of `response_code`; empty where success has no code.
    pub code: String,
    /// From before the request was sent until the answer had arrived, nanoseconds.
    pub duration_ns: u64,
}

/// How a client talks to its server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privacy {
    /// In clear.
    Clear,
    /// Through TLS, from the first byte on or from where the protocol says so.
    Tls,
}

/// Sends `count` different requests to a server, one after the other: most succeed, some fail, some take longer.
///
/// Where the caller may, the client runs with real-time priority, so that a busy machine does not come between the
/// wire and the client's clock.
///
/// # Errors
///
/// The client is missing or fails, or there is none for this kind of server.
pub fn measure(
    server: &Server,
    place: &Place,
    host: &str,
    count: usize,
) -> Result<Vec<Measurement>, PeerError> {
    let port = server.port().to_string();
    let clear = Privacy::Clear;
    match server.kind() {
        ServerKind::Nginx => curl(place, &format!("http://{host}:{port}"), &[], count),
        ServerKind::NginxTls => curl(place, &format!("https://{host}:{port}"), &[], count),
        ServerKind::Named => dig(place, host, &port, &[], count),
        ServerKind::PostgreSql => psql(place, (host, &port, clear), server.directory(), count),
        ServerKind::MariaDb => python(place, &["mariadb", host, &port], "pymysql", count),
        ServerKind::Redis => python(place, &["redis", host, &port], "redis", count),
        kind => Err(no_client(kind)),
    }
}

/// Does what [`measure`] does with a server on this host that can talk both ways, in one of them: the requests are the same
/// to the byte.
///
/// # Errors
///
/// Those of [`measure`].
pub fn measure_one_way(
    server: &Server,
    privacy: Privacy,
    count: usize,
) -> Result<Vec<Measurement>, PeerError> {
    const HOST: &str = "127.0.0.1";
    let (place, is_tls) = (&Place::Host, privacy == Privacy::Tls);
    let port = if is_tls { server.tls_port() } else { server.port() }.to_string();
    let python = |client: &str, module: &str| {
        let all = [client, HOST, &port, "tls"];
        python(place, if is_tls { &all } else { &all[..3] }, module, count)
    };
    match server.kind() {
        ServerKind::NginxBoth => {
            let scheme = if is_tls { "https" } else { "http" };
            let options = ["--http1.1", "-H", "Host: df.test"];
            curl(place, &format!("{scheme}://{HOST}:{port}"), &options, count)
        }
        ServerKind::NamedBoth => dig(place, HOST, &port, &[if is_tls { "+tls" } else { "+tcp" }], count),
        ServerKind::PostgreSql => psql(place, (HOST, &port, privacy), server.directory(), count),
        ServerKind::MariaDb => python("mariadb", "pymysql"),
        ServerKind::RedisBoth => python("redis", "redis"),
        kind => Err(no_client(kind)),
    }
}

/// Does what [`measure`] does with a server on this host, over its Unix socket: the requests are the same to the byte.
///
/// # Errors
///
/// Those of [`measure`].
pub fn measure_over_unix_socket(server: &Server, count: usize) -> Result<Vec<Measurement>, PeerError> {
    let (place, port, path) = (&Place::Host, server.port().to_string(), server.socket_path());
    let path = path.to_string_lossy();
    match server.kind() {
        ServerKind::Nginx => {
            curl(place, &format!("http://127.0.0.1:{port}"), &["--unix-socket", &path], count)
        }
        ServerKind::PostgreSql => {
            let folder = server.directory().join("data");
            psql(place, (&folder.to_string_lossy(), &port, Privacy::Clear), server.directory(), count)
        }
        ServerKind::MariaDb => python(place, &["mariadb", &path, &port], "pymysql", count),
        ServerKind::Redis => python(place, &["redis", &path, &port], "redis", count),
        kind => Err(no_client(kind)),
    }
}

fn no_client(kind: ServerKind) -> PeerError {
    PeerError::Failed { command: kind.name().to_owned(), output: "has no measured client".to_owned() }
}

fn curl(place: &Place, base: &str, options: &[&str], count: usize) -> Result<Vec<Measurement>, PeerError> {
    let path = |number: usize| match number % 20 {
        7 => format!("/none/{number}"),
        13 => format!("/fail?number={number}"),
        _ => format!("/item/{number}"),
    };
    let mut command = promptly(place, &find("curl", "curl")?);
    command.args(["-ksS", "-w", "%{url}\t%{http_code}\t%{time_pretransfer}\t%{time_starttransfer}\n"]);
    command.args(options);
    for number in 0..count {
        command.args(["-o", "/dev/null"]).arg(format!("{base}{}", path(number)));
    }
    let seconds = |text: &str| text.parse::<f64>().ok();
    let measurement = |line: &str| {
        let mut columns = line.split('\t');
        let resource = columns.next()?.strip_prefix(base)?.to_owned();
        let code = columns.next()?.to_owned();
        let (before, first) = (seconds(columns.next()?)?, seconds(columns.next()?)?);
        Some(Measurement { resource, code, duration_ns: nanoseconds(first - before) })
    };
    Ok(run(&mut command)?.lines().filter_map(measurement).collect())
}

fn dig(
    place: &Place,
    host: &str,
    port: &str,
    options: &[&str],
    count: usize,
) -> Result<Vec<Measurement>, PeerError> {
    let name = |number: usize| match number % 20 {
        7 => (format!("df-{number}.none.df.test"), "NXDOMAIN"),
        13 => (format!("df-{number}.elsewhere.example"), "REFUSED"),
        _ => (format!("df-{number}.item.df.test"), "NOERROR"),
    };
    let mut command = promptly(place, &find("dig", "bind9-dnsutils")?);
    command.args(["-u", "+noall", "+stats", "+tries=1", &format!("@{host}"), "-p", port]);
    command.args(options);
    command.args((0..count).map(|number| name(number).0));
    let output = run(&mut command)?;
    let times = output.lines().filter_map(|line| line.strip_prefix(";; Query time: ")?.strip_suffix(" usec"));
    let measurement = |(number, time): (usize, &str)| {
        let (resource, code) = name(number);
        Some(Measurement {
            resource,
            code: code.to_owned(),
            duration_ns: time.parse::<u64>().ok()?.checked_mul(1_000)?,
        })
    };
    Ok(times.enumerate().filter_map(measurement).collect())
}

fn psql(
    place: &Place,
    at: (&str, &str, Privacy),
    folder: &Path,
    count: usize,
) -> Result<Vec<Measurement>, PeerError> {
    let statement = |number: usize| match number % 20 {
        7 => (format!("SELECT 'df-{number}', pg_sleep(0.01);"), ""),
        13 => (format!("SELECT 'df-{number}' FROM nowhere;"), "42P01"),
        _ => (format!("SELECT 'df-{number}', name FROM product WHERE id = 1;"), ""),
    };
    let mut script = "\\timing on\n".to_owned();
    for number in 0..count {
        // Writing to a string does not fail.
        let _ = writeln!(script, "{}", statement(number).0);
    }
    let file = folder.join("statements.sql");
    std::fs::write(&file, script).map_err(|source| PeerError::File { path: file.clone(), source })?;
    let target = match at.2 {
        Privacy::Clear => "dbname=shop sslmode=disable",
        Privacy::Tls => "dbname=shop sslmode=require",
    };
    let mut command = promptly(place, &find("psql", "postgresql-client")?);
    command.args(["-X", "-q", "-t", "-h", at.0, "-p", at.1, "-U", "postgres", target, "-f"]);
    let output = run(command.arg(&file))?;
    let times = output.lines().filter_map(|line| line.strip_prefix("Time: ")?.split(' ').next());
    let measurement = |(number, milliseconds): (usize, &str)| {
        let (resource, code) = statement(number);
        let duration_ns = nanoseconds(milliseconds.parse::<f64>().ok()? / 1e3);
        Some(Measurement { resource, code: code.to_owned(), duration_ns })
    };
    Ok(times.enumerate().filter_map(measurement).collect())
}

fn python(
    place: &Place,
    arguments: &[&str],
    module: &str,
    count: usize,
) -> Result<Vec<Measurement>, PeerError> {
    let (python, modules) = (Path::new("/usr/bin/python3"), Path::new("/usr/lib/python3/dist-packages"));
    if !python.is_file() || !modules.join(module).is_dir() {
        let package = if module == "redis" { "python3-redis" } else { "python3-pymysql" };
        return Err(PeerError::Missing { program: format!("python3 with {module}"), package });
    }
    let mut command = promptly(place, python);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/measured_client.py"));
    command.args(arguments.get(..3).unwrap_or(arguments)).arg(count.to_string());
    let output = run(command.args(arguments.get(3..).unwrap_or_default()))?;
    let measurement = |line: &str| {
        let mut columns = line.split('\t');
        let (resource, code) = (columns.next()?.to_owned(), columns.next()?.to_owned());
        Some(Measurement { resource, code, duration_ns: columns.next()?.parse().ok()? })
    };
    Ok(output.lines().filter_map(measurement).collect())
}

/// A command that is not kept waiting for the processor.
fn promptly(place: &Place, program: &Path) -> Command {
    const REAL_TIME: [&str; 2] = ["--fifo", "10"];
    // A container's root may not have the privilege.
    if run(Command::new("chrt").args(REAL_TIME).arg("true")).is_err() {
        return place.command(program);
    }
    let mut command = place.command("chrt");
    command.args(REAL_TIME).arg(program);
    command
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "seconds of a test's request, positive"
)]
fn nanoseconds(seconds: f64) -> u64 {
    (seconds * 1e9).round() as u64
}
