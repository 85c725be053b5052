//! A thousand connections at once, watched by the probes and by a packet capture. Needs root and python3; says so where
//! they are missing.
#![cfg(all(any(feature = "aya", feature = "libbpf"), target_os = "linux"))]
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests say what they skip and fail where they are"
)]

mod loaders;

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use df_bpf::{Event, ProbeConfig, Probes};
use df_capture::{AfPacket, AfPacketConfig, decode};
use df_core::{SocketActivity, StreamPosition, Transfer, TransportHeader, connection_number};

const CONNECTIONS: u32 = 1000;

#[test]
fn a_hundred_thousand_exchanges_on_a_thousand_connections() {
    in_a_network_namespace("100", &[]);
}

#[test]
fn what_the_rings_have_no_room_for_is_counted() {
    in_a_network_namespace("5", &[(RING, "4096")]);
}

#[test]
fn a_connection_that_is_left_out_is_left_out_whole_and_at_both_ends() {
    in_a_network_namespace("5", &[(LEFT_OUT, "128")]);
}

/// Runs the test below where no other traffic is.
fn in_a_network_namespace(exchanges: &str, settings: &[(&str, &str)]) {
    let this = std::env::current_exe().expect("this test");
    let mut command = Command::new("unshare");
    command.args(["--net", "sh", "-c", "ip link set lo up && exec \"$0\" \"$@\""]).arg(this);
    let whole_name = loaders::test_name(module_path!(), "watch_the_crowd");
    command.args(["--exact", &whole_name, "--ignored", "--nocapture"]).env(EXCHANGES, exchanges);
    command.envs(settings.iter().copied());
    match command.output() {
        Err(error) => println!("skipped: unshare: {error}"),
        Ok(output) => {
            let (text, errors) =
                (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            if errors.contains("Operation not permitted") || text.contains("skipped:") {
                return println!("skipped: {text}{errors}");
            }
            println!("{text}");
            assert!(output.status.success() && text.contains("exchanges seen"), "{text}{errors}");
        }
    }
}

const EXCHANGES: &str = "DF_BPF_TEST_EXCHANGES";
/// With a ring of so many bytes most records find no room.
const RING: &str = "DF_BPF_TEST_RING";
/// So many of 256 connections are left out.
const LEFT_OUT: &str = "DF_BPF_TEST_LEFT_OUT";

/// Not a test by itself: watches the crowd by both means, and compares.
#[test]
#[ignore = "the other tests run it in a namespace"]
fn watch_the_crowd() {
    let Ok(exchanges) = std::env::var(EXCHANGES) else { return };
    let mut config = ProbeConfig::default().with_tls(None);
    let tiny_ring = std::env::var(RING).ok().map(|bytes| bytes.parse::<u32>().expect("a number"));
    if let Some(ring_bytes) = tiny_ring {
        config = config.with_ring_bytes(ring_bytes);
    } else if cfg!(debug_assertions) {
        // A reader that is not optimised does not keep up with this: there is room for nearly all.
        config = config.with_ring_bytes(32 << 20);
    }
    let Some(mut probes) = loaders::loaded(config) else { return };
    let left_out = std::env::var(LEFT_OUT).ok().map(|number| number.parse::<u16>().expect("a number"));
    probes.leave_out(left_out.unwrap_or(0)).expect("the programs can be told");
    let Some((mut crowd, port)) = crowd(&exchanges) else { return };
    let mut config = AfPacketConfig::default().with_interface("lo").with_block_count(64);
    config.snap_len = 256;
    let capture = match AfPacket::open(&config) {
        Ok(capture) => capture,
        Err(error) => return println!("skipped: {error}"),
    };
    let is_over = Arc::new(AtomicBool::new(false));
    let packets = std::thread::spawn({
        let is_over = Arc::clone(&is_over);
        move || captured(capture, port, &is_over)
    });
    crowd.stdin.take().expect("piped").write_all(b"go\n").expect("it waits for that");
    let told = told(&mut probes, &mut crowd, port);
    is_over.store(true, Ordering::Relaxed);
    let packets = packets.join().expect("captures to the end");
    let stats = probes.stats().expect("counters can be read");
    let exchanges = CONNECTIONS * exchanges.parse::<u32>().expect("a number");
    let left_out_records: u64 = stats.processors.iter().map(|processor| processor.left_out_records).sum();
    let seen = compare(&told, &packets, exchanges, stats.dropped_records() + left_out_records);
    assert_all_come_out(&mut probes);
    if let Some(left_out) = left_out {
        assert_told_whole_or_not_at_all(&told, exchanges / CONNECTIONS);
        assert_number_decides(&told, &packets, left_out);
    } else if tiny_ring.is_some() {
        assert!(stats.dropped_records() > 0, "the rings had room for everything");
    } else {
        assert!(seen * 1000 >= u64::from(exchanges) * 999, "99.9 %");
    }
}

/// Half of the connections were to be left out.
fn assert_told_whole_or_not_at_all(told: &[Told], exchanges: u32) {
    let mut connections: HashMap<u32, u32> = HashMap::new();
    for one in told {
        *connections.entry(one.message.0).or_default() += 1;
    }
    let number = connections.len();
    assert!((400..=600).contains(&number), "{number} of {CONNECTIONS} connections are told");
    assert!(connections.values().all(|records| *records == exchanges * 4), "{connections:?}");
}

/// User space knows which connections the programs leave out.
fn assert_number_decides(told: &[Told], packets: &HashMap<Place, Message>, left_out: u16) {
    let told: HashSet<u32> = told.iter().map(|one| one.message.0).collect();
    for ((source, destination, _), (connection, _, _)) in packets {
        let is_left_out = u16::from(connection_number([*source, *destination])) < left_out;
        assert_eq!(told.contains(connection), !is_left_out, "{source} {destination}");
    }
}

/// Every record that was made comes out, whoever it tells of. Others of this machine go on making some.
fn assert_all_come_out(probes: &mut Probes) {
    let mut left = 0;
    for _ in 0..1000 {
        probes.poll(Duration::ZERO, |_| ()).expect("the rings can be read");
        let stats = probes.stats().expect("counters can be read");
        assert_eq!(stats.malformed_records, 0);
        let made: u64 = stats.processors.iter().map(|processor| processor.records).sum();
        left = made - stats.events;
        if left == 0 {
            return;
        }
    }
    panic!("{left} records were made and did not come out");
}

/// Which message: of which connection, its number there, and whether it is the answer.
type Message = (u32, u32, bool);

/// Where a message begins: ports of who sent and who received it, and its sequence number.
type Place = (u16, u16, u32);

/// Every message as one end told of it.
struct Told {
    message: Message,
    transfer: Transfer,
    place: Place,
}

fn crowd(exchanges: &str) -> Option<(Child, u16)> {
    let mut command = Command::new("python3");
    command.args(["-c", include_str!("live/crowd.py"), &CONNECTIONS.to_string(), exchanges]);
    let mut child = match command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) => {
            println!("skipped: python3: {error}");
            return None;
        }
    };
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
    Some((child, line.trim().parse().expect("a port")))
}

/// What the messages say of themselves: `ask 00012 00003 xxx`, `answer ask 00012 00003 xxx`.
fn message(bytes: &[u8]) -> Option<Message> {
    let text = std::str::from_utf8(bytes).ok()?;
    let answered = text.strip_prefix("answer ");
    let mut words = answered.unwrap_or(text).strip_prefix("ask ")?.split(' ');
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?, answered.is_some()))
}

fn told(probes: &mut Probes, crowd: &mut Child, port: u16) -> Vec<Told> {
    let mut told = Vec::new();
    let mut quiet_polls = 0;
    while quiet_polls < 10 {
        let status = crowd.try_wait().expect("our child");
        assert!(status.is_none_or(|status| status.success()), "{status:?}");
        let polled = probes.poll(Duration::from_millis(20), |event| {
            let Event::Socket(event) = event else { return };
            let SocketActivity::Data(data) = event.activity else { return };
            let (local, remote) = (event.socket.local.port, event.socket.remote.port);
            if local != port && remote != port {
                return;
            }
            let StreamPosition::Tcp(number) = data.position else { panic!("{data:?}") };
            let is_sent = data.transfer == Transfer::Sent;
            let place = if is_sent { (local, remote, number) } else { (remote, local, number) };
            let message = message(data.bytes).unwrap_or_else(|| panic!("{data:?}"));
            told.push(Told { message, transfer: data.transfer, place });
        });
        polled.expect("the rings can be read");
        quiet_polls += u32::from(status.is_some());
    }
    told
}

fn captured(mut capture: AfPacket, port: u16, is_over: &AtomicBool) -> HashMap<Place, Message> {
    let mut packets = HashMap::new();
    loop {
        let was_over = is_over.load(Ordering::Relaxed);
        let Some(frame) = capture.next_frame_timeout(Duration::from_millis(100)).expect("lo stays up") else {
            if was_over {
                break;
            }
            continue;
        };
        let Ok(packet) = decode(&frame) else { continue };
        let TransportHeader::Tcp(segment) = packet.transport else { continue };
        let ports = (packet.source.port, packet.destination.port);
        if let Some(message) = message(packet.payload)
            && (ports.0 == port || ports.1 == port)
        {
            packets.insert((ports.0, ports.1, segment.sequence_number), message);
        }
    }
    let stats = capture.stats().expect("the capture is open");
    assert_eq!(stats.dropped_by_kernel, 0, "the capture's ring is too small for this test");
    packets
}

/// Every message stands where the packet has it and is told once by each end; what is missing was counted. Gives how many
/// exchanges were told whole.
fn compare(told: &[Told], packets: &HashMap<Place, Message>, exchanges: u32, dropped: u64) -> u64 {
    let mut times: HashMap<(Message, bool), u32> = HashMap::new();
    for one in told {
        assert_eq!(packets.get(&one.place), Some(&one.message), "at {:?}", one.place);
        *times.entry((one.message, one.transfer == Transfer::Sent)).or_default() += 1;
    }
    assert!(times.values().all(|times| *times == 1), "nothing is told twice");
    let mut whole: HashMap<(u32, u32), u32> = HashMap::new();
    for ((message, _), _) in times {
        *whole.entry((message.0, message.1)).or_default() += 1;
    }
    let seen = whole.values().filter(|records| **records == 4).count();
    println!("{seen} of {exchanges} exchanges seen once at both ends; {dropped} records dropped");
    let missing = u64::from(exchanges) * 4 - told.len() as u64;
    assert!(missing <= dropped, "{missing} records are missing, {dropped} were counted as dropped");
    seen as u64
}
