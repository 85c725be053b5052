//! Processes that end or live in a namespace of their own, watched by the probes. Needs root; says so where it is not.
#![cfg(all(any(feature = "aya", feature = "libbpf"), target_os = "linux"))]
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests say what they skip and fail where they are"
)]

mod loaders;
#[path = "live/watch.rs"]
#[allow(dead_code, reason = "each test uses some of it")]
mod watch;

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use df_bpf::{Event, ProbeConfig, Probes, ProcessChange};
use df_core::SocketId;
use watch::{Activity, ports, probes, probes_by_kind, python, watch};

#[test]
fn connections_of_a_killed_process_are_closed() {
    let Some(mut probes) = probes(&ProbeConfig::default().with_tls(None)) else { return };
    let Some(mut child) = python(include_str!("live/killed.py"), &[]) else { return };
    let port = ports(&mut child)[0];
    let seen = watch(&mut probes, &mut child, &[port]);
    let closed = |is_client: bool| {
        let of_it = seen.iter().filter(|one| (one.socket.remote.port == port) == is_client);
        let closed = of_it.filter(|one| one.activity == Activity::Closed);
        let mut ids: Vec<_> = closed.map(|one| (one.socket.id, one.pid == child.id())).collect();
        ids.sort();
        ids
    };
    let clients = closed(true);
    assert_eq!(clients.len(), 3, "{clients:?}");
    assert!(clients.windows(2).all(|pair| pair[0].0 != pair[1].0), "each once: {clients:?}");
    assert!(clients.iter().all(|(_, is_parent)| !is_parent), "told of the process that was killed");
    assert_eq!(closed(false).len(), 3);
}

#[test]
fn connections_that_end_without_a_call_of_close_are_closed_once() {
    for (kind, mut probes) in probes_by_kind() {
        println!("{kind}");
        connections_are_closed_once(&mut probes);
    }
}

fn connections_are_closed_once(probes: &mut Probes) {
    let Some(mut child) = python(include_str!("live/dropped.py"), &[]) else { return };
    let port = ports(&mut child)[0];
    let seen = watch(probes, &mut child, &[port]);
    let clients: Vec<_> = seen.iter().filter(|one| one.socket.remote.port == port).collect();
    let mut last: HashMap<SocketId, Vec<&Activity>> = HashMap::new();
    for one in &clients {
        last.entry(one.socket.id).or_default().push(&one.activity);
    }
    assert_eq!(last.len(), 6, "{clients:?}");
    for activities in last.values() {
        assert_eq!(activities.first(), Some(&&Activity::Opened), "{activities:?}");
        assert_eq!(activities.last(), Some(&&Activity::Closed), "{activities:?}");
        let closed = activities.iter().filter(|activity| ***activity == Activity::Closed).count();
        assert_eq!(closed, 1, "{activities:?}");
    }
    let received =
        clients.iter().filter_map(|one| one.moved()).filter(|moved| moved.bytes == b"after the end");
    assert_eq!(received.count(), 1, "what comes after the own end is told");
}

#[test]
fn the_life_of_a_process_is_told() {
    let Some(mut probes) = probes(&ProbeConfig::default().with_tls(None)) else { return };
    // It forks, its thread is no process, and the child runs another program, which ends with 3.
    let script = "import os, threading\nthreading.Thread(target=int).start()\nchild = os.fork()\nif child == 0: os.execvp('sh', ['sh', '-c', 'exit 3'])\nprint(child, flush=True); os.waitpid(child, 0)";
    let Some(mut parent) = python(script, &[]) else { return };
    let mut line = String::new();
    BufReader::new(parent.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
    let child: u32 = line.trim().parse().expect("a number");
    parent.wait().expect("our child");
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let mut told = Vec::new();
    let polled = probes.poll(Duration::from_millis(200), |event| {
        let Event::Process(event) = event else { return };
        if ![child, parent.id()].contains(&event.task.pid) {
            return;
        }
        assert!(event.task.pid == parent.id() || event.parent_pid == parent.id(), "{event:?}");
        // Both began within the last minute.
        let age = now.tv_sec - i64::try_from(event.start_ns / 1_000_000_000).expect("small");
        assert!((-1..60).contains(&age), "{event:?}");
        told.push((event.task.pid == child, told_change(&event.change)));
    });
    polled.expect("the rings can be read");
    let of = |is_child| told.iter().filter(move |one| one.0 == is_child).map(|one| one.1.as_str()).collect();
    let (of_parent, of_child): (Vec<_>, Vec<_>) = (of(false), of(true));
    assert!(matches!(of_child[..], ["started", path, "ended 768"] if path.ends_with("/sh")), "{told:?}");
    assert_eq!(of_parent.last(), Some(&"ended 0"));
    assert_eq!(of_parent.iter().filter(|change| **change == "started").count(), 1, "{told:?}");
}

fn told_change(change: &ProcessChange<'_>) -> String {
    match change {
        ProcessChange::Started => "started".to_owned(),
        ProcessChange::Executed { path } => String::from_utf8_lossy(path).into_owned(),
        ProcessChange::Exited { status } => format!("ended {status}"),
        _ => "something else".to_owned(),
    }
}

#[test]
fn in_a_pid_namespace_the_own_process_is_left_out_and_others_are_not() {
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--mount-proc"]).arg(std::env::current_exe().expect("this test"));
    let whole_name = loaders::test_name(module_path!(), "watch_from_a_namespace");
    command.args(["--exact", &whole_name, "--ignored", "--nocapture"]).env(INSIDE, "1");
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => return println!("skipped: unshare: {error}"),
    };
    let text = String::from_utf8_lossy(&output.stdout);
    if text.contains("skipped") || String::from_utf8_lossy(&output.stderr).contains("Operation not permitted")
    {
        return println!("skipped: {text}");
    }
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("of others: 4"), "{text}");
    assert!(text.contains("own: 0"), "{text}");
}

const INSIDE: &str = "DF_BPF_TEST_INSIDE";

/// Not a test by itself: talks to itself, lets another process talk to it, and tells what the probes saw.
#[test]
#[ignore = "another test runs it in a namespace"]
fn watch_from_a_namespace() {
    if std::env::var_os(INSIDE).is_none() {
        return;
    }
    assert!(std::process::id() < 100, "the number is one of a new namespace");
    let Some(mut probes) = probes(&ProbeConfig::default().with_tls(None)) else { return };
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("bound");
    let mut own = TcpStream::connect(address).expect("it listens");
    let mut served = listener.accept().expect("it was asked").0;
    own.write_all(b"to myself").expect("it is open");
    served.read_exact(&mut [0; 9]).expect("it was written");
    // Opened, two pieces, closed.
    let script = "import socket,sys; c=socket.create_connection(('127.0.0.1',int(sys.argv[1]))); c.send(b'ask'); c.recv(9); c.close()";
    let Some(mut child) = python(script, &[&address.port().to_string()]) else { return };
    let mut other = listener.accept().expect("it asks").0;
    other.read_exact(&mut [0; 3]).expect("it sends three bytes");
    other.write_all(b"answer").expect("it waits for that");
    child.wait().expect("our child");
    let (mut of_own, mut of_others) = (0, 0);
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(1) {
        let polled = probes.poll(Duration::from_millis(50), |event| {
            let Event::Socket(event) = event else { return };
            let ports = [event.socket.local.port, event.socket.remote.port];
            if !ports.contains(&address.port()) {
                return;
            }
            if event.task.command.as_text().starts_with("python") { of_others += 1 } else { of_own += 1 }
        });
        polled.expect("the rings can be read");
    }
    println!("of others: {of_others}\nown: {of_own}");
}
