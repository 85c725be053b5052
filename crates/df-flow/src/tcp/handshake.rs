//! The handshake of a TCP connection: how often each part was sent, and the round trips it shows.

use std::time::Duration;

use df_core::{TcpFlags, TcpSegment, Timestamp};

use crate::Handshake;

/// The handshake so far.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct HandshakeTimes {
    /// When the newest SYN and SYN-ACK came; zero while there is none.
    syn_at: Timestamp,
    syn_ack_at: Timestamp,
    syn_sequence_number: u32,
    syn_ack_sequence_number: u32,
    syn_count: u32,
    syn_ack_count: u32,
    rtt_server_ns: u32,
    rtt_client_ns: u32,
    is_acknowledged: bool,
}

impl HandshakeTimes {
    /// The client's SYN or the server's SYN-ACK.
    pub(super) fn handle_syn(&mut self, segment: &TcpSegment, timestamp: Timestamp) {
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

    /// The client acknowledges something. Gives whether this ends the handshake.
    pub(super) fn handle_client_acknowledgment(
        &mut self,
        segment: &TcpSegment,
        timestamp: Timestamp,
    ) -> bool {
        if !self.awaits_acknowledgment() {
            return false;
        }
        self.is_acknowledged = true;
        let first = self.syn_ack_sequence_number.wrapping_add(1);
        if segment.acknowledgment_number.wrapping_sub(first) > MAX_EARLY_BYTES {
            return false;
        }
        self.rtt_client_ns = stored(timestamp.since(self.syn_ack_at));
        true
    }

    /// Whether the client's acknowledgment of the SYN-ACK is missing.
    pub(super) const fn awaits_acknowledgment(&self) -> bool {
        self.syn_ack_count > 0 && !self.is_acknowledged
    }

    pub(super) const fn has_syn(&self) -> bool {
        self.syn_count > 0
    }

    pub(super) const fn has_syn_ack(&self) -> bool {
        self.syn_ack_count > 0
    }

    /// Whether SYN, SYN-ACK and ACK were seen.
    pub(super) const fn is_complete(&self) -> bool {
        self.syn_count > 0 && self.syn_ack_count > 0 && self.is_acknowledged
    }

    pub(super) const fn is_same_syn(&self, sequence_number: u32) -> bool {
        self.syn_sequence_number == sequence_number
    }

    /// Whether an acknowledgment may be one of the client's SYN and what follows it.
    pub(super) const fn is_answered_by(&self, acknowledgment_number: u32) -> bool {
        let first = self.syn_sequence_number.wrapping_add(1);
        acknowledgment_number.wrapping_sub(first) <= MAX_EARLY_BYTES
    }

    /// Whether the SYN or SYN-ACK just handled was not the first of its kind.
    pub(super) const fn is_repeated(&self, flags: TcpFlags) -> bool {
        if flags.contains(TcpFlags::ACK) { self.syn_ack_count > 1 } else { self.syn_count > 1 }
    }

    pub(super) fn record(&self, fin_count: u32, window_scales: Option<(u8, u8)>) -> Handshake {
        let known =
            |nanoseconds: u32| (nanoseconds > 0).then(|| Duration::from_nanos(u64::from(nanoseconds) - 1));
        let (rtt_server, rtt_client) = (known(self.rtt_server_ns), known(self.rtt_client_ns));
        Handshake {
            syn_count: self.syn_count,
            syn_ack_count: self.syn_ack_count,
            fin_count,
            syn_retransmissions: self.syn_count.saturating_sub(1),
            syn_ack_retransmissions: self.syn_ack_count.saturating_sub(1),
            rtt: rtt_server.zip(rtt_client).map(|(server, client)| server + client),
            rtt_client,
            rtt_server,
            window_scale_client: window_scales.map(|(client, _)| client),
            window_scale_server: window_scales.map(|(_, server)| server),
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
