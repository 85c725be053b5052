//! Frames from capture files and network interfaces, and their decoding.
#![deny(unsafe_code)]

#[cfg(all(feature = "af-packet", target_os = "linux"))]
mod af_packet;
mod decode;
mod frame;
#[doc(hidden)]
pub mod fuzzing;
#[cfg(feature = "pcap-file")]
mod pcap_file;
mod source;

#[cfg(all(feature = "af-packet", target_os = "linux"))]
pub use af_packet::{AfPacket, AfPacketConfig, AfPacketStats, CaptureError, StopHandle};
pub use decode::{DecodeError, DecodeErrorReason, DecodeStats, Layer, decode};
pub use frame::{Frame, FrameDirection, LinkType};
#[cfg(feature = "pcap-file")]
pub use pcap_file::{PcapFile, PcapFileError, PcapWriter};
pub use source::FrameSource;
