//! Looking at real processes, with a ledger in the kernel's place.

use std::cell::RefCell;
use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;

use super::*;

/// Hands out numbers for hooks and knows which are out: the ledger that the kernel would keep.
#[derive(Default, Clone)]
struct Ledger(Rc<RefCell<(u64, HashSet<u64>)>>);

impl Ledger {
    fn held(&self) -> usize {
        self.0.borrow().1.len()
    }
}

/// Refuses from the given hook on.
struct Kernel(Ledger, usize);

impl AttachHook for Kernel {
    type Link = u64;

    fn attach(&mut self, _: &Binary, _: Hook, path: &Path) -> Result<u64, String> {
        assert!(path.exists(), "{}", path.display());
        if self.0.held() >= self.1 {
            return Err("no more".to_owned());
        }
        let mut ledger = self.0.0.borrow_mut();
        ledger.0 += 1;
        let number = ledger.0;
        ledger.1.insert(number);
        Ok(number)
    }

    fn detach(&mut self, link: u64) {
        assert!(self.0.0.borrow_mut().1.remove(&link), "let go twice");
    }
}

/// A process that has libssl mapped and waits for its input to end.
fn python_with_ssl() -> Option<Child> {
    let script = "import ssl,sys;print('ready',flush=True);sys.stdin.read()";
    let mut command = Command::new("/usr/bin/python3");
    command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        println!("skipped: no Python");
        return None;
    };
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut()?).read_line(&mut line).ok()?;
    if line.trim() != "ready" || !candidates_of(&child).iter().any(|name| name.starts_with("libssl")) {
        println!("skipped: Python has no ssl module, or one with OpenSSL inside");
        return None;
    }
    Some(child)
}

fn candidates_of(child: &Child) -> Vec<String> {
    let name =
        |candidate: &Candidate| candidate.path.file_name().map(|name| name.to_string_lossy().into_owned());
    processes::candidates(child.id()).iter().filter_map(name).collect()
}

fn end(mut child: Child) {
    drop(child.stdin.take());
    child.wait().expect("it ends");
}

fn config() -> TlsConfig {
    // Other processes of this machine stay out of the test: none is swept.
    TlsConfig { max_poll_duration: Duration::MAX, max_waiting_processes: 4, ..TlsConfig::default() }
}

/// A watch that looks at this process alone.
fn watch_without_sweep(config: TlsConfig, now: Instant) -> TlsWatch<u64> {
    let mut watch = TlsWatch::new(config);
    watch.sweep_at = Some(now + Duration::from_secs(3600));
    watch
}

#[test]
fn a_library_is_hooked_once_for_all_processes_and_let_go_when_unused() {
    let (Some(first), Some(second)) = (python_with_ssl(), python_with_ssl()) else { return };
    let ledger = Ledger::default();
    let mut kernel = Kernel(ledger.clone(), usize::MAX);
    let start = Instant::now();
    let mut watch = watch_without_sweep(config(), start);
    watch.handle_exec(first.id(), Path::new("python3"), start);
    watch.poll(start, &mut kernel);
    assert_eq!(ledger.held(), 0, "a new process gets a moment to map its libraries");
    watch.poll(start + Duration::from_millis(10), &mut kernel);
    let library: Vec<AttachedBinary> = watch.attached().collect();
    assert_eq!(library.len(), 1, "{library:?}");
    assert_eq!((library[0].library, library[0].found_in_pid), (Library::OpenSsl, first.id()));
    assert_eq!(ledger.held(), library[0].hooks);
    watch.poll(start + Duration::from_secs(20), &mut kernel);
    watch.handle_exec(second.id(), Path::new("python3"), start + Duration::from_secs(20));
    watch.poll(start + Duration::from_secs(60), &mut kernel);
    assert_eq!((watch.stats().attached_binaries, ledger.held()), (1, library[0].hooks));
    assert_eq!(watch.stats().checked_processes, 8, "each at four times");
    end(first);
    end(second);
    watch.detach_unused(start + Duration::from_secs(149), &mut kernel);
    assert_eq!(ledger.held(), library[0].hooks, "not yet idle");
    watch.detach_unused(start + Duration::from_secs(151), &mut kernel);
    assert_eq!((ledger.held(), watch.stats().detached_binaries), (0, 1));
    assert_eq!(watch.attached().count(), 0);
}

#[test]
fn what_cannot_be_hooked_whole_is_not_hooked_at_all() {
    let Some(child) = python_with_ssl() else { return };
    let ledger = Ledger::default();
    let start = Instant::now();
    let mut watch = watch_without_sweep(config(), start);
    watch.handle_exec(child.id(), Path::new("python3"), start);
    watch.poll(start + Duration::from_secs(10), &mut Kernel(ledger.clone(), 5));
    assert_eq!(ledger.held(), 0);
    let refused: Vec<RefusedBinary> = watch.refused().collect();
    assert_eq!(refused.len(), 1);
    assert!(refused[0].reason.ends_with(": no more"), "{}", refused[0].reason);
    assert_eq!((watch.stats().refused_binaries, watch.stats().attached_binaries), (1, 0));

    let mut excluding = watch_without_sweep(config(), start);
    excluding.config.excluded_paths.push("libssl.so".to_owned());
    excluding.handle_exec(child.id(), Path::new("python3"), start);
    excluding.poll(start + Duration::from_secs(10), &mut Kernel(ledger.clone(), usize::MAX));
    assert_eq!((ledger.held(), excluding.refused().count()), (0, 1));

    let mut full = watch_without_sweep(TlsConfig { max_binaries: 0, ..config() }, start);
    full.handle_exec(child.id(), Path::new("python3"), start);
    full.handle_exec(child.id(), Path::new("python3"), start);
    full.poll(start + Duration::from_secs(10), &mut Kernel(ledger.clone(), usize::MAX));
    assert_eq!(full.stats().dropped_processes, 4);
    assert!(full.stats().deferred_binaries >= 4, "{:?}", full.stats());
    end(child);
}

#[test]
fn the_first_poll_looks_at_everything_that_runs() {
    let Some(child) = python_with_ssl() else { return };
    let ledger = Ledger::default();
    let mut kernel = Kernel(ledger.clone(), usize::MAX);
    let mut watch = TlsWatch::new(TlsConfig {
        max_poll_duration: Duration::MAX,
        max_processes_per_poll: 100_000,
        ..TlsConfig::default()
    });
    watch.poll(Instant::now(), &mut kernel);
    assert!(watch.attached().any(|binary| binary.path.to_string_lossy().contains("libssl")));
    assert!(ledger.held() > 0 && watch.next_poll_at().is_some());
    watch.detach_all(&mut kernel);
    assert_eq!(ledger.held(), 0);
    assert_eq!(watch.stats().attached_binaries, watch.stats().detached_binaries);
    end(child);
}
