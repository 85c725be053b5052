//! What the packets of a TCP connection say about its life: its state, its handshake, its troubles and its delays.

mod association;
mod close;
mod delays;
mod handshake;
mod sender;
mod state;
mod troubles;

use df_core::{Direction, TcpFlags, TcpSegment, Timestamp};

use crate::{CloseType, Delays, Handshake};
use delays::Delays as RunningDelays;
use handshake::HandshakeTimes;
pub(crate) use sender::Remark;
use sender::Sender;
use state::State;
pub(crate) use troubles::{Trouble, Troubles};

/// The life of one TCP connection; of an SCTP association its state; of any other flow nothing but its delays.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct TcpLife {
    handshake: HandshakeTimes,
    senders: [Sender; 2],
    delays: RunningDelays,
    /// Counters that most connections never need.
    troubles: Option<Box<[Troubles; 2]>>,
    state: State,
    reset_by: Option<Direction>,
    fin_count: u32,
    has_fin: [bool; 2],
    has_data: bool,
}

/// Where the connection stands: decides how long it may be silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Opening,
    Established,
    HalfClosed,
    Closed,
}

impl TcpLife {
    /// Takes the header of a packet. Gives what is remarkable about it beside its place in the stream.
    pub(crate) fn handle_segment(
        &mut self,
        direction: Direction,
        segment: &TcpSegment,
        timestamp: Timestamp,
        payload_len: u32,
    ) -> Remark {
        let remark = self.handle_numbers(direction, segment, payload_len);
        let has_data = payload_len > 0 && !remark.is_probe();
        if has_data && !self.has_data && self.reset_by == Some(direction) {
            // Who goes on has not aborted: somebody else sent the RST in its name.
            self.reset_by = None;
        }
        self.has_data |= has_data;
        self.handle_flags(direction, segment, timestamp);
        remark
    }

    /// Reads something of itself, as [`Flow::read_a_little`](crate::flow::Flow::read_a_little) says.
    #[inline]
    pub(crate) fn read_a_little(&self) -> u64 {
        let scales = self.senders.each_ref().map(Sender::window_scale);
        u64::from(self.handshake.has_syn()) ^ u64::from(self.has_data) ^ u64::from(scales == [Some(0); 2])
    }

    /// New bytes have come, or bytes that had been seen before.
    pub(crate) fn handle_data(&mut self, direction: Direction, timestamp: Timestamp, is_new: bool, end: u32) {
        if is_new {
            self.delays.handle_data(direction, timestamp, end);
        } else {
            self.delays.handle_retransmission(direction);
        }
    }

    /// A datagram of a flow that is no connection.
    pub(crate) fn handle_datagram(&mut self, direction: Direction, timestamp: Timestamp) {
        self.delays.take_turn(direction, timestamp);
    }

    /// An echo request or reply, or another pair of the kind: the answer comes from the system, not an application.
    pub(crate) fn handle_echo(&mut self, direction: Direction, timestamp: Timestamp) {
        self.delays.handle_echo(direction, timestamp);
    }

    /// Counts what most connections never have.
    pub(crate) fn count(&mut self, direction: Direction, trouble: Trouble) {
        let troubles = self.troubles.get_or_insert_with(Box::default);
        troubles[direction.index()].count(trouble);
    }

    /// The counters since they were taken last.
    pub(crate) fn take_troubles(&mut self) -> [Troubles; 2] {
        self.troubles.take().map_or_else(Default::default, |troubles| *troubles)
    }

    /// The delays since they were taken last, as if the key's client were the client.
    pub(crate) fn take_delays(&mut self) -> Delays {
        self.delays.take()
    }

    /// Whether a SYN that is not part of this connection begins another one on the same ports.
    pub(crate) fn is_reused_by(&self, direction: Direction, segment: &TcpSegment) -> bool {
        if !segment.flags.contains(TcpFlags::SYN) || segment.flags.contains(TcpFlags::ACK) {
            return false;
        }
        let is_same = self.handshake.has_syn() && self.handshake.is_same_syn(segment.sequence_number);
        if self.phase() == Phase::Closed {
            return !(is_same && direction == Direction::ToServer && self.state.may_try_again());
        }
        // Both ends open at once (RFC 9293 §3.5).
        let has_syn = self.handshake.has_syn();
        if direction == Direction::ToClient && has_syn && !self.handshake.has_syn_ack() {
            return false;
        }
        let is_repeated = is_same && direction == Direction::ToServer;
        !is_repeated && (has_syn || self.has_data)
    }

    pub(crate) fn phase(&self) -> Phase {
        if self.reset_by.is_some() || self.has_fin == [true, true] {
            Phase::Closed
        } else if self.has_fin != [false, false] {
            Phase::HalfClosed
        } else if self.state.is_opening() && !self.has_data {
            Phase::Opening
        } else {
            Phase::Established
        }
    }

    /// Whether the packet just handled repeats a SYN, a SYN-ACK or a FIN without data.
    pub(crate) const fn is_flag_repeated(&self, flags: TcpFlags, remark: Remark) -> bool {
        if flags.contains(TcpFlags::SYN) {
            self.handshake.is_repeated(flags)
        } else {
            remark.is_fin_repeated()
        }
    }

    pub(crate) const fn is_reset(&self) -> bool {
        self.reset_by.is_some()
    }

    /// Whether the newest packet of a direction carried data, and was no probe.
    pub(crate) const fn sent_data_last(&self, direction: Direction) -> bool {
        self.senders[direction.index()].sent_data_last()
    }

    pub(crate) const fn has_data(&self) -> bool {
        self.has_data
    }

    pub(crate) fn handshake(&self) -> Handshake {
        let [client, server] = self.window_scales();
        self.handshake.record(self.fin_count, client.zip(server))
    }

    /// How the connection ended, or would end now. `is_reversed` says that the client is in truth the server.
    pub(crate) const fn close_type(&self, is_reversed: bool) -> CloseType {
        let is_complete = self.handshake.is_complete();
        if !is_reversed {
            return close::close_type(self.state, self.reset_by, self.has_data, is_complete);
        }
        let reset_by = match self.reset_by {
            Some(direction) => Some(direction.reversed()),
            None => None,
        };
        close::close_type(self.state.reversed(), reset_by, self.has_data, is_complete)
    }

    fn handle_numbers(&mut self, direction: Direction, segment: &TcpSegment, payload_len: u32) -> Remark {
        let [client, server] = &mut self.senders;
        let (sender, receiver) = match direction {
            Direction::ToServer => (client, server),
            Direction::ToClient => (server, client),
        };
        let remark = sender.handle_segment(receiver, segment, payload_len);
        for trouble in remark.troubles() {
            self.count(direction, trouble);
        }
        remark
    }

    /// What each end offered to shift its window by, once both have spoken.
    fn window_scales(&self) -> [Option<u8>; 2] {
        self.senders.each_ref().map(Sender::window_scale)
    }

    fn handle_flags(&mut self, direction: Direction, segment: &TcpSegment, timestamp: Timestamp) {
        let flags = segment.flags;
        if flags.contains(TcpFlags::ACK) {
            let is_pure = !self.senders[direction.index()].sent_data_last();
            let at = segment.acknowledgment_number;
            self.delays.handle_acknowledgment(direction, timestamp, at, is_pure);
        }
        let event = state::Event::of(flags);
        if event == state::Event::Syn && direction == Direction::ToServer && self.state.may_try_again() {
            self.reset_by = None;
        }
        if flags.contains(TcpFlags::SYN) {
            // Who opens sends no SYN-ACK and who accepts no SYN, unless both open at once (RFC 9293 §3.5).
            if flags.contains(TcpFlags::ACK) == (direction == Direction::ToClient) {
                self.handshake.handle_syn(segment, timestamp);
            }
        } else if flags.contains(TcpFlags::ACK) && direction == Direction::ToServer {
            let is_last = self.handshake.handle_client_acknowledgment(segment, timestamp);
            if is_last && !flags.contains(TcpFlags::RST) {
                self.delays.handle_established(timestamp);
            }
        }
        if flags.contains(TcpFlags::FIN) {
            self.fin_count = self.fin_count.saturating_add(1);
            self.has_fin[direction.index()] = true;
        }
        if flags.contains(TcpFlags::RST) {
            self.delays.handle_reset();
            self.reset_by.get_or_insert(direction);
        } else if self.reset_by.is_none() {
            let answers_syn = self.handshake.is_answered_by(segment.acknowledgment_number);
            self.state = self.state.after(direction, event, self.has_fin, answers_syn);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_life_of_a_connection_is_small() {
        assert!(size_of::<TcpLife>() <= 160, "{} bytes", size_of::<TcpLife>());
    }
}
