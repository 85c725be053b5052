//! One flow: its account, its TCP life and the order of its bytes.

use df_core::{
    Direction, IcmpRole, Packet, TcpFlags, Timestamp, Transport, TransportHeader, Tunnel, VirtualNetwork,
    VlanTags,
};

use crate::assembler::{Assembler, Placement, Segment};
use crate::counters::Counters;
use crate::index::record_id;
use crate::key::Key;
use crate::tcp::{Phase, TcpLife, Trouble};
use crate::{CloseType, FlowConfig, FlowEndReason, FlowRecord, Handshake};

/// What the last record of a flow said.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub(crate) struct Told {
    /// Whether client and server were the other way round.
    reversed: bool,
    /// Whether the handshake was over.
    rtt: bool,
}

/// One flow with the caller's state.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Flow<S> {
    pub(crate) id: u64,
    pub(crate) key: Key,
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
    pub(crate) counters: [Counters; 2],
    pub(crate) tcp: TcpLife,
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    pub(crate) direction_score: u8,
    /// Whether the application, or what was learned since, showed that client and server of the key are the other way round.
    pub(crate) is_reversed: bool,
    /// What the last record said; none while there is none.
    pub(crate) told: Option<Told>,
    /// Whether the key's server sent the first packet that was seen.
    pub(crate) is_first_from_server: bool,
    pub(crate) is_closed: bool,
}

impl Flow<()> {
    /// The flow in as few bytes as it needs.
    pub(crate) fn packed(&self) -> Result<Box<[u8]>, postcard::Error> {
        postcard::to_allocvec(self).map(Vec::into_boxed_slice)
    }

    /// The flow that was packed so.
    pub(crate) fn unpacked(bytes: &[u8]) -> Result<Self, postcard::Error> {
        postcard::from_bytes(bytes)
    }
}

impl<S> Flow<S> {
    /// Exchanges the state for another one.
    pub(crate) fn with_state<T>(self, state: T) -> (Flow<T>, S) {
        let flow = Flow {
            id: self.id,
            key: self.key,
            networks: self.networks,
            tunnels: self.tunnels,
            last_icmp_error: self.last_icmp_error,
            active_ns: self.active_ns,
            found_ns: self.found_ns,
            state,
            assemblers: self.assemblers,
            counters: self.counters,
            tcp: self.tcp,
            start: self.start,
            end: self.end,
            direction_score: self.direction_score,
            is_reversed: self.is_reversed,
            is_first_from_server: self.is_first_from_server,
            told: self.told,
            is_closed: self.is_closed,
        };
        (flow, self.state)
    }

    /// Reads something of all that a packet will need, so that it is in the processor's cache by then.
    #[inline]
    pub(crate) fn read_a_little(&self) -> u64 {
        let [one, other] = &self.counters;
        (self.id ^ self.active_ns ^ self.found_ns ^ self.end.as_nanos())
            .wrapping_add(one.packets ^ other.packets ^ self.tcp.read_a_little())
            .wrapping_add(
                u64::from(self.is_closed) ^ self.assemblers.iter().map(Assembler::read_a_little).sum::<u64>(),
            )
    }

    /// Which way a packet of this flow goes; none if it belongs to another flow.
    pub(crate) fn direction_of(&self, packet: &Packet<'_>) -> Option<Direction> {
        let direction = self.key.direction_of(&packet.flow_key())?;
        let network = self.networks[direction.index()].unwrap_or_else(|| self.key.network());
        (network == (packet.vlan, packet.virtual_network)).then_some(direction)
    }

    /// Which way a packet goes that may be the first of the other direction, in another VLAN or virtual network: some
    /// networks carry the two directions of a connection in different ones.
    pub(crate) fn direction_across_networks(&self, packet: &Packet<'_>) -> Option<Direction> {
        let direction = self.key.direction_of(&packet.flow_key())?;
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
        counters.count(packet);
        match &packet.transport {
            TransportHeader::Tcp(segment) => {
                counters.note_flags(segment.flags);
                let payload_len = packet.payload_len;
                let remark = self.tcp.handle_segment(direction, segment, packet.timestamp, payload_len);
                counters.zero_window += u32::from(remark.is_zero_window());
                counters.retransmissions += u32::from(self.tcp.is_flag_repeated(segment.flags, remark));
            }
            TransportHeader::Sctp(header) => {
                self.tcp.handle_chunks(direction, header.chunks, packet.timestamp);
            }
            TransportHeader::Icmp(header) if matches!(header.role, IcmpRole::Request | IcmpRole::Reply) => {
                self.tcp.handle_echo(direction, packet.timestamp);
            }
            TransportHeader::Udp if packet.payload_len > 0 => {
                self.tcp.handle_datagram(direction, packet.timestamp);
            }
            _ => {}
        }
    }

    /// A data segment has found its place.
    pub(crate) fn count_placement(
        &mut self,
        direction: Direction,
        segment: Segment<'_>,
        placement: Placement,
    ) {
        if placement == Placement::KeepAlive || !self.tcp.sent_data_last(direction) {
            return; // The byte of a probe is no data.
        }
        let counters = &mut self.counters[direction.index()];
        counters.retransmissions += u32::from(placement == Placement::Repeated);
        counters.out_of_order += u32::from(placement == Placement::FilledHole);
        let is_new = placement != Placement::Repeated;
        self.tcp.handle_data(direction, segment.timestamp, is_new, segment.end());
        if !is_new {
            self.tcp.count(direction, Trouble::Repeated(segment.original_len));
        }
    }

    /// How long the flow may be silent.
    pub(crate) fn timeout_ns(&self, config: &FlowConfig) -> u64 {
        self.timeout_ns_in(self.tcp.phase(), config)
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
        let mut handshake = Handshake::default();
        if self.key.transport() == Transport::Tcp {
            handshake = self.tcp.handshake();
        }
        let before = self.told.replace(Told { reversed: self.is_reversed, rtt: handshake.rtt.is_some() });
        let told_rtt = before.is_some_and(|told| told.rtt);
        let troubles = self.tcp.take_troubles();
        let counters = std::mem::take(&mut self.counters);
        let [client, server] = [0, 1].map(|index| counters[index].record(&troubles[index]));
        let (to_server, to_client) = if self.is_reversed { (server, client) } else { (client, server) };
        let delays = self.tcp.take_delays();
        let key = self.key.flow_key();
        FlowRecord {
            id: record_id(&key, self.id),
            key: if self.is_reversed { key.reversed() } else { key },
            start: self.start,
            end: self.end,
            is_new: before.is_none(),
            has_turned: before.is_some_and(|told| told.reversed != self.is_reversed),
            has_new_handshake: !told_rtt && (handshake.rtt.is_some() || end_reason.is_some()),
            is_final: end_reason.is_some(),
            end_reason,
            close_type: self.close_type(end_reason),
            direction_score: self.direction_score,
            to_server,
            to_client,
            tunnels: self.tunnels_of_client(),
            last_icmp_error: self.last_icmp_error,
            handshake,
            delays: if self.is_reversed { delays.reversed() } else { delays },
            l7: None,
        }
    }

    fn close_type(&self, end_reason: Option<FlowEndReason>) -> CloseType {
        match end_reason {
            None => CloseType::ForcedReport,
            Some(_) if self.is_refused() => CloseType::ServerReset,
            Some(_) if !matches!(self.key.transport(), Transport::Tcp | Transport::Sctp) => CloseType::Finish,
            Some(reason) => match self.tcp.close_type(self.is_reversed) {
                CloseType::Timeout
                    if matches!(reason, FlowEndReason::ForcedEnd | FlowEndReason::LackOfResources) =>
                {
                    CloseType::ForcedReport
                }
                close_type => close_type,
            },
        }
    }
    /// Whether the client's packets were answered with nothing but a refusal in an ICMP error.
    fn is_refused(&self) -> bool {
        let Some((kind, code)) = self.last_icmp_error else { return false };
        let server = usize::from(!self.is_reversed);
        let has_answered = self.networks[server].is_some();
        let is_v4 = self.key.flow_key().server.ip.is_ipv4();
        !has_answered && refuses(is_v4, kind, code)
    }
}

/// Whether an ICMP error says that nobody may or will answer here, rather than that the way there is broken: of ICMP
/// (RFC 792, RFC 1812 §5.2.7.1) protocol and port unreachable and the prohibitions, of ICMPv6 (RFC 4443 §3.1) the same.
const fn refuses(is_v4: bool, kind: u8, code: u8) -> bool {
    matches!((is_v4, kind, code), (true, 3, 2 | 3 | 9 | 10 | 13) | (false, 1, 1 | 4 | 5 | 6))
}
