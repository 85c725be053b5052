//! Live captures of real traffic. Each test makes a network namespace of its own, which ends with it; that needs root.

use std::collections::BTreeMap;
use std::ffi::CStr;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use df_core::{InterfaceId, TcpFlags, TransportHeader, VlanTags};
use etherparse::PacketBuilder;

use super::socket::PacketSocket;
use super::{AfPacket, AfPacketConfig, AfPacketStats, CaptureError, interface};
use crate::{FrameDirection, FrameSource, LinkType, decode};

mod leaving_out;

/// What was seen of one packet.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    interface: InterfaceId,
    link_type: LinkType,
    direction: Option<FrameDirection>,
    vlan: VlanTags,
    transport: TransportHeader,
    ports: (u16, u16),
    payload: Vec<u8>,
    payload_len: u32,
}

/// Runs a test in a network namespace whose loopback is up, or says that it cannot.
fn in_namespace(test: impl FnOnce() + Send + 'static) {
    let result = thread::spawn(move || {
        // SAFETY: the call takes a number and changes the namespace of this thread only, and of those it starts.
        if unsafe { libc::unshare(libc::CLONE_NEWNET) } != 0 {
            println!("skipped: a network namespace needs root: {}", std::io::Error::last_os_error());
            return;
        }
        assert!(ip("link set lo up"), "ip (iproute2) is installed");
        test();
    })
    .join();
    if let Err(panic) = result {
        std::panic::resume_unwind(panic);
    }
}

fn ip(arguments: &str) -> bool {
    Command::new("ip").args(arguments.split(' ')).status().is_ok_and(|status| status.success())
}

/// Stops the capture and gives everything seen up to now.
fn stop_and_collect(source: &mut AfPacket) -> Vec<Seen> {
    source.stop_handle().stop();
    let mut packets = Vec::new();
    while let Some(frame) = source.next_frame().unwrap() {
        // Namespaces send router solicitations and the like of their own accord.
        let Ok(packet) = decode(&frame) else { continue };
        if matches!(packet.transport, TransportHeader::Icmp(_)) {
            continue;
        }
        packets.push(Seen {
            interface: frame.interface,
            link_type: frame.link_type,
            direction: frame.direction,
            vlan: packet.vlan,
            transport: packet.transport,
            ports: (packet.source.port, packet.destination.port),
            payload: packet.payload.to_vec(),
            payload_len: packet.payload_len,
        });
    }
    packets
}

/// One request and response over TCP; gives the server's port.
fn tcp_exchange() -> u16 {
    tcp_exchange_at("127.0.0.1")[1]
}

/// One request and response over TCP; gives the ports of client and server.
fn tcp_exchange_at(host: &str) -> [u16; 2] {
    let listener = TcpListener::bind(format!("{host}:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 7];
        stream.read_exact(&mut request).unwrap();
        stream.write_all(b"response").unwrap();
        assert_eq!(stream.read(&mut request).unwrap(), 0);
    });
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"request").unwrap();
    let mut response = [0; 8];
    stream.read_exact(&mut response).unwrap();
    let client = stream.local_addr().unwrap().port();
    drop(stream);
    server.join().unwrap();
    [client, address.port()]
}

/// One datagram; gives the receiver's port.
fn udp_datagram(payload: &[u8]) -> u16 {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = receiver.local_addr().unwrap();
    UdpSocket::bind("127.0.0.1:0").unwrap().send_to(payload, address).unwrap();
    assert_eq!(receiver.recv(&mut [0; 2000]).unwrap(), payload.len());
    address.port()
}

/// An Ethernet frame with a UDP datagram behind the tags.
fn tagged_frame(tags: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let ethernet = PacketBuilder::ethernet2([2; 6], [0xff; 6]);
    ethernet.ipv4([10, 9, 0, 1], [10, 9, 0, 2], 9).udp(1000, 2000).write(&mut bytes, payload).unwrap();
    bytes.splice(12..12, tags.iter().copied());
    bytes
}

/// Sends a frame as it is.
fn send(interface: &str, frame: &[u8]) {
    let socket = PacketSocket::open().unwrap();
    socket.bind(interface::index_of(interface).unwrap()).unwrap();
    // SAFETY: the pointer is to as many bytes as the length says.
    let sent = unsafe { libc::send(socket.descriptor(), frame.as_ptr().cast(), frame.len(), 0) };
    assert_eq!(usize::try_from(sent), Ok(frame.len()), "{}", std::io::Error::last_os_error());
}

/// Makes a network interface that carries IP without a link header, for as long as the file is open.
fn open_tunnel(name: &CStr) -> std::io::Result<File> {
    let file = File::options().read(true).write(true).open("/dev/net/tun")?;
    // SAFETY: the structure is made of numbers, for which zero is a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (place, byte) in request.ifr_name.iter_mut().zip(name.to_bytes()) {
        *place = libc::c_char::try_from(*byte).unwrap();
    }
    request.ifr_ifru.ifru_flags = libc::c_short::try_from(libc::IFF_TUN | libc::IFF_NO_PI).unwrap();
    // SAFETY: the request is a whole `struct ifreq`, which this control code reads and writes.
    match unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF, &raw mut request) } {
        0 => Ok(file),
        _ => Err(std::io::Error::last_os_error()),
    }
}

fn assert_nothing_is_missing(stats: AfPacketStats) {
    assert_eq!(
        stats.received,
        stats.frames + stats.loopback_duplicates + stats.dropped_by_kernel,
        "{stats:?}"
    );
}

#[test]
fn loopback_gives_each_packet_once() {
    in_namespace(|| {
        let mut source = AfPacket::open(&AfPacketConfig::default().with_interface("lo")).unwrap();
        let server = tcp_exchange();
        let receiver = udp_datagram(b"datagram");
        let packets = stop_and_collect(&mut source);

        let payload_to = |port: u16| -> Vec<u8> {
            let to_port = packets.iter().filter(|packet| packet.ports.1 == port);
            to_port.flat_map(|packet| packet.payload.clone()).collect()
        };
        let client = packets.iter().find(|packet| packet.ports.1 == server).unwrap().ports.0;
        assert_eq!(payload_to(server), b"request");
        assert_eq!(payload_to(client), b"response");
        assert_eq!(payload_to(receiver), b"datagram");
        let is_syn = |packet: &&Seen| matches!(packet.transport, TransportHeader::Tcp(segment) if segment.flags.contains(TcpFlags::SYN));
        assert_eq!(packets.iter().filter(is_syn).count(), 2);
        assert!(packets.iter().all(|packet| packet.link_type == LinkType::ETHERNET));
        let loopback = packets[0].interface;
        assert_eq!(source.interface_name(loopback), Some("lo"));

        let stats = source.stats().unwrap();
        assert_eq!(stats.loopback_duplicates, stats.frames);
        assert_nothing_is_missing(stats);
        assert!(source.next_frame().unwrap().is_none(), "the end stays the end");
    });
}

#[test]
fn the_filter_works_in_the_kernel() {
    in_namespace(|| {
        let config = AfPacketConfig::default().with_filter("udp and not port 53");
        let mut source = AfPacket::open(&config).unwrap();
        tcp_exchange();
        udp_datagram(b"wanted");
        let packets = stop_and_collect(&mut source);
        assert_eq!(packets.len(), 1);
        assert_eq!(packets[0].payload, b"wanted");
        assert_eq!(source.stats().unwrap().received, 2, "the kernel let nothing else through");
    });
}

#[test]
fn a_snap_length_cuts_frames_with_and_without_a_filter() {
    in_namespace(|| {
        for filter in [None, Some("udp".to_owned())] {
            let config = AfPacketConfig { snap_len: 60, filter, ..AfPacketConfig::default() };
            let mut source = AfPacket::open(&config).unwrap();
            udp_datagram(&[b'x'; 1000]);
            let packets = stop_and_collect(&mut source);
            assert_eq!((packets[0].payload.len(), packets[0].payload_len), (60 - 42, 1000));
        }
    });
}

#[test]
fn tags_that_the_kernel_took_out_are_put_back() {
    in_namespace(|| {
        assert!(
            ip("link add name left type veth peer name right")
                && ip("link set left up")
                && ip("link set right up")
        );
        let mut one = AfPacket::open(&AfPacketConfig::default().with_interface("right")).unwrap();
        let mut all = AfPacket::open(&AfPacketConfig::default().with_filter("udp port 2000")).unwrap();
        send("left", &tagged_frame(&[0x81, 0, 0, 5], b"tagged"));
        send("left", &tagged_frame(&[0x88, 0xa8, 0, 7, 0x81, 0, 0, 5], b"twice"));
        send("left", &tagged_frame(&[], b"plain"));
        udp_datagram(b"not for this port");

        let tags = |outer, inner| VlanTags { outer, inner };
        let expected = [
            (tags(Some(5), None), b"tagged".to_vec()),
            (tags(Some(7), Some(5)), b"twice".to_vec()),
            (tags(None, None), b"plain".to_vec()),
        ];
        let seen = |packets: &[Seen]| -> Vec<(VlanTags, Vec<u8>)> {
            packets.iter().map(|packet| (packet.vlan, packet.payload.clone())).collect()
        };
        let on_right = stop_and_collect(&mut one);
        assert_eq!(seen(&on_right), expected);
        assert!(on_right.iter().all(|packet| packet.direction == Some(FrameDirection::Inbound)));

        let everywhere = stop_and_collect(&mut all);
        let (receiver, sender) = (on_right[0].interface, interface::index_of("left").unwrap());
        let at = |interface| -> Vec<Seen> {
            everywhere.iter().filter(|packet| packet.interface == interface).cloned().collect()
        };
        // A frame leaves `left` with its first tag still in its bytes, where the filter does not find port 2000.
        assert_eq!(seen(&at(sender)), expected[2..]);
        assert_eq!(seen(&at(receiver)).first(), expected.first());
        assert_eq!(seen(&at(receiver)).last(), expected.last());
        assert_eq!(all.interface_name(sender), Some("left"));
    });
}

#[test]
fn interfaces_without_ethernet_give_raw_ip_through_the_same_filter() {
    in_namespace(|| {
        let Ok(_tunnel) = open_tunnel(c"tunnel") else {
            println!("skipped: /dev/net/tun cannot be used");
            return;
        };
        assert!(ip("link set tunnel up") && ip("addr add 10.8.0.1/24 dev tunnel"));
        let mut source = AfPacket::open(&AfPacketConfig::default().with_filter("udp port 2000")).unwrap();
        UdpSocket::bind("10.8.0.1:0").unwrap().send_to(b"inside", "10.8.0.2:2000").unwrap();
        let packets = stop_and_collect(&mut source);
        let tunnel = interface::index_of("tunnel").unwrap();
        let outgoing = packets.iter().find(|packet| packet.interface == tunnel).unwrap();
        assert_eq!((outgoing.link_type, &outgoing.payload[..]), (LinkType::RAW, &b"inside"[..]));
    });
}

#[test]
fn a_stop_ends_a_quiet_capture_soon() {
    in_namespace(|| {
        let mut source = AfPacket::open(&AfPacketConfig::default().with_interface("lo")).unwrap();
        let handle = source.stop_handle();
        let waiting = thread::spawn(move || source.next_frame().unwrap().is_none());
        thread::sleep(Duration::from_millis(50));
        let stopped = Instant::now();
        handle.stop();
        assert!(waiting.join().unwrap());
        assert!(stopped.elapsed() < Duration::from_secs(1), "{:?}", stopped.elapsed());
    });
}

#[test]
fn a_timeout_without_frames_is_no_end() {
    in_namespace(|| {
        let mut source = AfPacket::open(&AfPacketConfig::default().with_filter("udp")).unwrap();
        let started = Instant::now();
        assert!(source.next_frame_timeout(Duration::from_millis(30)).unwrap().is_none());
        assert!(started.elapsed() >= Duration::from_millis(30));
        udp_datagram(b"late");
        assert!(source.next_frame_timeout(Duration::from_secs(5)).unwrap().is_some());
    });
}

#[test]
fn drops_of_a_full_ring_are_counted() {
    in_namespace(|| {
        let mut config = AfPacketConfig::default().with_interface("lo").with_block_count(2);
        config.block_bytes = 64 << 10;
        let mut source = AfPacket::open(&config).unwrap();
        for _ in 0..500 {
            udp_datagram(&[1; 1000]);
        }
        let packets = stop_and_collect(&mut source);
        let stats = source.stats().unwrap();
        assert!(!packets.is_empty() && stats.dropped_by_kernel > 100 && stats.ring_full > 0, "{stats:?}");
        assert_eq!(stats.received, 1000);
        assert_nothing_is_missing(stats);
    });
}

#[test]
fn a_ring_that_goes_round_many_times_loses_nothing() {
    in_namespace(|| {
        let mut config = AfPacketConfig::default().with_interface("lo").with_block_count(4);
        config.block_bytes = 64 << 10;
        let mut source = AfPacket::open(&config).unwrap();
        // The sender is never far ahead, or it would be this machine's load that is tested.
        let (ahead, read) = mpsc::sync_channel(100);
        let sender = thread::spawn(move || {
            for number in 0..2000_u32 {
                ahead.send(()).unwrap();
                udp_datagram(&number.to_be_bytes());
            }
        });
        let mut numbers = Vec::new();
        while numbers.len() < 2000 {
            let frame = source.next_frame_timeout(Duration::from_secs(5)).unwrap().expect("nothing is lost");
            let packet = decode(&frame).unwrap();
            numbers.push(u32::from_be_bytes(packet.payload.try_into().unwrap()));
            read.recv().unwrap();
        }
        sender.join().unwrap();
        assert_eq!(numbers, (0..2000).collect::<Vec<_>>());
        assert_eq!(source.stats().unwrap().dropped_by_kernel, 0);
    });
}

#[test]
fn a_fanout_group_shares_connections() {
    in_namespace(|| {
        let config = AfPacketConfig::default().with_interface("lo").with_block_count(4).with_fanout_group(77);
        let mut members = [AfPacket::open(&config).unwrap(), AfPacket::open(&config).unwrap()];
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        for port in 20_000..20_064 {
            for _ in 0..2 {
                sender.send_to(b"one of two", ("127.0.0.1", port)).unwrap();
            }
        }
        let mut seen_by = BTreeMap::<u16, Vec<usize>>::new();
        for (member, source) in members.iter_mut().enumerate() {
            for packet in stop_and_collect(source) {
                seen_by.entry(packet.ports.1).or_default().push(member);
            }
        }
        assert_eq!(seen_by.len(), 64);
        assert!(
            seen_by.values().all(|members| members.len() == 2 && members[0] == members[1]),
            "{seen_by:?}"
        );
        assert!((0..2).all(|member| seen_by.values().any(|members| members[0] == member)), "{seen_by:?}");
    });
}

#[test]
fn errors_name_what_is_wrong_and_what_to_do() {
    let unknown = AfPacket::open(&AfPacketConfig::default().with_interface("nosuch0")).unwrap_err();
    assert!(matches!(&unknown, CaptureError::UnknownInterface { .. }));
    assert!(unknown.to_string().contains("there are: lo"), "{unknown}");
    let mut config = AfPacketConfig { block_bytes: 100_000, ..AfPacketConfig::default() };
    assert!(
        AfPacket::open(&config).unwrap_err().to_string().starts_with("block_bytes: must be a power of two")
    );
    config = AfPacketConfig::default().with_block_count(0);
    assert!(AfPacket::open(&config).unwrap_err().to_string().starts_with("block_count"));
    match AfPacket::open(&AfPacketConfig::default().with_filter("tcp port port")).unwrap_err() {
        CaptureError::Filter { message, .. } => assert!(message.contains("syntax error"), "{message}"),
        CaptureError::LibpcapMissing { .. } => println!("skipped: libpcap is not installed"),
        other => panic!("{other}"),
    }
}
