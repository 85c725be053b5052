//! The values that cross df's crates, and nothing else: no I/O, no clock, no algorithm.
//!
//! Every other crate of the family takes and gives these types: a [`Packet`] is one decoded frame, a
//! [`SocketEvent`] what a process did with a socket, a [`Chunk`] is a
//! run of consecutive bytes of one [`Direction`] of one connection, a [`FlowKey`] names the connection, and a
//! [`Timestamp`] is the only notion of time inside df.
//!
//! ```
//! use df_core::{Chunk, Direction, Timestamp};
//!
//! let chunk = Chunk::new(Direction::ToServer, Timestamp::from_nanos(1), 0, b"PING\r\n");
//! assert_eq!(chunk.end_offset(), 6);
//! assert_eq!(chunk.direction.reversed(), Direction::ToClient);
//! ```
//!
//! # Features
//!
//! `serde`: `Serialize` and `Deserialize` for the plain values.
#![forbid(unsafe_code)]

mod address;
mod chunk;
mod connection_number;
mod direction;
mod flow_key;
mod packet;
mod socket;
mod task;
mod time;
mod tunnel;
mod unix_path;

pub use address::{Address, UnixAddress};
pub use chunk::Chunk;
pub use connection_number::connection_number;
pub use direction::Direction;
pub use flow_key::{Endpoint, FlowKey, Transport};
pub use packet::{
    IcmpHeader, IcmpRole, InterfaceId, Packet, SctpChunks, SctpHeader, TcpFlags, TcpSegment, TransportHeader,
    VlanTags,
};
pub use socket::{
    Socket, SocketActivity, SocketData, SocketEvent, SocketId, SocketRole, StreamPosition, Transfer,
};
pub use task::{CausalId, Command, EventSource, Task};
pub use time::Timestamp;
pub use tunnel::{Tunnel, TunnelKind, VirtualNetwork};
pub use unix_path::{TooManyPaths, UnixPath};
