//! Packets in, ordered chunks and flow records out.
#![forbid(unsafe_code)]

mod record;

pub use record::{CloseType, DirectionCounters, FlowEndReason, FlowRecord, Handshake};
