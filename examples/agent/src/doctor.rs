//! `df-agent doctor`: what this kernel and these privileges allow.

mod probes;

use std::fmt::Write as _;

use crate::Failure;
use crate::arguments::DoctorArguments;
use crate::output::print_text;

/// What was found out about one way to observe.
#[derive(Debug)]
struct Finding {
    name: &'static str,
    state: State,
    /// What was found, in a few words.
    detail: String,
    /// What to do about it; empty when there is nothing to do.
    remedy: String,
}

/// How far a way to observe can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It works now.
    Ready,
    /// Kernel and privileges would allow it; this build does not use it.
    Offered,
    /// Something is missing.
    Missing,
}

impl State {
    const fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Offered => "offered",
            Self::Missing => "missing",
        }
    }
}

/// Looks, and prints what was found. Missing abilities are no failure.
pub(crate) fn run(arguments: &DoctorArguments) -> Result<(), Failure> {
    let findings = probes::run(arguments.btf.as_deref());
    let kernel = rustix::system::uname().release().to_string_lossy().into_owned();
    if arguments.json {
        return print_text(&json(&kernel, &findings));
    }
    print_text(&table(&kernel, &findings))
}

fn table(kernel: &str, findings: &[Finding]) -> String {
    let mut text = format!("Linux {kernel}, df-agent {}\n\n", env!("CARGO_PKG_VERSION"));
    for finding in findings {
        let _ = writeln!(text, "{:24}  {:8}  {}", finding.name, finding.state.name(), finding.detail);
        if !finding.remedy.is_empty() {
            let _ = writeln!(text, "{:36}to get it: {}", "", finding.remedy);
        }
    }
    text.push_str(
        "\nready: works now. offered: kernel and privileges allow it, this build does not use it.\n",
    );
    text
}

fn json(kernel: &str, findings: &[Finding]) -> String {
    let rows: Vec<_> = findings
        .iter()
        .map(|finding| {
            let mut row = serde_json::json!({
                "name": finding.name,
                "state": finding.state.name(),
                "detail": finding.detail,
            });
            if !finding.remedy.is_empty() {
                row["remedy"] = finding.remedy.as_str().into();
            }
            row
        })
        .collect();
    let report = serde_json::json!({
        "kernel": kernel,
        "version": env!("CARGO_PKG_VERSION"),
        "ebpf_in_this_build": true,
        "rows": rows,
    });
    format!("{report}\n")
}
