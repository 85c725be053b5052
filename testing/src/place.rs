//! Where a program runs: on this host, or in a network namespace.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::PeerError;

/// Where a program runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The namespace the test itself is in.
    Host,
    /// A network namespace, by name.
    Namespace(String),
}

impl Place {
    /// A command that runs `program` here.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let program = program.as_ref();
        match self {
            Self::Host => Command::new(program),
            Self::Namespace(name) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", name]).arg(program);
                command
            }
        }
    }

    /// Like `command`, but the kernel kills the program when the thread that started it ends, and `user` runs it if
    /// the caller is root.
    pub(crate) fn tied_command(&self, program: &Path, user: Option<&str>) -> Command {
        let mut command = self.command("setpriv");
        command.arg("--pdeathsig=KILL");
        if let Some(user) = user.filter(|_| is_root()) {
            command.args([format!("--reuid={user}"), format!("--regid={user}"), "--init-groups".to_owned()]);
        }
        command.arg("--").arg(program).stdin(Stdio::null());
        command
    }

    /// Whether somebody listens on a port here, of TCP or UDP.
    pub(crate) fn is_listening(&self, port: u16) -> bool {
        let local_port = format!(":{port:04X}");
        let tables = [
            ("/proc/net/tcp", STATE_LISTEN),
            ("/proc/net/tcp6", STATE_LISTEN),
            ("/proc/net/udp", STATE_UNCONNECTED),
        ];
        tables.iter().any(|(table, state)| {
            let Ok(output) = self.command("cat").arg(table).stderr(Stdio::null()).output() else {
                return false;
            };
            String::from_utf8_lossy(&output.stdout).lines().any(|line| {
                let mut columns = line.split_whitespace().skip(1);
                let is_here = columns.next().is_some_and(|local| local.ends_with(&local_port));
                is_here && columns.nth(1) == Some(*state)
            })
        })
    }
}

/// Whether this program runs as root.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Finds a program on the path, or where Debian keeps servers.
pub(crate) fn find(program: &str, package: &'static str) -> Result<PathBuf, PeerError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(usual)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
        .ok_or_else(|| PeerError::Missing { program: program.to_owned(), package })
}

/// Runs a command to its end and gives what it wrote, or how it failed.
pub(crate) fn run(command: &mut Command) -> Result<String, PeerError> {
    let text = format!("{command:?}");
    let failed = |output: String| PeerError::Failed { command: text, output };
    match command.stdin(Stdio::null()).output() {
        Ok(Output { status, stdout, .. }) if status.success() => {
            Ok(String::from_utf8_lossy(&stdout).into_owned())
        }
        Ok(Output { status, stdout, stderr }) => {
            let said = [String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr)].concat();
            Err(failed(format!("{status}\n{said}")))
        }
        Err(error) => Err(failed(error.to_string())),
    }
}

/// `TCP_LISTEN` as `/proc/net/tcp` writes it.
const STATE_LISTEN: &str = "0A";
/// The state of a UDP socket that takes datagrams from everybody.
const STATE_UNCONNECTED: &str = "07";
