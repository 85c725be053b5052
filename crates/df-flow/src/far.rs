//! The part of a flow that packets without data need not touch.

use df_core::{Timestamp, Tunnel};

use crate::assembler::Assembler;
use crate::tcp::History;

/// What the last record of a flow said.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub(crate) struct Told {
    /// Whether client and server were the other way round.
    pub(crate) reversed: bool,
    /// Whether the handshake was over.
    pub(crate) rtt: bool,
}

/// The far part of a flow, with the caller's state. What packets with data need comes first.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
#[repr(C)]
pub(crate) struct Far<S> {
    pub(crate) state: S,
    pub(crate) assemblers: [Assembler; 2],
    pub(crate) direction_score: u8,
    /// Whether the application, or what was learned since, showed that client and server of the key are the other way round.
    pub(crate) is_reversed: bool,
    /// Whether the key's server sent the first packet that was seen.
    pub(crate) is_first_from_server: bool,
    /// What the last record said; none while there is none.
    pub(crate) told: Option<Told>,
    /// When the wheel will find this flow next, on the table's clock.
    pub(crate) found_ns: u64,
    pub(crate) history: History,
    pub(crate) id: u64,
    pub(crate) start: Timestamp,
    /// The tunnels around each direction's packets. Without memory for the many flows that have none.
    pub(crate) tunnels: Option<Box<[Vec<Tunnel>; 2]>>,
    /// Type and code of the last ICMP error that quoted the flow.
    pub(crate) last_icmp_error: Option<(u8, u8)>,
}

impl Far<()> {
    /// This part in as few bytes as it needs.
    pub(crate) fn packed(&self) -> Result<Box<[u8]>, postcard::Error> {
        postcard::to_allocvec(self).map(Vec::into_boxed_slice)
    }

    /// The part that was packed so.
    pub(crate) fn unpacked(bytes: &[u8]) -> Result<Self, postcard::Error> {
        postcard::from_bytes(bytes)
    }
}

impl<S> Far<S> {
    /// Exchanges the state for another one.
    pub(crate) fn with_state<T>(self, state: T) -> (Far<T>, S) {
        let far = Far {
            state,
            assemblers: self.assemblers,
            direction_score: self.direction_score,
            is_reversed: self.is_reversed,
            is_first_from_server: self.is_first_from_server,
            told: self.told,
            found_ns: self.found_ns,
            history: self.history,
            id: self.id,
            start: self.start,
            tunnels: self.tunnels,
            last_icmp_error: self.last_icmp_error,
        };
        (far, self.state)
    }

    /// Reads something of all that a packet with data needs, as [`Near::read_a_little`](crate::near::Near::read_a_little)
    /// says.
    #[inline]
    pub(crate) fn read_a_little(&self) -> u64 {
        self.found_ns ^ self.assemblers[0].read_a_little() ^ self.history.read_a_little()
    }
}
