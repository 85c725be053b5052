//! What is left of the probes and of packets where the kernel is locked down, told in `docs/kernel.md`.

use std::fs;
use std::io;
use std::path::Path;

use super::guest::{self, Findings};
use super::{Kernel, Machine, needs, prepare};
use crate::cargo::succeed;

/// The kernel that is locked down: the only one of a stable release that is new enough to be met for years.
const KERNEL: Kernel = Kernel { suite: "trixie", version: "6.12", machine: Machine::X86 };

/// Boots it in each mode and writes the table, if its name contains `only`.
pub(super) fn run(root: &Path, folder: &Path, only: &str, document: &Path) -> io::Result<()> {
    if !KERNEL.to_string().contains(only) || needs::missing(KERNEL.machine)?.is_some() {
        return Ok(());
    }
    let own = folder.join(KERNEL.to_string().replace(' ', "-"));
    let [kernel, image] = match prepare(root, &own, &KERNEL)? {
        Ok(files) => files,
        Err(error) => {
            println!("{KERNEL}, locked down: UNTESTED: {error}");
            return Ok(());
        }
    };
    let mut rows = Vec::new();
    for mode in ["integrity", "confidentiality"] {
        let console = own.join(format!("console-{mode}.log"));
        let parameters = format!("lsm=lockdown lockdown={mode}");
        let findings = guest::boot(KERNEL.machine, [&kernel, &image, &console], &parameters)?;
        let row = row(mode, &findings)?;
        println!("{KERNEL}, {}", row.trim_matches(['|', ' ']));
        rows.push(row);
    }
    write(document, &rows)
}

/// Locked down for integrity nothing may be missing.
fn row(mode: &str, findings: &Findings) -> io::Result<String> {
    let told = findings.lockdown().filter(|told| told[0] == mode);
    let Some([_, probes, packets]) = told else {
        return Err(io::Error::other(format!("{KERNEL} was not locked down to {mode}")));
    };
    let is_good = mode == "confidentiality" || findings.is_good();
    succeed(is_good, &format!("{KERNEL}, locked down to {mode}: {}", findings.failures().join("; ")))?;
    let checks = findings.checks("passed");
    let [probes, packets] = [probes, packets].map(|text| text.replace('|', "/").replace('\n', " "));
    Ok(format!("| {KERNEL} | `lockdown={mode}` | {probes} | {checks} | {packets} |"))
}

fn write(document: &Path, rows: &[String]) -> io::Result<()> {
    let text = fs::read_to_string(document)?;
    let replaced = text.split_once(BEGIN).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(END)?;
        Some(format!("{before}{BEGIN}\n\n{HEAD}\n{}\n\n{END}{after}", rows.join("\n")))
    });
    let lacking = || io::Error::other(format!("{} lacks the marks {BEGIN} and {END}", document.display()));
    fs::write(document, replaced.ok_or_else(lacking)?)
}

const HEAD: &str = "| kernel | booted with | what loading the probes gives | checks passed | packets |\n|---|---|---|---|---|";
const BEGIN: &str = "<!-- begin lockdown: written by cargo xtask kernels -->";
const END: &str = "<!-- end lockdown -->";
