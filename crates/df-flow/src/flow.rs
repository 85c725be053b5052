//! One flow: its account, its TCP life and the order of its bytes.

use df_core::{
    Direction, FlowKey, Packet, TcpFlags, Timestamp, Transport, TransportHeader, Tunnel, VirtualNetwork,
    VlanTags,
};

use crate::assembler::Assembler;
use crate::index::direction_in;
use crate::tcp::{Phase, TcpLife};
use crate::{CloseType, DirectionCounters, FlowConfig, FlowEndReason, FlowRecord, Handshake};

/// One flow with the caller's state.
#[derive(Debug)]
pub(crate) struct Flow<S> {
    pub(crate) id: u64,
    pub(crate) hash: u64,
    pub(crate) key: FlowKey,
    /// The VLAN tags and the virtual network of each direction's packets; none as long as it has none.
    pub(crate) networks: [Option<(VlanTags, Option<VirtualNetwork>)>; 2],
    /// The tunnels around each direction's packets. Without memory for the many flows that have none.
    pub(crate) tunnels: Option<Box<[Vec<Tunnel>; 2]>>,
    /// Type and code of the last ICMP error that quoted the flow.
    pub(crate) last_icmp_error: Option<(u8, u8)>,
    /// When the last packet came, on the table's clock.
    pub(crate) active_ns: u64,
    /// When the wheel will find this flow next, on the table's clock.
    pub(crate) found_ns: u64,
    pub(crate) state: S,
    pub(crate) assemblers: [Assembler; 2],
    pub(crate) counters: [DirectionCounters; 2],
    pub(crate) tcp: TcpLife,
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    pub(crate) direction_score: u8,
    /// Whether the application showed that client and server of the key are the other way round.
    pub(crate) is_reversed: bool,
    pub(crate) is_reported: bool,
    pub(crate) is_closed: bool,
}

impl<S> Flow<S> {
    /// Which way a packet of this flow goes; none if it belongs to another flow.
    pub(crate) fn direction_of(&self, packet: &Packet<'_>) -> Option<Direction> {
        let direction = direction_in(&self.key, packet)?;
        let network = self.networks[direction.index()].unwrap_or((self.key.vlan, self.key.virtual_network));
        (network == (packet.vlan, packet.virtual_network)).then_some(direction)
    }

    /// Which way a packet goes that may be the first of the other direction, in another VLAN or virtual network: some
    /// networks carry the two directions of a connection in different ones.
    pub(crate) fn direction_across_networks(&self, packet: &Packet<'_>) -> Option<Direction> {
        let direction = direction_in(&self.key, packet)?;
        let is_new = self.networks[direction.index()].is_none();
        let answers = match packet.transport {
            TransportHeader::Tcp(segment) => {
                let other = &self.assemblers[direction.reversed().index()];
                segment.flags.contains(TcpFlags::ACK) && other.is_near(segment.acknowledgment_number)
            }
            _ => true,
        };
        (is_new && answers).then_some(direction)
    }

    /// Keeps the tunnels around a direction's first tunnelled packet. Gives whether it was the flow's first.
    pub(crate) fn note_tunnels(&mut self, direction: Direction, packet: &Packet<'_>) -> bool {
        let is_first = self.tunnels.is_none();
        let tunnels = &mut self.tunnels.get_or_insert_default()[direction.index()];
        if tunnels.is_empty() {
            *tunnels = packet.tunnels.to_vec();
        }
        is_first
    }

    /// The tunnels around the client's packets; those around the server's where the client's have none.
    fn tunnels_of_client(&self) -> Vec<Tunnel> {
        let Some(tunnels) = self.tunnels.as_deref() else { return Vec::new() };
        let [first, second] =
            if self.is_reversed { [1, 0] } else { [0, 1] }.map(|index: usize| &tunnels[index]);
        if first.is_empty() { second.clone() } else { first.clone() }
    }

    pub(crate) fn count(&mut self, direction: Direction, packet: &Packet<'_>) {
        self.end = self.end.max(packet.timestamp);
        self.start = self.start.min(packet.timestamp);
        self.networks[direction.index()].get_or_insert((packet.vlan, packet.virtual_network));
        let counters = &mut self.counters[direction.index()];
        counters.packets += u64::from(packet.fragments);
        counters.bytes += u64::from(packet.frame_len);
        counters.l3_bytes += u64::from(packet.ip_len);
        counters.l4_bytes += u64::from(packet.payload_len);
        if let TransportHeader::Tcp(segment) = &packet.transport {
            counters.tcp_flags = counters.tcp_flags.union(segment.flags);
            let is_data_phase =
                !segment.flags.contains(TcpFlags::SYN) && !segment.flags.contains(TcpFlags::RST);
            counters.zero_window += u32::from(segment.window == 0 && is_data_phase);
            self.tcp.handle_segment(direction, segment, packet.timestamp, packet.payload_len > 0);
            if segment.flags.contains(TcpFlags::SYN) && self.tcp.is_syn_repeated(segment.flags) {
                counters.retransmissions += 1;
            }
        }
    }

    /// How long the flow may be silent.
    pub(crate) fn timeout_ns(&self, config: &FlowConfig) -> u64 {
        let timeout = match (self.key.transport, self.tcp.phase()) {
            (Transport::Tcp, Phase::Opening) => config.opening_timeout,
            (Transport::Tcp, Phase::Established) => config.established_timeout,
            (Transport::Tcp, Phase::Closed) => config.closing_timeout,
            _ => config.datagram_timeout,
        };
        u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX)
    }

    /// Whether a connection is over: aborted, or closed at both ends with everything before the FINs delivered. An RST
    /// before any data may be forged; nothing is lost by waiting for what its sender does next.
    pub(crate) fn is_over(&self) -> bool {
        if self.tcp.is_reset() {
            return self.tcp.has_data();
        }
        self.tcp.phase() == Phase::Closed && self.assemblers.iter().all(|one| one.held_bytes() == 0)
    }

    /// The account since the last one.
    pub(crate) fn take_record(&mut self, end_reason: Option<FlowEndReason>) -> FlowRecord {
        let counters = std::mem::take(&mut self.counters);
        let is_new = !std::mem::replace(&mut self.is_reported, true);
        let [to_server, to_client] = if self.is_reversed { swapped(counters) } else { counters };
        FlowRecord {
            id: self.id,
            key: if self.is_reversed { self.key.reversed() } else { self.key },
            start: self.start,
            end: self.end,
            is_new,
            is_final: end_reason.is_some(),
            end_reason,
            close_type: self.close_type(end_reason),
            direction_score: self.direction_score,
            to_server,
            to_client,
            tunnels: self.tunnels_of_client(),
            last_icmp_error: self.last_icmp_error,
            handshake: if self.key.transport == Transport::Tcp {
                self.tcp.handshake()
            } else {
                Handshake::default()
            },
        }
    }

    fn close_type(&self, end_reason: Option<FlowEndReason>) -> CloseType {
        match end_reason {
            None => CloseType::ForcedReport,
            Some(_) if self.key.transport != Transport::Tcp => CloseType::Finish,
            Some(FlowEndReason::ForcedEnd | FlowEndReason::LackOfResources)
                if self.tcp.close_type() == CloseType::Timeout =>
            {
                CloseType::ForcedReport
            }
            Some(_) => self.tcp.close_type(),
        }
    }
}

fn swapped<T>([first, second]: [T; 2]) -> [T; 2] {
    [second, first]
}
