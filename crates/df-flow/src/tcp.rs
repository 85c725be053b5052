//! What the flags of a TCP connection's packets say about its life.

use std::time::Duration;

use df_core::{Direction, TcpFlags, TcpSegment, Timestamp};

use crate::{CloseType, Handshake};

/// The life of one TCP connection as far as flags tell it.
#[derive(Debug, Default)]
pub(crate) struct TcpLife {
    /// When the newest SYN and SYN-ACK came; zero while there is none.
    syn_at: Timestamp,
    syn_ack_at: Timestamp,
    syn_sequence_number: u32,
    syn_ack_sequence_number: u32,
    syn_count: u32,
    syn_ack_count: u32,
    fin_count: u32,
    rtt_server_ns: u32,
    rtt_client_ns: u32,
    has_fin: [bool; 2],
    has_data: bool,
    is_established: bool,
    reset_by: Option<Direction>,
}

/// Where the connection stands: decides how long it may be silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Opening,
    Established,
    Closed,
}

impl TcpLife {
    pub(crate) fn handle_segment(
        &mut self,
        direction: Direction,
        segment: &TcpSegment,
        timestamp: Timestamp,
        has_payload: bool,
    ) {
        let flags = segment.flags;
        if has_payload && !self.has_data && self.reset_by == Some(direction) {
            // Who goes on has not aborted: somebody else sent the RST in its name.
            self.reset_by = None;
        }
        self.has_data |= has_payload;
        if flags.contains(TcpFlags::SYN) {
            // Who opens sends no SYN-ACK and who accepts no SYN, unless both open at once (RFC 9293 §3.5).
            if flags.contains(TcpFlags::ACK) == (direction == Direction::ToClient) {
                self.handle_syn(segment, timestamp);
            }
        } else if flags.contains(TcpFlags::ACK) && direction == Direction::ToServer {
            self.handle_client_acknowledgment(segment, timestamp);
        }
        if flags.contains(TcpFlags::FIN) {
            self.fin_count = self.fin_count.saturating_add(1);
            self.has_fin[direction.index()] = true;
        }
        if flags.contains(TcpFlags::RST) && self.reset_by.is_none() {
            self.reset_by = Some(direction);
        }
    }

    /// Whether a SYN that is not part of this connection begins another one on the same ports.
    pub(crate) fn is_reused_by(&self, direction: Direction, segment: &TcpSegment) -> bool {
        if !segment.flags.contains(TcpFlags::SYN) || segment.flags.contains(TcpFlags::ACK) {
            return false;
        }
        if self.phase() == Phase::Closed {
            return true;
        }
        // Both ends open at once (RFC 9293 §3.5).
        if direction == Direction::ToClient && self.syn_count > 0 && self.syn_ack_count == 0 {
            return false;
        }
        let is_repeated =
            direction == Direction::ToServer && self.syn_sequence_number == segment.sequence_number;
        let has_begun = self.syn_count > 0 || self.syn_ack_count > 0 || self.has_data;
        has_begun && !(self.syn_count > 0 && is_repeated) && (self.syn_count > 0 || self.has_data)
    }

    pub(crate) fn phase(&self) -> Phase {
        if self.reset_by.is_some() || self.has_fin == [true, true] {
            Phase::Closed
        } else if self.is_established || self.has_data || self.syn_count == 0 {
            Phase::Established
        } else {
            Phase::Opening
        }
    }

    /// Whether the SYN or SYN-ACK just handled was not the first of its kind.
    pub(crate) const fn is_syn_repeated(&self, flags: TcpFlags) -> bool {
        if flags.contains(TcpFlags::ACK) { self.syn_ack_count > 1 } else { self.syn_count > 1 }
    }

    pub(crate) const fn is_reset(&self) -> bool {
        self.reset_by.is_some()
    }

    pub(crate) const fn has_data(&self) -> bool {
        self.has_data
    }

    pub(crate) fn handshake(&self) -> Handshake {
        let known =
            |nanoseconds: u32| (nanoseconds > 0).then(|| Duration::from_nanos(u64::from(nanoseconds) - 1));
        let (rtt_server, rtt_client) = (known(self.rtt_server_ns), known(self.rtt_client_ns));
        Handshake {
            syn_count: self.syn_count,
            syn_ack_count: self.syn_ack_count,
            fin_count: self.fin_count,
            syn_retransmissions: self.syn_count.saturating_sub(1),
            syn_ack_retransmissions: self.syn_ack_count.saturating_sub(1),
            rtt: rtt_server.zip(rtt_client).map(|(server, client)| server + client),
            rtt_client,
            rtt_server,
        }
    }

    pub(crate) fn close_type(&self) -> CloseType {
        let [client_fin, server_fin] = self.has_fin;
        let is_established = self.is_established || self.has_data;
        match self.reset_by {
            Some(Direction::ToClient) if !is_established && self.syn_count > 0 => CloseType::ServerReset,
            Some(Direction::ToServer) if client_fin || server_fin => CloseType::TcpFinClientRst,
            Some(Direction::ToServer) => CloseType::TcpClientRst,
            Some(Direction::ToClient) => CloseType::TcpServerRst,
            None if client_fin && server_fin => CloseType::Finish,
            None if client_fin => CloseType::ClientHalfClose,
            None if server_fin => CloseType::ServerHalfClose,
            None if is_established => CloseType::Timeout,
            None if self.syn_ack_count > 0 => CloseType::ServerSynAckRepeat,
            None if self.syn_count > 0 => CloseType::ClientSynRepeat,
            None => CloseType::Unknown,
        }
    }

    fn handle_syn(&mut self, segment: &TcpSegment, timestamp: Timestamp) {
        if !segment.flags.contains(TcpFlags::ACK) {
            self.syn_count = self.syn_count.saturating_add(1);
            self.syn_at = timestamp;
            self.syn_sequence_number = segment.sequence_number;
            return;
        }
        self.syn_ack_count = self.syn_ack_count.saturating_add(1);
        self.syn_ack_sequence_number = segment.sequence_number;
        if self.syn_count > 0 && self.syn_ack_count == 1 {
            self.rtt_server_ns = stored(timestamp.since(self.syn_at));
        }
        self.syn_ack_at = timestamp;
    }

    fn handle_client_acknowledgment(&mut self, segment: &TcpSegment, timestamp: Timestamp) {
        if self.syn_ack_count == 0 || self.is_established {
            return;
        }
        self.is_established = true;
        let first = self.syn_ack_sequence_number.wrapping_add(1);
        if segment.acknowledgment_number.wrapping_sub(first) <= MAX_EARLY_BYTES {
            self.rtt_client_ns = stored(timestamp.since(self.syn_ack_at));
        }
    }
}

/// How much a server may have said before the client's first acknowledgment: with its SYN-ACK (RFC 7413) or right behind
/// it, within a window that is not scaled yet.
const MAX_EARLY_BYTES: u32 = 65_535;

/// A duration plus one, so that 0 can say "not seen"; at most 4.29 s, more is no round trip.
fn stored(duration: Duration) -> u32 {
    u32::try_from(duration.as_nanos().saturating_add(1)).unwrap_or(0)
}
