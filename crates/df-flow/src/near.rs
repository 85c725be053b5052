//! What nearly every packet reads or writes of its flow, in two lines of the processor's cache.

use df_core::{Direction, Packet, TcpFlags, Timestamp, Transport, TransportHeader};

use crate::FlowConfig;
use crate::key::Key;
use crate::sender::{Mark, Sender};
use crate::tcp::{Phase, Standing};

/// The near part of a flow. It stays where it is while the flow rests.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Near {
    pub(crate) senders: [Sender; 2],
    pub(crate) key: Key,
    /// When the last packet came, on the table's clock.
    pub(crate) active_ns: u64,
    pub(crate) end: Timestamp,
    pub(crate) standing: Standing,
    /// The flags of each direction since the last record.
    pub(crate) tcp_flags: [TcpFlags; 2],
    pub(crate) is_closed: bool,
}

impl Near {
    pub(crate) fn new(key: Key, packet: &Packet<'_>, now_ns: u64) -> Self {
        Self {
            senders: Default::default(),
            key,
            active_ns: now_ns,
            end: packet.timestamp,
            standing: Standing::default(),
            tcp_flags: [TcpFlags::default(); 2],
            is_closed: false,
        }
    }

    /// Reads something of both lines, so that they are in the processor's cache when a packet needs them.
    #[inline]
    pub(crate) fn read_a_little(&self) -> u64 {
        self.active_ns ^ u64::from(self.senders[0].counters.packets)
    }

    /// Whether the packet will need more than this part. A wrong answer costs time, nothing else.
    #[inline]
    pub(crate) fn is_not_enough_for(&self, packet: &Packet<'_>) -> bool {
        packet.payload_len > 0
            || self.standing.awaits_acknowledgment()
            || self.senders.iter().any(|sender| sender.has(Mark::Timed))
    }

    /// Which way a packet of this flow goes; none if it belongs to another flow.
    #[inline]
    pub(crate) fn direction_of(&self, packet: &Packet<'_>) -> Option<Direction> {
        let direction = self.key.direction_of(&packet.flow_key())?;
        (self.key.network(direction) == (packet.vlan, packet.virtual_network)).then_some(direction)
    }

    /// Notes that a direction has sent this packet, and its network if it is the first.
    pub(crate) fn note_network(&mut self, direction: Direction, packet: &Packet<'_>) {
        let sender = &mut self.senders[direction.index()];
        if !sender.has(Mark::Sent) {
            sender.set(Mark::Sent, true);
            let network = (packet.vlan, packet.virtual_network);
            if network != self.key.network(direction) {
                self.key.set_network(direction, network);
            }
        }
    }

    pub(crate) fn has_sent(&self, direction: Direction) -> bool {
        self.senders[direction.index()].has(Mark::Sent)
    }

    /// Where a connection stands: decides how long it may be silent.
    #[inline]
    pub(crate) fn phase(&self) -> Phase {
        self.standing.phase(self.has_fin())
    }

    /// Which ends have sent a FIN.
    pub(crate) fn has_fin(&self) -> [bool; 2] {
        self.senders.each_ref().map(|sender| sender.has(Mark::Fin))
    }

    /// How long the flow may be silent.
    pub(crate) fn timeout_ns(&self, config: &FlowConfig) -> u64 {
        self.timeout_ns_in(self.phase(), config)
    }

    /// How long the flow may be silent after this packet, its first.
    pub(crate) fn timeout_ns_after(&self, packet: &Packet<'_>, config: &FlowConfig) -> u64 {
        let phase = match packet.transport {
            TransportHeader::Tcp(segment) if segment.flags.contains(TcpFlags::SYN) => Phase::Opening,
            _ => Phase::Established,
        };
        self.timeout_ns_in(phase, config)
    }

    fn timeout_ns_in(&self, phase: Phase, config: &FlowConfig) -> u64 {
        let timeout = match (self.key.transport(), phase) {
            (Transport::Tcp | Transport::Sctp, Phase::Opening) => config.opening_timeout,
            (Transport::Tcp | Transport::Sctp, Phase::Established) => config.established_timeout,
            (Transport::Tcp | Transport::Sctp, Phase::HalfClosed) => config.half_closed_timeout,
            (Transport::Tcp | Transport::Sctp, Phase::Closed) => config.closing_timeout,
            _ => config.datagram_timeout,
        };
        u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_leaves_room_in_two_lines_for_the_way_to_the_rest() {
        assert!(size_of::<Near>() <= 112, "{} bytes", size_of::<Near>());
    }
}
