//! Programs that really talk, watched by the probes. Needs root and python3; says so where they are missing.
#![cfg(all(any(feature = "aya", feature = "libbpf"), target_os = "linux"))]
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests say what they skip and fail where they are"
)]

mod loaders;
mod programs;
#[path = "live/watch.rs"]
pub(crate) mod watch;

use std::collections::HashMap;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use df_bpf::{Event, HookKind, ProbeConfig, ProcessFilter};
use df_core::{SocketActivity, SocketRole, StreamPosition, Timestamp, Transfer};
use loaders::is_reduced;
use watch::{Activity, Moved, Seen, ports, probes, probes_by_kind, python, watch, watch_to_the_end};

#[test]
fn every_call_over_ipv4() {
    every_tcp_call("127.0.0.1", "127.0.0.1");
}

#[test]
fn every_call_over_ipv6() {
    every_tcp_call("::1", "::1");
}

#[test]
fn every_call_over_ipv4_to_a_server_of_ipv6() {
    every_tcp_call("mapped", "127.0.0.1");
}

fn every_tcp_call(argument: &str, ip: &str) {
    for (kind, mut probes) in probes_by_kind() {
        let Some(mut child) = python(include_str!("live/tcp_calls.py"), &[argument]) else { return };
        let port = ports(&mut child)[0];
        let seen = watch(&mut probes, &mut child, &[port]);
        for seen in &seen {
            let (local, remote) = (seen.socket.local, seen.socket.remote);
            assert!(
                [local, remote].iter().all(|end| end.ip().is_some_and(|seen| seen.to_string() == ip)),
                "{kind}: {seen:?}"
            );
            let role = if local.port == port { SocketRole::Server } else { SocketRole::Client };
            assert_eq!(seen.socket.role, role);
            assert!(seen.socket.network_namespace > 0 && seen.pid == child.id());
            assert!(seen.command.starts_with("python"));
            // Tracepoints of sockets tell no beginning, but when what TCP sends left.
            let is_told =
                |[begin, end]: [Timestamp; 2]| begin < end || kind == HookKind::Socket && begin == end;
            assert!(seen.moved().is_none_or(|moved| is_told(moved.times)), "{kind}: {seen:?}");
        }
        let (server, client) = ends(&seen, port);
        assert_eq!(calls(&client), TCP_CLIENT_CALLS, "{kind}");
        assert_eq!(calls(&server), TCP_SERVER_CALLS, "{kind}");
        assert_streams_agree(&client, &server);
        let sent = seen.iter().filter_map(Seen::moved).filter(|moved| moved.transfer == Transfer::Sent);
        assert!(sent.filter(|moved| moved.times[0] < moved.times[1]).count() > 5, "{kind}");
        for end in [&client, &server] {
            assert_eq!(end.first().map(|seen| &seen.activity), Some(&Activity::Opened));
            assert_eq!(end.last().map(|seen| &seen.activity), Some(&Activity::Closed));
            assert_eq!(end.iter().filter(|seen| seen.moved().is_none()).count(), 2, "{kind}: {end:?}");
        }
    }
}

/// Function, bytes that were copied, bytes that there were.
const TCP_CLIENT_CALLS: &[(&str, usize, usize)] = &[
    ("sendto", 7, 7),
    ("write", 8, 8),
    ("writev", 9, 9),
    ("sendmsg", 10, 10),
    ("sendto", 9, 9),
    ("recvfrom", 1024, 5000),
    ("recvmsg", 1024, 2000),
    ("recvfrom", 700, 700),
    ("splice", 0, 300),
    ("sendto", 11, 11),
    ("sendto", 9, 9),
];
const TCP_SERVER_CALLS: &[(&str, usize, usize)] = &[
    ("recvfrom", 7, 7),
    ("read", 8, 8),
    ("readv", 9, 9),
    ("recvmsg", 10, 10),
    ("recvfrom", 6, 6),
    ("recvfrom", 3, 3),
    ("sendto", 1024, 5000),
    ("sendmsg", 1024, 2000),
    ("sendfile", 0, 700),
    ("splice", 0, 300),
    ("recvfrom", 0, 11),
    ("recvfrom", 9, 9),
];

#[test]
fn every_call_that_moves_datagrams() {
    for (kind, probes) in probes_by_kind() {
        println!("{kind}");
        every_datagram_call(probes);
    }
}

fn every_datagram_call(mut probes: df_bpf::Probes) {
    let Some(mut child) = python(include_str!("live/udp_calls.py"), &[]) else { return };
    let port = ports(&mut child)[0];
    let seen = watch(&mut probes, &mut child, &[port]);
    let (server, client) = ends(&seen, port);
    let texts = |end: &[&Seen]| -> Vec<(&'static str, String, usize)> {
        let moved = end.iter().filter_map(|seen| seen.moved());
        moved.map(|moved| (moved.function, text(moved), moved.original_len)).collect()
    };
    let expected = [
        ("recvfrom", "question 1", 10),
        ("sendto", "answer 1", 8),
        ("recvmsg", "question 2", 10),
        ("sendmsg", "answer 2", 8),
        ("recvfrom", "question 3", 10),
        ("recvmmsg", "first of two", 12),
        ("recvmmsg", "second", 6),
    ];
    assert_eq!(texts(&server), expected.map(|(function, text, len)| (function, text.to_owned(), len)));
    let expected = [
        ("sendto", "question 1", 10),
        ("recvfrom", "answer 1", 8),
        ("sendmsg", "question 2", 10),
        ("recvmsg", "answer 2", 8),
        ("sendto", "question 3 is cut", 17),
        ("sendmmsg", "first of two", 12),
        ("sendmmsg", "second", 6),
    ];
    assert_eq!(texts(&client), expected.map(|(function, text, len)| (function, text.to_owned(), len)));
    // Sockets that are not connected: the other end is in the call.
    let client_port = client[0].socket.local.port;
    assert!(client_port > 0);
    assert!(
        server[..4].iter().all(|seen| seen.socket.remote.to_string() == format!("127.0.0.1:{client_port}"))
    );
    assert!(client.iter().all(|seen| seen.socket.remote.to_string() == format!("127.0.0.1:{port}")));
    assert!(server.iter().all(|seen| seen.socket.role == SocketRole::Server));
    assert!(client.iter().all(|seen| seen.socket.role == SocketRole::Client));
    let positions = seen.iter().filter_map(Seen::moved).map(|moved| moved.position);
    assert!(positions.into_iter().all(|position| position == StreamPosition::Datagram));
}

#[test]
fn calls_of_a_32_bit_program_are_left_out_whatever_their_numbers_mean_otherwise() {
    if !cfg!(target_arch = "x86_64") {
        println!("skipped: such calls are made by programs of x86_64 alone");
        return;
    }
    for (kind, mut probes) in probes_by_kind() {
        let source = include_str!("live/old_calls.c");
        let Some(program) = programs::c_program(&format!("old_calls_{}", kind.name()), source, &[]) else {
            return;
        };
        let mut child = Command::new(program).stdout(Stdio::piped()).spawn().expect("it was built");
        let port = ports(&mut child)[0];
        let seen = watch_to_the_end(&mut probes, &mut child, &[port]);
        if child.wait().expect("it ended").code() == Some(77) {
            println!("skipped: this kernel has no calls of 32-bit programs");
            return;
        }
        let (server, client) = ends(&seen, port);
        assert_eq!(calls(&server), [("sendto", 6, 6)], "{kind}");
        assert_eq!(calls(&client), [("sendto", 5, 5), ("recvfrom", 6, 6)], "{kind}");
        let closed: Vec<bool> = server.iter().map(|seen| seen.activity == Activity::Closed).collect();
        assert_eq!(closed, [false, false, true], "{kind}: a read is taken for a close");
    }
}

#[test]
fn a_connection_that_is_older_than_the_probes() {
    let Some(mut child) = python(include_str!("live/existing.py"), &[]) else { return };
    let port = ports(&mut child)[0];
    let probes = probes(&ProbeConfig::default());
    child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    let Some(mut probes) = probes else { return };
    let seen = watch(&mut probes, &mut child, &[port]);
    let told: Vec<_> = seen.iter().filter_map(|seen| Some((seen.socket.role, text(seen.moved()?)))).collect();
    let expected = [
        (SocketRole::Client, "question"),
        (SocketRole::Server, "question"),
        (SocketRole::Server, "answer"),
        (SocketRole::Client, "answer"),
    ];
    assert_eq!(told, expected.map(|(role, text)| (role, text.to_owned())));
    let (server, client) = ends(&seen, port);
    assert_streams_agree(&client, &server);
}

#[test]
fn ports_say_how_much_is_told() {
    let Some(mut child) = python(include_str!("live/port_payloads.py"), &[]) else { return };
    let ports = ports(&mut child);
    let limits = [(ports[0], 100), (ports[1], 0), (ports[3], 50)];
    let config =
        ProbeConfig::default().with_payload_bytes(2000).with_port_payload_bytes(limits).with_tls(None);
    let Some(mut probes) = probes(&config) else { return };
    child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    let seen = watch(&mut probes, &mut child, &ports);
    for (port, expected) in ports.iter().zip([100, 0, 2000, 50]) {
        let (server, client) = ends(&seen, *port);
        let of_port = |end: Vec<&Seen>| -> Vec<(usize, usize)> {
            let moved =
                end.iter().filter(|seen| seen.socket.local.port == *port || seen.socket.remote.port == *port);
            moved
                .filter_map(|seen| seen.moved())
                .map(|moved| (moved.bytes.len(), moved.original_len))
                .collect()
        };
        assert_eq!(of_port(server), [(expected, 3000)], "at the server of port {port}");
        assert_eq!(of_port(client), [(expected, 3000)], "at its client");
    }
}

#[test]
fn a_message_of_many_pieces_is_cut_and_counted_and_what_follows_stands_where_it_should() {
    let Some(mut probes) = probes(&ProbeConfig::default()) else { return };
    let Some(mut child) = python(include_str!("live/vectors.py"), &[]) else { return };
    let port = ports(&mut child)[0];
    let seen = watch(&mut probes, &mut child, &[port]);
    let (server, client) = ends(&seen, port);
    // Of 40 buffers of ten bytes.
    let copied = if is_reduced() { 40 } else { 160 };
    assert_eq!(calls(&client), [("sendmsg", copied, 400), ("sendmsg", 8, 8), ("recvfrom", 6, 6)]);
    assert_streams_agree(&client, &server);
    let stats = probes.stats().expect("counters can be read");
    assert!(stats.processors.iter().map(|processor| processor.vectors_cut).sum::<u64>() >= 1);
}

#[test]
fn of_two_datagram_sockets_with_chosen_ports_the_one_that_asks_is_the_client() {
    let Some(mut probes) = probes(&ProbeConfig::default()) else { return };
    let Some(mut child) = python(include_str!("live/udp_ports.py"), &[]) else { return };
    let port = ports(&mut child)[0];
    let seen = watch(&mut probes, &mut child, &[port]);
    let (server, client) = ends(&seen, port);
    let moved = |end: &[&Seen]| end.iter().filter(|seen| seen.moved().is_some()).count();
    assert_eq!((moved(&server), moved(&client)), (2, 2));
    assert!(
        server.iter().filter(|one| one.moved().is_some()).all(|one| one.socket.role == SocketRole::Server)
    );
    assert!(
        client.iter().filter(|one| one.moved().is_some()).all(|one| one.socket.role == SocketRole::Client)
    );
}

#[test]
fn a_server_of_threads_links_every_call_to_the_request_that_caused_it() {
    let Some(mut probes) = probes(&ProbeConfig::default()) else { return };
    let Some(mut child) = python(include_str!("live/chain.py"), &[]) else { return };
    let ports = ports(&mut child);
    let seen = watch(&mut probes, &mut child, &ports);
    let links = links(&seen, ports[0], ports[1]);
    assert_eq!((links.right, links.wrong, links.missing), (40, 0, 0));
    // Both parts of every answer belong to their request.
    assert_eq!(links.answers, 40);
}

#[test]
fn an_event_loop_links_no_call_to_another_request() {
    let Some(mut probes) = probes(&ProbeConfig::default()) else { return };
    let Some(mut child) = python(include_str!("live/loop.py"), &[]) else { return };
    let ports = ports(&mut child);
    let seen = watch(&mut probes, &mut child, &ports);
    let links = links(&seen, ports[0], ports[1]);
    println!("{} calls linked, {} not", links.right, links.missing);
    assert_eq!((links.wrong, links.right + links.missing), (0, 80));
    assert_eq!(links.answers, 40);
}

#[test]
fn requests_that_are_handed_to_a_pool_are_linked_to_nothing_wrong() {
    let Some(mut probes) = probes(&ProbeConfig::default().with_tls(None)) else { return };
    let Some(mut child) = python(include_str!("live/pool.py"), &["threads"]) else { return };
    let ports = ports(&mut child);
    let seen = watch(&mut probes, &mut child, &ports);
    let links = links(&seen, ports[0], ports[1]);
    println!("{} calls linked, {} not", links.right, links.missing);
    assert_eq!((links.wrong, links.right + links.missing), (0, 160));
    assert_eq!(links.answers, 80, "whoever sends them");
}

#[test]
fn what_an_event_loop_does_by_itself_belongs_to_no_request() {
    let Some(mut probes) = probes(&ProbeConfig::default().with_tls(None)) else { return };
    let Some(mut child) = python(include_str!("live/pool.py"), &["timer"]) else { return };
    let ports = ports(&mut child);
    let mut seen = watch(&mut probes, &mut child, &ports);
    let is_tick = |one: &Seen| one.moved().is_some_and(|moved| text(moved) == "tick");
    let ticks: Vec<&Seen> =
        seen.iter().filter(|one| is_tick(one) && one.socket.remote.port == ports[0]).collect();
    assert!(ticks.len() > 50, "{}", ticks.len());
    let linked = ticks.iter().filter(|one| one.moved().is_some_and(|moved| moved.causal_id.is_some()));
    assert_eq!(linked.count(), 0, "of {}", ticks.len());
    seen.retain(|one| !is_tick(one));
    let links = links(&seen, ports[0], ports[1]);
    println!("{} calls linked, {} not", links.right, links.missing);
    assert_eq!((links.wrong, links.right + links.missing), (0, 80));
}

#[test]
fn nginx_passes_every_request_on_under_its_own_id() {
    if std::process::Command::new("nginx").arg("-v").output().is_err() {
        println!("skipped: nginx is missing");
        return;
    }
    for keepalive in ["0", "4"] {
        let Some(mut probes) = probes(&ProbeConfig::default()) else { return };
        let Some(mut child) = python(PROXY, &[keepalive]) else { return };
        let ports = ports(&mut child);
        let seen = watch(&mut probes, &mut child, &ports);
        let links = links(&seen, ports[0], ports[1]);
        assert_eq!((links.right, links.wrong, links.missing), (320, 0, 0), "{keepalive} connections kept");
    }
}

#[test]
fn what_is_left_out_links_no_call_to_another_request() {
    let mut left_out = 0;
    for (script, argument) in [
        (include_str!("live/chain.py"), ""),
        (include_str!("live/loop.py"), ""),
        (include_str!("live/pool.py"), "threads"),
        (PROXY, "4"),
    ] {
        let Some(mut probes) = probes(&ProbeConfig::default().with_tls(None)) else { return };
        if script == PROXY && Command::new("nginx").arg("-v").output().is_err() {
            println!("skipped: nginx is missing");
            return;
        }
        probes.leave_out(128).expect("a map of ours");
        let Some(mut child) = python(script, &[argument]) else { return };
        let ports = ports(&mut child);
        let seen = watch(&mut probes, &mut child, &ports);
        let links = links(&seen, ports[0], ports[1]);
        println!(
            "{} calls linked, {} not, {} to what was left out",
            links.right, links.missing, links.to_none
        );
        assert_eq!(links.wrong, 0);
        let stats = probes.stats().expect("counters can be read");
        left_out += stats.processors.iter().map(|processor| processor.left_out_records).sum::<u64>();
    }
    assert!(left_out > 0, "of the connections of four programs some are left out");
}

#[test]
fn a_go_server_links_every_call_whichever_goroutine_writes_it() {
    if is_reduced() {
        println!("the reduced programs do not tell goroutines apart");
        return;
    }
    for toolchain in programs::go_toolchains() {
        let Some(program) = programs::go_chain(&toolchain) else { return };
        let Some((seen, ports)) = watch_go(&program, "http1") else { return };
        let links = links(&seen, ports[0], ports[1]);
        println!("{}: {} calls linked, {} not", toolchain.name, links.right, links.missing);
        if cfg!(target_arch = "x86_64") {
            assert_eq!((links.right, links.wrong, links.missing), (640, 0, 0));
        }
        assert_eq!(links.wrong, 0);
    }
}

#[test]
fn calls_of_a_go_server_that_share_a_connection_are_linked_one_by_one() {
    if is_reduced() {
        println!("the reduced programs do not tell goroutines apart");
        return;
    }
    for toolchain in programs::go_toolchains() {
        let Some(program) = programs::go_chain(&toolchain) else { return };
        let Some((mut seen, ports)) = watch_go(&program, "http2") else { return };
        let is_of_back = |one: &Seen| one.socket.remote.port == ports[0];
        let answers = seen.iter().filter(|one| is_of_back(one)).filter_map(Seen::moved);
        let answers = answers.filter(|moved| moved.transfer == Transfer::Received);
        let claimed = answers.filter(|moved| moved.causal_id.is_some()).count();
        assert_eq!(claimed, 0, "of several calls at once nobody knows which one is answered");
        // Header fields are compressed: the bodies tell the numbers.
        seen.retain(|one| {
            !is_of_back(one) || one.moved().is_some_and(|moved| text(moved).contains("request "))
        });
        let links = links(&seen, ports[0], ports[1]);
        println!("{}: {} calls linked, {} not", toolchain.name, links.right, links.missing);
        if cfg!(target_arch = "x86_64") {
            assert_eq!((links.right, links.wrong, links.missing), (640, 0, 0));
        }
        assert_eq!(links.wrong, 0);
    }
}

/// Watches the Go program that asks another server, under many clients. Gives what was seen, and the ports of both servers.
fn watch_go(program: &std::path::Path, version: &str) -> Option<(Vec<Seen>, Vec<u16>)> {
    let mut probes = probes(&ProbeConfig::default())?;
    let path = program.to_str().expect("a path in UTF-8");
    let mut child = python(GOROUTINES, &[path, version])?;
    let ports = ports(&mut child);
    let begin = std::time::Instant::now();
    let is_known = |probes: &df_bpf::Probes| {
        let report = probes.tls_report().expect("programs are looked at");
        report.attached.iter().any(|file| file.path == program)
    };
    while !is_known(&probes) {
        assert!(begin.elapsed().as_secs() < 60, "the program is not found: {:?}", probes.tls_report());
        probes.poll(std::time::Duration::from_millis(20), |_| ()).expect("the rings can be read");
    }
    // Both of its processes are.
    let settled = std::time::Instant::now();
    while settled.elapsed().as_secs() < 2 {
        probes.poll(std::time::Duration::from_millis(20), |_| ()).expect("the rings can be read");
    }
    child.stdin.take().expect("piped").write_all(b"go\n").expect("it reads");
    let seen = watch(&mut probes, &mut child, &ports);
    Some((seen, ports))
}

const PROXY: &str = concat!(include_str!("live/clients.py"), include_str!("live/proxy.py"));
const GOROUTINES: &str = concat!(include_str!("live/clients.py"), include_str!("live/goroutines.py"));

/// Calls of the front server to the back one, by how they are linked to requests.
#[derive(Default)]
struct Links {
    right: usize,
    wrong: usize,
    missing: usize,
    /// Parts of answers with the id of their request.
    answers: usize,
    /// Calls with the id of a request that was not told.
    to_none: usize,
}

fn links(seen: &[Seen], back: u16, front: u16) -> Links {
    let moved = || seen.iter().filter_map(|seen| Some((seen, seen.moved()?)));
    let number = |text: &str| {
        text.split(|letter: char| !letter.is_ascii_digit() && letter != '.').next().map(str::to_owned)
    };
    let request = |text: &str| text.split_once("request ").and_then(|(_, rest)| number(rest));
    let mut ids: HashMap<u64, String> = HashMap::new();
    for (_, moved) in moved()
        .filter(|(seen, moved)| seen.socket.local.port == front && moved.transfer == Transfer::Received)
    {
        // A request may come in parts, of which one tells its number.
        let Some(number) = request(&text(moved)) else { continue };
        let known = ids.insert(moved.causal_id.expect("a request has an id"), number);
        assert_eq!(known, None, "an id was given twice");
    }
    let mut links = Links::default();
    for (_, moved) in
        moved().filter(|(seen, moved)| seen.socket.remote.port == back && moved.transfer == Transfer::Sent)
    {
        match moved.causal_id.map(|id| ids.get(&id)) {
            None => links.missing += 1,
            Some(None) => links.to_none += 1,
            Some(cause) if cause == request(&text(moved)).as_ref() => links.right += 1,
            Some(_) => links.wrong += 1,
        }
    }
    for (_, moved) in
        moved().filter(|(seen, moved)| seen.socket.local.port == front && moved.transfer == Transfer::Sent)
    {
        let expected = moved.causal_id.and_then(|id| ids.get(&id));
        let number = request(&text(moved));
        links.answers += usize::from(expected.is_some() && (number.is_none() || number.as_ref() == expected));
    }
    links
}

/// What was seen at the server's end and at the client's, each in order.
fn ends(seen: &[Seen], port: u16) -> (Vec<&Seen>, Vec<&Seen>) {
    seen.iter().partition(|seen| seen.socket.local.port == port)
}

fn calls(end: &[&Seen]) -> Vec<(&'static str, usize, usize)> {
    let moved = end.iter().filter_map(|seen| seen.moved());
    moved.map(|moved| (moved.function, moved.bytes.len(), moved.original_len)).collect()
}

fn text(moved: &Moved) -> String {
    String::from_utf8_lossy(&moved.bytes).into_owned()
}

/// What one end sends the other receives: from the same sequence number on, without a hole, to the same one.
fn assert_streams_agree(one: &[&Seen], other: &[&Seen]) {
    let range = |end: &[&Seen], transfer| {
        let moved: Vec<_> =
            end.iter().filter_map(|seen| seen.moved()).filter(|moved| moved.transfer == transfer).collect();
        let ranges: Vec<_> = moved.iter().map(|moved| sequence_range(moved)).collect();
        assert!(ranges.windows(2).all(|pair| pair[0].1 == pair[1].0), "a hole: {ranges:?}");
        (ranges[0].0, ranges[ranges.len() - 1].1)
    };
    assert_eq!(range(one, Transfer::Sent), range(other, Transfer::Received));
    assert_eq!(range(one, Transfer::Received), range(other, Transfer::Sent));
}

fn sequence_range(moved: &Moved) -> (u32, u32) {
    let StreamPosition::Tcp(start) = moved.position else { panic!("{moved:?}") };
    (start, start.wrapping_add(u32::try_from(moved.original_len).unwrap()))
}

/// A reader that comes for every record takes the processor from whoever makes them.
#[test]
fn records_gather_before_they_are_read() {
    let Some(mut child) = python(include_str!("live/murmur.py"), &[]) else { return };
    let mut config = ProbeConfig::default().with_processes(ProcessFilter::Only(vec![child.id()]));
    config.flush_interval = Duration::from_millis(100);
    let Some(mut probes) = probes(&config) else { return };
    child.stdin.take().expect("piped").write_all(b"\n").expect("it reads");
    let begin = Instant::now();
    let (mut moved, mut polls) = (0, 0);
    while moved < 1_000 && begin.elapsed() < Duration::from_secs(60) {
        let told = probes.poll(Duration::from_secs(1), |event| {
            let Event::Socket(event) = event else { return };
            moved += u32::from(matches!(event.activity, SocketActivity::Data(_)));
        });
        polls += u128::from(told.expect("the rings are there") > 0);
    }
    assert!(child.wait().expect("it ends").success());
    assert_eq!(moved, 1_000);
    let most = begin.elapsed().as_millis() / 100 + 2;
    assert!(polls <= most, "{polls} of at most {most}");
}
