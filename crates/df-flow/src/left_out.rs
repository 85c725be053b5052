//! Connections that are left out, and flows that began before theirs was.

use df_core::{Packet, Transport, TransportHeader, connection_number};

use crate::key::Key;

/// Which TCP connections are left out.
#[derive(Debug, Default)]
pub(crate) struct LeftOut {
    /// Those with a lower number than this.
    connections: u16,
    /// For each number, the id of the first flow that may have begun since its connections were left out for the last time. Empty
    /// until any are.
    cut_before: Vec<u64>,
}

impl LeftOut {
    /// Leaves out so many of 256 connections; `next_id` is that of the next flow.
    pub(crate) fn set(&mut self, connections: u16, next_id: u64) {
        if connections > 0 {
            self.cut_before.resize(NUMBERS, 0);
        }
        for cut_before in self.cut_before.iter_mut().take(usize::from(connections)) {
            *cut_before = next_id;
        }
        self.connections = connections;
    }

    /// Whether any connection is left out, or was.
    #[inline]
    pub(crate) const fn is_in_use(&self) -> bool {
        !self.cut_before.is_empty()
    }

    /// Whether the packet is of a connection that is left out.
    #[inline]
    pub(crate) fn has(&self, packet: &Packet<'_>) -> bool {
        self.connections > 0
            && matches!(packet.transport, TransportHeader::Tcp(_))
            && u16::from(connection_number([packet.source.port, packet.destination.port])) < self.connections
    }

    /// Whether a flow began before its connection was left out: since then it has missed packets.
    #[inline]
    pub(crate) fn has_cut(&self, key: &Key, id: u64) -> bool {
        key.transport() == Transport::Tcp
            && self
                .cut_before
                .get(usize::from(connection_number(key.ports())))
                .is_some_and(|first| id < *first)
    }
}

const NUMBERS: usize = 256;
