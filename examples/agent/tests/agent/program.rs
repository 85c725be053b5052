//! Runs the binary and keeps what it said.

use std::ffi::OsStr;
use std::process::{Command, Output, Stdio};

/// The binary, with an environment that no test depends on.
pub(crate) fn df_agent() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_df-agent"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("OTEL_") {
            command.env_remove(name);
        }
    }
    command.env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

/// What one run came to.
pub(crate) struct Run {
    pub(crate) exit_code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs the binary to its end.
pub(crate) fn run(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Run {
    df_agent().args(arguments).output().expect("the binary runs").into()
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            exit_code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("standard output is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("standard error is UTF-8"),
        }
    }
}

impl Run {
    /// The records on standard output, of one kind.
    pub(crate) fn records(&self, kind: &str) -> Vec<serde_json::Value> {
        let records = self.stdout.lines().map(|line| serde_json::from_str(line).expect("each line is JSON"));
        records.filter(|record: &serde_json::Value| record["kind"] == kind).collect()
    }
}
