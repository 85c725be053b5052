//! One flow: its account, its TCP life and the order of its bytes.

use df_core::{Direction, IcmpRole, Packet, TcpFlags, Transport, TransportHeader, Tunnel};

use crate::assembler::{Placement, Segment};
use crate::counters::Counters;
use crate::far::{Far, Told};
use crate::index::record_id;
use crate::near::Near;
use crate::sender::Mark;
use crate::tcp::{Phase, TcpLife, Trouble};
use crate::{CloseType, FlowEndReason, FlowRecord, Handshake};

/// One flow with the caller's state: its two parts where they lie.
#[derive(Debug)]
pub(crate) struct Flow<'a, S> {
    pub(crate) near: &'a mut Near,
    pub(crate) far: &'a mut Far<S>,
}

impl<S> Flow<'_, S> {
    pub(crate) fn tcp(&mut self) -> TcpLife<'_> {
        let Near { senders, standing, .. } = &mut *self.near;
        TcpLife { senders, standing, history: &mut self.far.history }
    }

    /// Which way a packet goes that may be the first of the other direction, in another VLAN or virtual network: some
    /// networks carry the two directions of a connection in different ones.
    pub(crate) fn direction_across_networks(&self, packet: &Packet<'_>) -> Option<Direction> {
        let direction = self.near.key.direction_of(&packet.flow_key())?;
        let is_new = !self.near.has_sent(direction);
        let answers = match packet.transport {
            TransportHeader::Tcp(segment) => {
                let other = &self.far.assemblers[direction.reversed().index()];
                segment.flags.contains(TcpFlags::ACK) && other.is_near(segment.acknowledgment_number)
            }
            _ => true,
        };
        (is_new && answers).then_some(direction)
    }

    /// Keeps the tunnels around a direction's first tunnelled packet. Gives whether it was the flow's first.
    pub(crate) fn note_tunnels(&mut self, direction: Direction, packet: &Packet<'_>) -> bool {
        let is_first = self.far.tunnels.is_none();
        let tunnels = &mut self.far.tunnels.get_or_insert_default()[direction.index()];
        if tunnels.is_empty() {
            *tunnels = packet.tunnels.to_vec();
        }
        is_first
    }

    /// The tunnels around the client's packets; those around the server's where the client's have none.
    fn tunnels_of_client(&self) -> Vec<Tunnel> {
        let Some(tunnels) = self.far.tunnels.as_deref() else { return Vec::new() };
        let [first, second] =
            if self.far.is_reversed { [1, 0] } else { [0, 1] }.map(|index: usize| &tunnels[index]);
        if first.is_empty() { second.clone() } else { first.clone() }
    }

    pub(crate) fn count(&mut self, direction: Direction, packet: &Packet<'_>) {
        if packet.timestamp >= self.near.end {
            self.near.end = packet.timestamp;
        } else {
            self.far.start = self.far.start.min(packet.timestamp);
        }
        self.near.note_network(direction, packet);
        self.count_bytes(direction, packet);
        match &packet.transport {
            TransportHeader::Tcp(segment) => {
                let flags = &mut self.near.tcp_flags[direction.index()];
                *flags = flags.union(segment.flags);
                let mut tcp = self.tcp();
                let remark = tcp.handle_segment(direction, segment, packet.timestamp, packet.payload_len);
                if remark.is_zero_window() {
                    tcp.count(direction, Trouble::ZeroWindow);
                }
                if tcp.is_flag_repeated(segment.flags, remark) {
                    tcp.count(direction, Trouble::Retransmission);
                }
            }
            TransportHeader::Sctp(header) => {
                self.tcp().handle_chunks(direction, header.chunks, packet.timestamp);
            }
            TransportHeader::Icmp(header) if matches!(header.role, IcmpRole::Request | IcmpRole::Reply) => {
                self.tcp().handle_echo(direction, packet.timestamp);
            }
            TransportHeader::Udp if packet.payload_len > 0 => {
                self.tcp().handle_datagram(direction, packet.timestamp);
            }
            _ => {}
        }
    }

    fn count_bytes(&mut self, direction: Direction, packet: &Packet<'_>) {
        let counters = &mut self.near.senders[direction.index()].counters;
        let packet = Counters::of(packet);
        if let Some(sum) = counters.plus(&packet) {
            *counters = sum;
        } else {
            self.far.history.troubles_of(direction).carry(std::mem::replace(counters, packet));
        }
    }

    /// A data segment has found its place.
    pub(crate) fn count_placement(
        &mut self,
        direction: Direction,
        segment: Segment<'_>,
        placement: Placement,
    ) {
        if placement == Placement::KeepAlive || !self.near.senders[direction.index()].has(Mark::DataLast) {
            return; // The byte of a probe is no data.
        }
        let mut tcp = self.tcp();
        match placement {
            Placement::Repeated => tcp.count(direction, Trouble::Retransmission),
            Placement::FilledHole => tcp.count(direction, Trouble::OutOfOrder),
            _ => {}
        }
        let is_new = placement != Placement::Repeated;
        tcp.handle_data(direction, segment.timestamp, is_new, segment.end());
        if !is_new {
            tcp.count(direction, Trouble::Repeated(segment.original_len));
        }
    }

    /// Whether a connection is over: aborted, or closed at both ends with everything before the FINs delivered. An RST
    /// before any data may be forged; nothing is lost by waiting for what its sender does next.
    pub(crate) fn is_over(&self) -> bool {
        if self.near.standing.is_reset() {
            return self.near.standing.has_data();
        }
        self.near.phase() == Phase::Closed && self.far.assemblers.iter().all(|one| one.held_bytes() == 0)
    }

    /// The account since the last one.
    pub(crate) fn take_record(&mut self, end_reason: Option<FlowEndReason>) -> FlowRecord {
        let mut handshake = Handshake::default();
        if self.near.key.transport() == Transport::Tcp {
            handshake = self.tcp().handshake();
        }
        let is_reversed = self.far.is_reversed;
        let told = Told { reversed: is_reversed, rtt: handshake.rtt.is_some() };
        let before = self.far.told.replace(told);
        let told_rtt = before.is_some_and(|told| told.rtt);
        let troubles = self.far.history.take_troubles();
        let tcp_flags = std::mem::take(&mut self.near.tcp_flags);
        let [client, server] = [0, 1].map(|index| {
            let counters = std::mem::take(&mut self.near.senders[index].counters);
            counters.record(tcp_flags[index], &troubles[index])
        });
        let (to_server, to_client) = if is_reversed { (server, client) } else { (client, server) };
        let delays = self.far.history.take_delays();
        let key = self.near.key.flow_key();
        FlowRecord {
            id: record_id(&key, self.far.id),
            key: if is_reversed { key.reversed() } else { key },
            start: self.far.start,
            end: self.near.end,
            is_new: before.is_none(),
            has_turned: before.is_some_and(|told| told.reversed != is_reversed),
            has_new_handshake: !told_rtt && (handshake.rtt.is_some() || end_reason.is_some()),
            is_final: end_reason.is_some(),
            end_reason,
            close_type: self.close_type(end_reason),
            direction_score: self.far.direction_score,
            to_server,
            to_client,
            tunnels: self.tunnels_of_client(),
            last_icmp_error: self.far.last_icmp_error,
            handshake,
            delays: if is_reversed { delays.reversed() } else { delays },
            l7: None,
        }
    }

    /// The last account of a flow that has missed packets: how it stood says nothing of how it went on.
    pub(crate) fn take_record_of_cut(&mut self) -> FlowRecord {
        let record = self.take_record(Some(FlowEndReason::ForcedEnd));
        FlowRecord { close_type: CloseType::ForcedReport, ..record }
    }

    fn close_type(&mut self, end_reason: Option<FlowEndReason>) -> CloseType {
        match end_reason {
            None => CloseType::ForcedReport,
            Some(_) if self.is_refused() => CloseType::ServerReset,
            Some(_) if !matches!(self.near.key.transport(), Transport::Tcp | Transport::Sctp) => {
                CloseType::Finish
            }
            Some(reason) => match self.close_type_of_connection() {
                CloseType::Timeout
                    if matches!(reason, FlowEndReason::ForcedEnd | FlowEndReason::LackOfResources) =>
                {
                    CloseType::ForcedReport
                }
                close_type => close_type,
            },
        }
    }

    fn close_type_of_connection(&mut self) -> CloseType {
        let is_reversed = self.far.is_reversed;
        self.tcp().close_type(is_reversed)
    }

    /// Whether the client's packets were answered with nothing but a refusal in an ICMP error.
    fn is_refused(&self) -> bool {
        let Some((kind, code)) = self.far.last_icmp_error else { return false };
        let server = if self.far.is_reversed { Direction::ToServer } else { Direction::ToClient };
        let has_answered = self.near.has_sent(server);
        let is_v4 = self.near.key.flow_key().server.ip().is_some_and(|ip| ip.is_ipv4());
        !has_answered && refuses(is_v4, kind, code)
    }
}

/// Whether an ICMP error says that nobody may or will answer here, rather than that the way there is broken: of ICMP
/// (RFC 792, RFC 1812 §5.2.7.1) protocol and port unreachable and the prohibitions, of ICMPv6 (RFC 4443 §3.1) the same.
const fn refuses(is_v4: bool, kind: u8, code: u8) -> bool {
    matches!((is_v4, kind, code), (true, 3, 2 | 3 | 9 | 10 | 13) | (false, 1, 1 | 4 | 5 | 6))
}
