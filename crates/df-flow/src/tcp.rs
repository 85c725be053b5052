//! What the packets of a TCP connection say about its life: its state, its handshake, its troubles and its delays.

mod association;
mod close;
mod delays;
mod handshake;
mod numbers;
mod standing;
mod state;
mod troubles;

use df_core::{Direction, TcpFlags, TcpSegment, Timestamp};

use crate::sender::{Mark, Sender};
use crate::{CloseType, Delays, Handshake};
use delays::Delays as RunningDelays;
use handshake::HandshakeTimes;
pub(crate) use numbers::Remark;
pub(crate) use standing::{Phase, Standing};
pub(crate) use troubles::{Trouble, Troubles};

/// The life of one TCP connection; of an SCTP association its state; of any other flow nothing but its delays.
///
/// It lies in two places: what every packet looks at is near, the history is not.
#[derive(Debug)]
pub(crate) struct TcpLife<'a> {
    pub(crate) senders: &'a mut [Sender; 2],
    pub(crate) standing: &'a mut Standing,
    pub(crate) history: &'a mut History,
}

/// What only packets with data, and those that open or close a connection, look at.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct History {
    delays: RunningDelays,
    /// Counters that most connections never need.
    troubles: Option<Box<[Troubles; 2]>>,
    handshake: HandshakeTimes,
    fin_count: u32,
}

impl History {
    /// Counts what most connections never have.
    pub(crate) fn troubles_of(&mut self, direction: Direction) -> &mut Troubles {
        &mut self.troubles.get_or_insert_with(Box::default)[direction.index()]
    }

    /// The counters since they were taken last.
    pub(crate) fn take_troubles(&mut self) -> [Troubles; 2] {
        self.troubles.take().map_or_else(Default::default, |troubles| *troubles)
    }

    /// The delays since they were taken last, as if the key's client were the client.
    pub(crate) fn take_delays(&mut self) -> Delays {
        self.delays.take()
    }

    /// Reads something of itself, as [`Near::read_a_little`](crate::near::Near::read_a_little) says.
    #[inline]
    pub(crate) fn read_a_little(&self) -> u64 {
        self.delays.read_a_little()
    }
}

impl TcpLife<'_> {
    /// Takes the header of a packet. Gives what is remarkable about it beside its place in the stream.
    #[inline]
    pub(crate) fn handle_segment(
        &mut self,
        direction: Direction,
        segment: &TcpSegment,
        timestamp: Timestamp,
        payload_len: u32,
    ) -> Remark {
        let remark = self.handle_numbers(direction, segment, payload_len);
        let has_data = payload_len > 0 && !remark.is_probe();
        if has_data && !self.standing.has_data && self.standing.reset_by == Some(direction) {
            // Who goes on has not aborted: somebody else sent the RST in its name.
            self.standing.reset_by = None;
        }
        self.standing.has_data |= has_data;
        self.handle_flags(direction, segment, timestamp);
        remark
    }

    /// New bytes have come, or bytes that had been seen before.
    pub(crate) fn handle_data(&mut self, direction: Direction, timestamp: Timestamp, is_new: bool, end: u32) {
        if is_new {
            self.history.delays.handle_data(direction, timestamp, end);
            self.senders[direction.index()].set(Mark::Timed, true);
        } else {
            self.history.delays.handle_retransmission(direction);
        }
    }

    /// A datagram of a flow that is no connection.
    pub(crate) fn handle_datagram(&mut self, direction: Direction, timestamp: Timestamp) {
        self.history.delays.take_turn(direction, timestamp);
    }

    /// An echo request or reply, or another pair of the kind: the answer comes from the system, not an application.
    pub(crate) fn handle_echo(&mut self, direction: Direction, timestamp: Timestamp) {
        self.history.delays.handle_echo(direction, timestamp);
    }

    /// Counts what most connections never have.
    pub(crate) fn count(&mut self, direction: Direction, trouble: Trouble) {
        self.history.troubles_of(direction).count(trouble);
    }

    /// Whether a SYN that is not part of this connection begins another one on the same ports.
    pub(crate) fn is_reused_by(&self, direction: Direction, segment: &TcpSegment) -> bool {
        if !segment.flags.contains(TcpFlags::SYN) || segment.flags.contains(TcpFlags::ACK) {
            return false;
        }
        let handshake = &self.history.handshake;
        let is_same = handshake.has_syn() && handshake.is_same_syn(segment.sequence_number);
        if self.phase() == Phase::Closed {
            let may_try_again = self.standing.state.may_try_again();
            return !(is_same && direction == Direction::ToServer && may_try_again);
        }
        // Both ends open at once (RFC 9293 §3.5).
        let has_syn = handshake.has_syn();
        if direction == Direction::ToClient && has_syn && !handshake.has_syn_ack() {
            return false;
        }
        let is_repeated = is_same && direction == Direction::ToServer;
        !is_repeated && (has_syn || self.standing.has_data)
    }

    /// Whether the packet just handled repeats a SYN, a SYN-ACK or a FIN without data.
    pub(crate) const fn is_flag_repeated(&self, flags: TcpFlags, remark: Remark) -> bool {
        if flags.contains(TcpFlags::SYN) {
            self.history.handshake.is_repeated(flags)
        } else {
            remark.is_fin_repeated()
        }
    }

    pub(crate) fn handshake(&self) -> Handshake {
        let [client, server] = self.senders.each_ref().map(Sender::window_scale);
        self.history.handshake.record(self.history.fin_count, client.zip(server))
    }

    /// How the connection ended, or would end now. `is_reversed` says that the client is in truth the server.
    pub(crate) const fn close_type(&self, is_reversed: bool) -> CloseType {
        let Standing { state, reset_by, has_data, .. } = *self.standing;
        let is_complete = self.history.handshake.is_complete();
        if !is_reversed {
            return close::close_type(state, reset_by, has_data, is_complete);
        }
        let reset_by = match reset_by {
            Some(direction) => Some(direction.reversed()),
            None => None,
        };
        close::close_type(state.reversed(), reset_by, has_data, is_complete)
    }

    fn phase(&self) -> Phase {
        self.standing.phase(self.has_fin())
    }

    fn has_fin(&self) -> [bool; 2] {
        self.senders.each_ref().map(|sender| sender.has(Mark::Fin))
    }

    fn handle_numbers(&mut self, direction: Direction, segment: &TcpSegment, payload_len: u32) -> Remark {
        let [client, server] = &mut *self.senders;
        let (sender, receiver) = match direction {
            Direction::ToServer => (client, server),
            Direction::ToClient => (server, client),
        };
        let remark = sender.handle_segment(receiver, segment, payload_len);
        if remark.is_trouble() {
            self.count_troubles(direction, remark);
        }
        remark
    }

    #[cold]
    fn count_troubles(&mut self, direction: Direction, remark: Remark) {
        for trouble in remark.troubles() {
            self.count(direction, trouble);
        }
    }

    fn handle_flags(&mut self, direction: Direction, segment: &TcpSegment, timestamp: Timestamp) {
        let flags = segment.flags;
        if flags.contains(TcpFlags::ACK) {
            self.handle_acknowledgment(direction, segment, timestamp);
        }
        let event = state::Event::of(flags);
        if event == state::Event::Syn
            && direction == Direction::ToServer
            && self.standing.state.may_try_again()
        {
            self.standing.reset_by = None;
        }
        if flags.contains(TcpFlags::SYN) {
            // Who opens sends no SYN-ACK and who accepts no SYN, unless both open at once (RFC 9293 §3.5).
            if flags.contains(TcpFlags::ACK) == (direction == Direction::ToClient) {
                self.history.handshake.handle_syn(segment, timestamp);
                self.standing.awaits_acknowledgment = self.history.handshake.awaits_acknowledgment();
            }
        } else if flags.contains(TcpFlags::ACK)
            && direction == Direction::ToServer
            && self.standing.awaits_acknowledgment
        {
            self.standing.awaits_acknowledgment = false;
            let is_last = self.history.handshake.handle_client_acknowledgment(segment, timestamp);
            if is_last && !flags.contains(TcpFlags::RST) {
                self.history.delays.handle_established(timestamp);
            }
        }
        if flags.contains(TcpFlags::FIN) {
            self.history.fin_count = self.history.fin_count.saturating_add(1);
            self.senders[direction.index()].set(Mark::Fin, true);
        }
        if flags.contains(TcpFlags::RST) {
            self.history.delays.handle_reset();
            self.standing.reset_by.get_or_insert(direction);
        } else if self.standing.reset_by.is_none() {
            // Only then the answer counts: most packets need not look.
            let answers_syn = self.standing.state.is_opening()
                && self.history.handshake.is_answered_by(segment.acknowledgment_number);
            self.standing.state = self.standing.state.after(direction, event, self.has_fin(), answers_syn);
        }
    }

    fn handle_acknowledgment(&mut self, direction: Direction, segment: &TcpSegment, timestamp: Timestamp) {
        let [sender, receiver] = [direction, direction.reversed()].map(Direction::index);
        if self.senders[receiver].has(Mark::Timed) {
            let is_pure = !self.senders[sender].has(Mark::DataLast);
            let at = segment.acknowledgment_number;
            let waits = self.history.delays.handle_acknowledgment(direction, timestamp, at, is_pure);
            self.senders[receiver].set(Mark::Timed, waits);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_history_of_a_connection_is_small() {
        assert!(size_of::<History>() <= 128, "{} bytes", size_of::<History>());
    }
}
