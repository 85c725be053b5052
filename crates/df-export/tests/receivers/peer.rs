//! Real receivers from public package registries, started and stopped by the tests.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::certificates::Certificates;

/// The Python environment with the receivers, made on first use in `DF_TEST_PEERS` or below the target directory. None,
/// said aloud, where it cannot be made.
pub(crate) fn environment() -> Option<PathBuf> {
    let directory = std::env::var_os("DF_TEST_PEERS")
        .map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("peers"), PathBuf::from);
    match prepare(&directory) {
        Ok(()) => Some(directory.join("venv")),
        Err(reason) => {
            println!("skipped: the OTLP receivers cannot be installed: {reason}");
            None
        }
    }
}

fn prepare(directory: &Path) -> Result<(), String> {
    let shown = |error: std::io::Error| error.to_string();
    fs::create_dir_all(directory).map_err(shown)?;
    // Tests run as processes of their own: one installs, the others wait.
    let lock = File::create(directory.join("lock")).map_err(shown)?;
    lock.lock().map_err(shown)?;
    let marker = directory.join("installed");
    if fs::read_to_string(&marker).is_ok_and(|packages| packages == PACKAGES.join(" ")) {
        return Ok(());
    }
    run(Command::new("python3").args(["-m", "venv"]).arg(directory.join("venv")))?;
    let pip = directory.join("venv/bin/pip");
    run(Command::new(pip).args(["install", "--quiet", "--disable-pip-version-check"]).args(PACKAGES))?;
    fs::write(marker, PACKAGES.join(" ")).map_err(shown)
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)))
}

const PACKAGES: [&str; 3] = ["opentelemetry-proto==1.45.2", "grpcio==1.85.1", "rotel==0.0.1a15"];

/// How a referee is started.
#[derive(Default)]
pub(crate) struct Options<'a> {
    /// Ports to come back at; 0 for any.
    pub(crate) ports: (u16, u16),
    /// Whether only identifiers are written down.
    pub(crate) is_brief: bool,
    /// TLS, with demand for a client certificate.
    pub(crate) tls: Option<&'a Certificates>,
}

/// The strict receiver of `tests/peers/strict_otlp.py`.
pub(crate) struct Referee {
    child: Child,
    /// Port of gRPC.
    pub(crate) grpc: u16,
    /// Port of HTTP.
    pub(crate) http: u16,
    out: PathBuf,
}

impl Referee {
    pub(crate) fn start(environment: &Path, directory: &Path, options: &Options<'_>) -> Self {
        let started = Instant::now();
        let out = (0..1_000)
            .map(|number| directory.join(format!("requests.{number}")))
            .find(|path| !path.exists())
            .unwrap();
        let mut command = Command::new(environment.join("bin/python"));
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/strict_otlp.py"));
        command.arg("serve").arg("--out").arg(&out);
        command.args(["--grpc", &options.ports.0.to_string(), "--http", &options.ports.1.to_string()]);
        if options.is_brief {
            command.arg("--brief");
        }
        if let Some(certificates) = options.tls {
            command.arg("--certificate").arg(&certificates.server).arg("--key").arg(&certificates.server_key);
            command.arg("--client-authority").arg(&certificates.authority);
        }
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let mut words = line.split_whitespace();
        assert_eq!(words.next(), Some("up"), "the referee did not start");
        let mut port = || words.next().unwrap().parse().unwrap();
        println!("referee up after {:?}", started.elapsed());
        Self { grpc: port(), http: port(), child, out }
    }

    /// What was sent so far, request by request. A line that was being written when the referee was killed is no request.
    pub(crate) fn requests(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.out).unwrap_or_default();
        text.split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Kills it (SIGKILL).
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Referee {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Has the referee check a file of OTLP JSON lines; gives the number of items by signal.
pub(crate) fn check_file(environment: &Path, path: &Path) -> Value {
    let output = Command::new(environment.join("bin/python"))
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/strict_otlp.py"))
        .arg("check")
        .arg(path)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The collector `rotel`, which prints what it receives.
pub(crate) struct Rotel {
    child: Child,
    /// Port of gRPC.
    pub(crate) grpc: u16,
    /// Port of HTTP.
    pub(crate) http: u16,
    out: PathBuf,
}

impl Rotel {
    /// Starts it and waits until it listens; none, said aloud, where the package has no program.
    pub(crate) fn start(environment: &Path, directory: &Path) -> Option<Self> {
        let program = fs::read_dir(environment.join("lib")).unwrap().flatten().find_map(|entry| {
            let path = entry.path().join("site-packages/rotel/rotel-agent");
            path.exists().then_some(path)
        });
        let Some(program) = program else {
            println!("skipped: the package rotel has no program for this machine");
            return None;
        };
        let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (grpc, http) = (free(), free());
        let out = directory.join("rotel.log");
        let log = File::create(&out).unwrap();
        let child = Command::new(program)
            .arg("start")
            .args(["--otlp-grpc-endpoint", &format!("127.0.0.1:{grpc}")])
            .args(["--otlp-http-endpoint", &format!("127.0.0.1:{http}")])
            .args(["--exporter", "blackhole", "--debug-log-verbosity", "detailed"])
            .args(["--debug-log", "traces", "--debug-log", "metrics", "--debug-log", "logs"])
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while std::net::TcpStream::connect(("127.0.0.1", http)).is_err() {
            assert!(Instant::now() < deadline, "rotel did not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(Self { child, grpc, http, out })
    }

    /// What it printed.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.out).unwrap()
    }
}

impl Drop for Rotel {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A directory of this test's own, empty.
pub(crate) fn directory(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("receivers").join(name);
    drop(fs::remove_dir_all(&path));
    fs::create_dir_all(&path).unwrap();
    path
}

/// Writes a file and gives its path.
pub(crate) fn write(directory: &Path, name: &str, content: &str) -> PathBuf {
    let path = directory.join(name);
    File::create(&path).unwrap().write_all(content.as_bytes()).unwrap();
    path
}
