//! Boots a kernel and collects what the self test tells on its console.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Machine;

/// What the self test told.
pub(super) struct Findings {
    lines: Vec<Value>,
    /// The end of what else was on the console: it tells why a self test broke off.
    last_words: String,
    duration: Duration,
}

/// Runs a guest until it powers off, for at most [`MAX_DURATION`]. The kernel is told further parameters.
pub(super) fn boot(
    machine: Machine,
    [kernel, initramfs, console]: [&Path; 3],
    parameters: &str,
) -> io::Result<Findings> {
    let begin = Instant::now();
    let program = format!("qemu-system-{}", machine.name());
    let (arguments, terminal): (&[&str], _) = match machine {
        Machine::X86 => (&["-cpu", "max"], "ttyS0"),
        // Newer models emulate the signing of pointers, which takes most of the time.
        Machine::Arm => (&["-M", "virt", "-cpu", "cortex-a57"], "ttyAMA0"),
    };
    let mut qemu = Command::new(&program);
    // Without acceleration: virtual machines, where this runs most, seldom lend theirs on.
    qemu.args(["-accel", "tcg,thread=multi", "-smp", "2", "-m", "512", "-nographic", "-no-reboot"]);
    qemu.args(arguments).arg("-kernel").arg(kernel).arg("-initrd").arg(initramfs);
    qemu.args(["-append", &format!("console={terminal} panic=-1 quiet {parameters}")]);
    qemu.stdin(Stdio::null()).stdout(File::create(console)?);
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{program}: {error}"));
    let status = wait(&mut qemu).map_err(named)?;
    let text = String::from_utf8_lossy(&fs::read(console)?).into_owned();
    let mut findings = Findings::from_console(&text, begin.elapsed());
    if status.is_none() {
        findings.last_words = format!("not done after {} s: {}", MAX_DURATION.as_secs(), findings.last_words);
    }
    Ok(findings)
}

/// The status, or None when it took too long and was ended.
fn wait(command: &mut Command) -> io::Result<Option<ExitStatus>> {
    let begin = Instant::now();
    let mut child = command.spawn()?;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if begin.elapsed() > MAX_DURATION {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

impl Findings {
    fn from_console(console: &str, duration: Duration) -> Self {
        // The firmware leaves its own characters before the first line.
        let finding = |line: &str| serde_json::from_str(line.get(line.find('{')?..)?.trim_end()).ok();
        let lines: Vec<Value> = console.lines().filter_map(finding).collect();
        let others: Vec<&str> = console.lines().filter(|line| finding(line).is_none()).collect();
        let last_words = others.get(others.len().saturating_sub(3)..).unwrap_or_default().join("; ");
        Self { lines, last_words, duration }
    }

    /// Whether the self test came to its end and everything went well.
    pub(super) fn is_good(&self) -> bool {
        self.of_kind("end").any(|end| end["result"] == "passed")
    }

    /// The release of the kernel, where it was told.
    pub(super) fn release(&self) -> Option<&str> {
        self.of_kind("kernel").next()?["release"].as_str()
    }

    /// How far the kernel is locked down, what loading the probes came to, and what opening a packet socket.
    pub(super) fn lockdown(&self) -> Option<[&str; 3]> {
        let lockdown = self.of_kind("lockdown").next()?;
        Some([lockdown["mode"].as_str()?, lockdown["probes"].as_str()?, lockdown["packets"].as_str()?])
    }

    /// How many hooks are attached, and how many there are.
    pub(super) fn hooks(&self) -> Option<(u64, u64)> {
        let probes = self.of_kind("probes").next()?;
        Some((probes["attached"].as_u64()?, probes["hooks"].as_u64()?))
    }

    /// Whether a feature is there.
    pub(super) fn has_feature(&self, name: &str) -> Option<bool> {
        self.of_kind("feature").find(|feature| feature["name"] == name)?["is_available"].as_bool()
    }

    /// The kinds of hooks that are used where nothing is said about it.
    pub(super) fn used(&self) -> Vec<&str> {
        let probes = self.of_kind("probes").next();
        let used = probes.and_then(|probes| probes["used"].as_array()).into_iter().flatten();
        used.filter_map(Value::as_str).collect()
    }

    /// What came of one kind of hooks alone: how many checks passed, and how many calls of many threads were told.
    pub(super) fn kind(&self, name: &str) -> String {
        let Some(kind) = self.of_kind("kind").find(|kind| kind["name"] == name) else { return String::new() };
        let of_kind = format!("{name}: ");
        let is_own = |check: &&Value| check["name"].as_str().is_some_and(|check| check.starts_with(&of_kind));
        let checks: Vec<&Value> = self.of_kind("check").filter(is_own).collect();
        let passed = checks.iter().filter(|check| check["result"] == "passed").count();
        match kind["is"].as_str() {
            Some("complete") => format!("{passed} of {}{}", checks.len(), self.crowd(name)),
            // Why is in the console's log.
            Some("partial") => {
                let detail = kind["detail"].as_str().unwrap_or_default();
                detail.split(':').next().unwrap_or_default().to_owned()
            }
            _ => "no".to_owned(),
        }
    }

    fn crowd(&self, kind: &str) -> String {
        let crowd = self.of_kind("crowd").find(|crowd| crowd["name"] == kind);
        let number = |key: &str| crowd.and_then(|crowd| crowd[key].as_u64());
        let (Some(threads), Some(told), Some(made)) = (number("threads"), number("told"), number("made"))
        else {
            return String::new();
        };
        if told == made {
            return format!("; {threads} threads: all");
        }
        let [sent, received, missed] =
            ["sent", "received", "missed_runs"].map(|key| number(key).unwrap_or(0));
        format!(
            "; {threads} threads: {told} of {made} ({sent} sent, {received} received), missed runs: {missed}"
        )
    }

    /// What came of the pairs of kinds that stand in where the first is not complete.
    pub(super) fn pairs(&self) -> String {
        let mut pairs: Vec<(&str, usize, usize)> = Vec::new();
        for check in self.of_kind("check") {
            let words =
                check["name"].as_str().and_then(|name| name.strip_prefix("sockets and ")?.split_once(':'));
            let Some((next, _)) = words else { continue };
            let passed = usize::from(check["result"] == "passed");
            match pairs.iter_mut().find(|pair| pair.0 == next) {
                Some(pair) => (pair.1, pair.2) = (pair.1 + passed, pair.2 + 1),
                None => pairs.push((next, passed, 1)),
            }
        }
        let pairs: Vec<String> =
            pairs.iter().map(|(next, passed, all)| format!("{next}: {passed} of {all}")).collect();
        pairs.join(", ")
    }

    /// What was found of one check, if it passed, or that it did not.
    pub(super) fn check(&self, name: &str) -> &str {
        let Some(check) = self.of_kind("check").find(|check| check["name"] == name) else { return "" };
        let detail = check["detail"].as_str().unwrap_or_default();
        match check["result"].as_str() {
            Some("passed") => detail,
            Some("skipped") => "skipped",
            _ => "**failed**",
        }
    }

    /// How many checks came to this result.
    pub(super) fn checks(&self, result: &str) -> usize {
        self.of_kind("check").filter(|check| check["result"] == result).count()
    }

    /// The names of those that failed.
    pub(super) fn failed_checks(&self) -> Vec<&str> {
        let failed = self.of_kind("check").filter(|check| check["result"] == "failed");
        failed.filter_map(|check| check["name"].as_str()).collect()
    }

    /// Everything that failed, in the words of the self test.
    pub(super) fn failures(&self) -> Vec<String> {
        let failed = self.lines.iter().filter(|line| line["result"] == "failed" && line["finding"] != "end");
        let mut failures: Vec<String> = failed.map(failure).collect();
        if self.of_kind("end").next().is_none() {
            failures.push(format!("broke off: {}", self.last_words));
        }
        failures
    }

    fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.lines.iter().filter(move |line| line["finding"] == kind)
    }
}

fn failure(line: &Value) -> String {
    let word = |key: &str| line[key].as_str().unwrap_or_default();
    format!("{} {}: {}", word("finding"), word("name"), word("detail"))
}

impl fmt::Display for Findings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.is_good() { "passed" } else { "FAILED" };
        let release = self.release().unwrap_or("no release told");
        write!(formatter, "{state} ({release}) in {} s", self.duration.as_secs())?;
        self.failures().iter().try_for_each(|failure| write!(formatter, "\n  {failure}"))
    }
}

/// Enough for an emulated processor on a busy host.
const MAX_DURATION: Duration = Duration::from_mins(10);

#[cfg(test)]
mod tests {
    use super::*;

    const CONSOLE: &str = "\u{1b}[2J{\"finding\":\"kernel\",\"release\":\"6.1.0\"}\r\n\
        {\"finding\":\"probes\",\"result\":\"failed\",\"attached\":1,\"hooks\":2}\r\n";

    #[test]
    fn a_console_tells_the_findings_whatever_stands_between_them() {
        let findings = Findings::from_console(CONSOLE, Duration::ZERO);
        assert_eq!((findings.release(), findings.hooks()), (Some("6.1.0"), Some((1, 2))));
    }

    #[test]
    fn a_self_test_that_breaks_off_has_failed_and_its_last_words_are_told() {
        let findings = Findings::from_console(&format!("{CONSOLE}Kernel panic\r\n"), Duration::ZERO);
        assert!(!findings.is_good());
        assert!(findings.failures().iter().any(|failure| failure == "broke off: Kernel panic"));
        let whole = format!("{CONSOLE}{{\"finding\":\"end\",\"result\":\"passed\"}}");
        assert!(Findings::from_console(&whole, Duration::ZERO).is_good());
    }
}
