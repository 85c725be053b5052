//! Frames from capture files and from network interfaces, and their decoding to packets.
//!
//! It follows no connection and knows no application protocol: a frame goes in, the headers and the payload of one packet
//! come out.
//!
//! The types to know: a [`FrameSource`] gives one [`Frame`] after the other, each borrowed from the source's buffer;
//! `PcapFile` and `AfPacket` are the two sources. A [`Decoder`] turns a frame into a [`Packet`](df_core::Packet) with the
//! tunnels around it, puts IP fragments together and counts what it gives up; [`decode`] does what can be done without a
//! memory. What does not decode is a small [`DecodeError`], counted in [`DecodeStats`].
//!
#![cfg_attr(feature = "pcap-file", doc = "```")]
#![cfg_attr(not(feature = "pcap-file"), doc = "```ignore")]
//! use df_capture::{Decoder, Frame, FrameSource, LinkType, PcapFile, PcapWriter};
//! use df_core::Timestamp;
//!
//! // A capture with one frame: an IPv4 packet with a UDP datagram from port 5353 to port 53.
//! let udp = [0x14, 0xe9, 0, 53, 0, 12, 0, 0, b'p', b'i', b'n', b'g'];
//! let ip = [0x45, 0, 0, 32, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
//! let bytes = [&ip[..], &udp[..]].concat();
//! let mut writer = PcapWriter::new(Vec::new(), LinkType::RAW)?;
//! writer.write(&Frame::new(Timestamp::from_nanos(1), LinkType::RAW, &bytes))?;
//! let capture = writer.finish()?;
//!
//! let mut source = PcapFile::from_reader("example", std::io::Cursor::new(capture))?;
//! let mut decoder = Decoder::default();
//! while let Some(frame) = source.next_frame()? {
//!     if let Ok(packet) = decoder.decode(&frame) {
//!         assert_eq!(packet.source.to_string(), "10.0.0.1:5353");
//!         assert_eq!(packet.payload, b"ping");
//!     }
//! }
//! assert_eq!(decoder.stats().packets, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is read
//!
//! Files: pcap (micro- and nanoseconds, both byte orders) and pcapng (several sections and interfaces, every packet
//! block, any clock), gzip-compressed or not. Links: Ethernet with VLAN tags, QinQ, MPLS and PPPoE, Linux cooked
//! capture 1 and 2, raw IP, BSD loopback, PPP, Cisco HDLC, frame relay, unencrypted wireless frames, and the headers of
//! netfilter, packet filters and capture cards (see [`LinkType`]). Network: IPv4 and IPv6 with extension headers, whole or in
//! fragments. Tunnels: IP in IP, GRE, NVGRE, ERSPAN, PPTP, VXLAN, VXLAN-GPE, NSH, Geneve, GTP-U, L2TP, Teredo, AYIYA.
//! Transport: TCP, UDP, SCTP, ICMP and ICMPv6.
//!
//! # Features
//!
//! Both are on by default.
//!
//! - `pcap-file`: `PcapFile` and `PcapWriter`.
//! - `af-packet`: `AfPacket`, live capture; on systems other than Linux it adds nothing. Filter expressions are compiled
//!   by libpcap, which is loaded when one is used; nothing is needed to build.
//!
//! # Limits
//!
//! - Tunnels are followed four deep. One in UDP is known by its port, and is a UDP packet again if its inside does not decode.
//! - Fragments wait for each other for 30 s, 1,024 datagrams and 8 MiB of them per decoder ([`FragmentConfig`]). Overlapping ones
//!   are refused with their datagram, as RFC 5722 orders, and every one dropped has its counter in [`FragmentStats`].
//! - A record of a file may be 64 MiB long, and a pcapng file may describe 4096 interfaces; more is damage. A reader
//!   takes 256 KiB of memory, and more only for longer records.
//! - The ring of a live capture takes 64 MiB unless configured. What does not fit is dropped by the kernel and counted.
//! - A filter sees frames without the VLAN tag that the kernel has taken out, so `vlan` matches only inner tags.
//! - `unsafe` is confined to the module of the live capture.
#![deny(unsafe_code)]

#[cfg(all(feature = "af-packet", target_os = "linux"))]
mod af_packet;
mod decode;
mod fragment;
mod frame;
#[doc(hidden)]
pub mod fuzzing;
#[cfg(feature = "pcap-file")]
mod pcap_file;
mod source;

#[cfg(all(feature = "af-packet", target_os = "linux"))]
pub use af_packet::{AfPacket, AfPacketConfig, AfPacketStats, CaptureError, StopHandle};
pub use decode::{DecodeError, DecodeErrorReason, DecodeStats, Decoder, DecoderConfig, Layer, decode};
pub use fragment::{FragmentConfig, FragmentStats};
pub use frame::{Frame, FrameDirection, LinkType};
#[cfg(feature = "pcap-file")]
pub use pcap_file::{Frames, PcapFile, PcapFileError, PcapWriter};
pub use source::FrameSource;
