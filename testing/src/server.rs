//! A server's life: its directory, its start, its readiness and its end.

mod clickhouse;
mod dns;
mod http;
mod http2;
mod mariadb;
mod memcached;
mod mosquitto;
mod php;
mod plain;
mod postgresql;
mod redis;
mod thrift;
mod tls;

use std::fs::File;
use std::net::{TcpListener, UdpSocket};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use tempfile::TempDir;

use crate::PeerError;
use crate::place::{Place, find, run};

/// The servers that can be started, each as Debian packages it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerKind {
    /// nginx.
    Nginx,
    /// nginx speaking HTTP/2 without TLS.
    NginxHttp2,
    /// nghttpd without TLS.
    Nghttpd,
    /// nghttpx without TLS, in front of nginx.
    Nghttpx,
    /// A gRPC server made of Python's `grpcio`.
    Grpc,
    /// tinyproxy, for `CONNECT`.
    Tinyproxy,
    /// A WebSocket echo server made of Python's `websockets`.
    WebSocket,
    /// ISC BIND with a zone `df.test`.
    Named,
    /// Redis.
    Redis,
    /// memcached.
    Memcached,
    /// Eclipse Mosquitto, a broker of MQTT.
    Mosquitto,
    /// PHP behind FastCGI.
    PhpFpm,
    /// ClickHouse.
    ClickHouse,
    /// A Thrift server made of Debian's `python3-thrift`.
    Thrift,
    /// MariaDB with a database `shop`.
    MariaDb,
    /// PostgreSQL with a database `shop`.
    PostgreSql,
    /// nginx as a TLS server, on four ports.
    NginxTls,
    /// A QUIC echo server made of Python's `aioquic`.
    Quic,
    /// chrony that has a clock of its own.
    Chrony,
    /// A mail server made of Python's `aiosmtpd`.
    Mail,
    /// OpenLDAP with entries below `dc=df,dc=test`.
    Slapd,
    /// SIPp that takes every call.
    Sipp,
    /// nginx, on the next port through TLS too.
    NginxBoth,
    /// ISC BIND with a zone `df.test`, on the next port through TLS too.
    NamedBoth,
    /// Redis, on the next port through TLS too.
    RedisBoth,
}

impl ServerKind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[
        Self::Nginx,
        Self::NginxHttp2,
        Self::Nghttpd,
        Self::Nghttpx,
        Self::Grpc,
        Self::Tinyproxy,
        Self::WebSocket,
        Self::Named,
        Self::Redis,
        Self::Memcached,
        Self::Mosquitto,
        Self::PhpFpm,
        Self::ClickHouse,
        Self::Thrift,
        Self::MariaDb,
        Self::PostgreSql,
        Self::NginxTls,
        Self::Quic,
        Self::Chrony,
        Self::Mail,
        Self::Slapd,
        Self::Sipp,
        Self::NginxBoth,
        Self::NamedBoth,
        Self::RedisBoth,
    ];

    /// The name of the program.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::NginxHttp2 => "nginx-http2",
            Self::Nghttpd => "nghttpd",
            Self::Nghttpx => "nghttpx",
            Self::Grpc => "grpc",
            Self::Tinyproxy => "tinyproxy",
            Self::WebSocket => "websocket",
            Self::Named => "named",
            Self::Redis => "redis",
            Self::Memcached => "memcached",
            Self::Mosquitto => "mosquitto",
            Self::PhpFpm => "php-fpm",
            Self::ClickHouse => "clickhouse",
            Self::Thrift => "thrift",
            Self::MariaDb => "mariadb",
            Self::PostgreSql => "postgresql",
            Self::NginxTls => "nginx-tls",
            Self::Quic => "quic",
            Self::Chrony => "chrony",
            Self::Mail => "mail",
            Self::Slapd => "slapd",
            Self::Sipp => "sipp",
            Self::NginxBoth => "nginx-both",
            Self::NamedBoth => "named-both",
            Self::RedisBoth => "redis-both",
        }
    }

    /// The port that everybody knows it by.
    pub fn usual_port(self) -> u16 {
        match self {
            Self::Nginx | Self::NginxBoth => 80,
            Self::NginxHttp2 => 8443,
            Self::Nghttpd => 3000,
            Self::Nghttpx => 8080,
            Self::Grpc => 50_051,
            Self::Tinyproxy => 8888,
            Self::WebSocket => 8765,
            Self::Named | Self::NamedBoth => 53,
            Self::Redis | Self::RedisBoth => 6379,
            Self::Memcached => 11211,
            Self::Mosquitto => 1883,
            Self::PhpFpm | Self::ClickHouse => 9000,
            Self::Thrift => 9090,
            Self::MariaDb => 3306,
            Self::PostgreSql => 5432,
            Self::NginxTls => 443,
            Self::Quic => 4433,
            Self::Chrony => 123,
            Self::Mail => 25,
            Self::Slapd => 389,
            Self::Sipp => 5060,
        }
    }

    /// The Debian package that has it.
    pub fn package(self) -> &'static str {
        match self {
            Self::Nginx | Self::NginxBoth | Self::NginxHttp2 | Self::NginxTls => "nginx",
            Self::Nghttpd => "nghttp2-server",
            Self::Nghttpx => "nghttp2-proxy",
            Self::Grpc => "python3-grpcio",
            Self::Tinyproxy => "tinyproxy",
            Self::WebSocket => "python3-websockets",
            Self::Quic | Self::Mail => "python3",
            Self::Chrony => "chrony",
            Self::Slapd => "slapd",
            Self::Sipp => "sip-tester",
            Self::Named | Self::NamedBoth => "bind9",
            Self::Redis | Self::RedisBoth => "redis-server",
            Self::Memcached => "memcached",
            Self::Mosquitto => "mosquitto",
            Self::PhpFpm => "php8.2-fpm",
            Self::ClickHouse => "clickhouse-server",
            Self::Thrift => "python3-thrift",
            Self::MariaDb => "mariadb-server",
            Self::PostgreSql => "postgresql-15",
        }
    }
}

/// A running server, which ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    kind: ServerKind,
    port: u16,
    child: Child,
    /// How the server is asked to end; what does not is killed.
    stop_signal: Signal,
    directory: TempDir,
}

impl Server {
    /// Starts a server on a free port of this host, on address 127.0.0.1, and waits until it answers.
    ///
    /// # Errors
    ///
    /// The server is missing or does not start.
    pub fn start(kind: ServerKind) -> Result<Self, PeerError> {
        Self::start_at(kind, &Place::Host, free_port()?)
    }

    /// Starts a server on a port of a place and waits until it answers.
    ///
    /// # Errors
    ///
    /// The server is missing or does not start.
    pub fn start_at(kind: ServerKind, place: &Place, port: u16) -> Result<Self, PeerError> {
        let directory = fresh_directory()?;
        let site = Site { place, port, directory: directory.path() };
        let launch = match kind {
            ServerKind::Nginx => http::nginx(&site),
            ServerKind::NginxHttp2 => http2::nginx(&site),
            ServerKind::Nghttpd => http2::nghttpd(&site),
            ServerKind::Nghttpx => http2::nghttpx(&site),
            ServerKind::Grpc => http2::grpc(&site),
            ServerKind::Tinyproxy => http::tinyproxy(&site),
            ServerKind::WebSocket => http::websocket(&site),
            ServerKind::Named => dns::named(&site),
            ServerKind::Redis => redis::redis(&site),
            ServerKind::Memcached => memcached::memcached(&site),
            ServerKind::Mosquitto => mosquitto::mosquitto(&site),
            ServerKind::PhpFpm => php::php_fpm(&site),
            ServerKind::ClickHouse => clickhouse::clickhouse(&site),
            ServerKind::Thrift => thrift::thrift(&site),
            ServerKind::MariaDb => mariadb::mariadb(&site),
            ServerKind::PostgreSql => postgresql::postgresql(&site),
            ServerKind::NginxTls => tls::nginx(&site),
            ServerKind::Quic => tls::quic(&site),
            ServerKind::Chrony => plain::chrony(&site),
            ServerKind::Mail => plain::mail(&site),
            ServerKind::Slapd => plain::directory(&site),
            ServerKind::Sipp => plain::telephone(&site),
            ServerKind::NginxBoth => http::nginx_with_tls(&site),
            ServerKind::NamedBoth => dns::named_with_tls(&site),
            ServerKind::RedisBoth => redis::redis_with_tls(&site),
        }?;
        let Launch { mut command, ready_line, stop_signal } = launch;
        let log = File::create(site.log()).map_err(|source| PeerError::File { path: site.log(), source })?;
        let also_log = log.try_clone().map_err(|source| PeerError::File { path: site.log(), source })?;
        command.stdout(log).stderr(also_log);
        let child = command.spawn().map_err(|error| cannot_run(&command, &error))?;
        let mut server = Self { kind, port, child, stop_signal, directory };
        server.wait_until_ready(place, ready_line)?;
        Ok(server)
    }

    /// What it is.
    pub fn kind(&self) -> ServerKind {
        self.kind
    }

    /// The port it answers on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The port on which it talks through TLS, or begins to when its client asks for that; its only one where there is
    /// no other.
    pub fn tls_port(&self) -> u16 {
        let has_own =
            matches!(self.kind, ServerKind::NginxBoth | ServerKind::NamedBoth | ServerKind::RedisBoth);
        self.port.saturating_add(u16::from(has_own))
    }

    /// The path of its Unix socket, where it has one.
    pub fn socket_path(&self) -> PathBuf {
        let folder = self.directory.path();
        match self.kind {
            ServerKind::MariaDb => folder.join("data/mariadb.sock"),
            ServerKind::PostgreSql => folder.join(format!("data/.s.PGSQL.{}", self.port)),
            _ => folder.join(SOCKET),
        }
    }

    /// Its files, which go with it.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    fn wait_until_ready(&mut self, place: &Place, ready_line: Option<&str>) -> Result<(), PeerError> {
        let started = Instant::now();
        let log_path = self.directory.path().join(LOG);
        loop {
            let log = std::fs::read(&log_path).unwrap_or_default();
            let log = String::from_utf8_lossy(&log);
            if ready_line.is_none_or(|line| log.contains(line)) && place.is_listening(self.port) {
                return Ok(());
            }
            let has_ended = self.child.try_wait().is_ok_and(|ended| ended.is_some());
            if has_ended || started.elapsed() > MAX_START {
                let log: Vec<&str> = log.lines().rev().take(8).collect();
                let log = log.into_iter().rev().collect::<Vec<_>>().join("\n");
                return Err(PeerError::NotReady {
                    server: self.kind.name(),
                    seconds: started.elapsed().as_secs(),
                    log,
                });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        signal(&self.child, self.stop_signal);
        let asked = Instant::now();
        while asked.elapsed() < MAX_STOP {
            if self.child.try_wait().is_ok_and(|ended| ended.is_some()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where a server is to be.
struct Site<'a> {
    place: &'a Place,
    port: u16,
    directory: &'a Path,
}

impl Site<'_> {
    /// Where a server that has two ports talks through TLS.
    fn tls_port(&self) -> u16 {
        self.port.saturating_add(1)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    fn log(&self) -> PathBuf {
        self.path(LOG)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> Result<PathBuf, PeerError> {
        let path = self.path(name);
        std::fs::write(&path, content).map_err(|source| PeerError::File { path: path.clone(), source })?;
        Ok(path)
    }

    /// Makes a folder that belongs to `user`, if the caller is root.
    fn folder_of(&self, name: &str, user: &str) -> Result<PathBuf, PeerError> {
        let path = self.path(name);
        std::fs::create_dir(&path).map_err(|source| PeerError::File { path: path.clone(), source })?;
        if crate::is_root() {
            run(Command::new("chown").arg(user).arg(&path))?;
        }
        Ok(path)
    }
}

/// How a server is started, known to answer, and ended.
struct Launch {
    command: Command,
    /// What its log says when it is ready, for servers that listen before they answer.
    ready_line: Option<&'static str>,
    stop_signal: Signal,
}

/// Sends a signal to a child that has not been waited for.
pub(crate) fn signal(child: &Child, signal: Signal) {
    if let Some(id) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // A child that has ended needs no signal.
        let _ = rustix::process::kill_process(id, signal);
    }
}

fn cannot_run(command: &Command, error: &std::io::Error) -> PeerError {
    PeerError::Failed { command: format!("{command:?}"), output: error.to_string() }
}

/// A key and a self-signed certificate in one folder, readable by `user`.
fn certificate(folder: &Path, user: &str) -> Result<(), PeerError> {
    let openssl = find("openssl", "openssl")?;
    let arguments =
        "req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=df.test -keyout key.pem -out cert.pem";
    run(Command::new(openssl).args(arguments.split(' ')).current_dir(folder))?;
    if crate::is_root() {
        run(Command::new("chown").args([user, "key.pem", "cert.pem"]).current_dir(folder))?;
    }
    Ok(())
}

/// A port that nobody has at the moment, and that the kernel gives to no client: one that shares its port with others, as `dig`
/// does, may be given that of its server, and then it asks itself.
fn free_port() -> Result<u16, PeerError> {
    static NEXT: AtomicU32 = AtomicU32::new(0);

    // Tests run in processes of their own, each of which begins elsewhere.
    let first = std::process::id().wrapping_mul(61);
    let ports = u32::from(SERVER_PORTS.end - SERVER_PORTS.start);
    (0..ports)
        .map(|_| first.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % ports)
        .filter_map(|place| Some(SERVER_PORTS.start + u16::try_from(place).ok()?))
        .find(|&port| {
            TcpListener::bind(("127.0.0.1", port)).is_ok() && UdpSocket::bind(("127.0.0.1", port)).is_ok()
        })
        .ok_or_else(|| PeerError::Failed {
            command: format!("bind a port of 127.0.0.1 from {} to {}", SERVER_PORTS.start, SERVER_PORTS.end),
            output: "all of them are taken".to_owned(),
        })
}

/// A directory that unprivileged servers can look into.
fn fresh_directory() -> Result<TempDir, PeerError> {
    let failed = |source| PeerError::File { path: std::env::temp_dir(), source };
    let directory = tempfile::Builder::new().prefix("df-testing-").tempdir().map_err(failed)?;
    run(Command::new("chmod").arg("755").arg(directory.path()))?;
    Ok(directory)
}

/// Below what Linux gives to clients (`net.ipv4.ip_local_port_range`).
const SERVER_PORTS: Range<u16> = 21_000..25_000;
const LOG: &str = "server.log";
/// The Unix socket of a server that needs no other name for it.
const SOCKET: &str = "server.sock";
const MAX_START: Duration = Duration::from_secs(30);
const MAX_STOP: Duration = Duration::from_secs(5);
