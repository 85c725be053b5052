//! Packets or socket events in, ordered chunks and flow records out.
//!
//! A [`FlowTable`] keeps one flow per 5-tuple, VLAN, virtual network and interface (the two directions may be in different networks), decides
//! which end is the client, puts TCP segments in order within bounds and accounts for every packet. What to do with the bytes is the caller's: it keeps a state per flow
//! and receives chunks through a [`FlowSink`]. The crate reads no application protocol, touches no file, socket or clock.
//!
//! The types to know: [`FlowTable`] takes packets; your [`FlowSink`] makes a state for each flow and gets its
//! [`Chunk`](df_core::Chunk)s; a [`FlowRecord`] is the account of a flow at its end, or at intervals; [`FlowConfig`] holds
//! the bounds and timeouts, [`FlowStats`] what became of the input. [`shard_of`] spreads packets over several tables so that
//! both directions of a flow meet. A [`SocketTable`] does with the events of system calls and TLS hooks what a `FlowTable`
//! does with packets: your [`SocketSink`] gets the same chunks.
//!
//! ```
//! use df_core::{Chunk, Endpoint, FlowKey, Packet, Timestamp, TransportHeader};
//! use df_flow::{DirectionEvidence, FlowConfig, FlowRecord, FlowSink, FlowTable};
//!
//! /// Collects the bytes of each flow.
//! struct Print;
//!
//! impl FlowSink<Vec<u8>> for Print {
//!     fn opened(&mut self, _: &FlowKey) -> Vec<u8> {
//!         Vec::new()
//!     }
//!     fn chunk(&mut self, _: &FlowKey, bytes: &mut Vec<u8>, chunk: Chunk<'_>) -> DirectionEvidence {
//!         bytes.extend_from_slice(chunk.bytes);
//!         DirectionEvidence::None
//!     }
//!     fn ended(&mut self, record: FlowRecord, bytes: Vec<u8>) {
//!         assert_eq!(record.key.server.port, 53);
//!         assert_eq!((record.to_server.packets, record.to_server.l4_bytes), (1, 5));
//!         assert_eq!(bytes, b"hello");
//!     }
//! }
//!
//! let client = Endpoint::new([10, 0, 0, 1].into(), 40_000);
//! let server = Endpoint::new([10, 0, 0, 2].into(), 53);
//! let packet = Packet::new(Timestamp::from_nanos(1), client, server, TransportHeader::Udp, b"hello");
//! let mut flows = FlowTable::new(FlowConfig::default());
//! flows.handle_packet(&packet, &mut Print);
//! flows.finish(&mut Print);
//! assert_eq!(flows.stats().flows_ended, 1);
//! ```
//!
//! Whoever cannot take all packets leaves out whole TCP connections: [`leave_out`](FlowTable::leave_out) sees to it that what was
//! missed does not look like trouble.
//!
//! # Limits
//!
//! | bound | default | what exceeds it |
//! |---|---|---|
//! | [`max_flows`](FlowConfig::max_flows) | 262,144 | the flow closest to its timeout ends: [`FlowStats::flows_evicted`] |
//! | [`max_out_of_order_bytes`](FlowConfig::max_out_of_order_bytes) | 256 KiB per direction | missing bytes are given up: [`FlowStats::gaps_forced`] |
//! | [`max_total_out_of_order_bytes`](FlowConfig::max_total_out_of_order_bytes) | 64 MiB | the same |
//!
//! Missing bytes are given up as well once the receiver has acknowledged them, and after three seconds. IP fragments are
//! put together before they come here. A flow's two directions may be in different VLANs or virtual networks if nothing else
//! can be meant; of more than eight flows between the same ends at once the others are then not told apart.
//!
//! # Features
//!
//! None.
#![forbid(unsafe_code)]

pub mod aggregation;
mod arena;
mod assembler;
mod clock;
mod close_type;
mod config;
mod counters;
mod delay;
mod direction;
mod ends_index;
mod expiry;
mod far;
mod flow;
mod flow_table;
#[doc(hidden)]
pub mod fuzzing;
mod index;
mod key;
mod left_out;
mod near;
mod places;
mod record;
mod sender;
mod sink;
mod socket_table;
mod stats;
mod store;
mod tcp;

pub use close_type::CloseType;
pub use config::FlowConfig;
pub use delay::{Delay, Delays, L7Counts};
pub use flow_table::FlowTable;
pub use index::shard_of;
pub use record::{DirectionCounters, FlowEndReason, FlowRecord, Handshake};
pub use sink::{DirectionEvidence, FlowSink};
pub use socket_table::{ConversationEnds, LocalEnd, SocketConfig, SocketSink, SocketStats, SocketTable};
pub use stats::FlowStats;
