//! The states of a TCP connection as an observer between its ends sees them, and what leads from one to the next.

use df_core::{Direction, TcpFlags};

/// Where a connection stands. A reset is kept apart: it ends every state and tells most together with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub(crate) enum State {
    /// Nothing that tells anything.
    #[default]
    New,
    /// The client has sent its SYN.
    SynSent,
    /// The server has sent its SYN-ACK.
    SynReceived,
    /// The server has answered the SYN with an ACK of something else (RFC 9293 §3.10.7.4): it holds an older connection
    /// on these ports.
    Challenged,
    /// The client has acknowledged the SYN-ACK; of the server nothing was heard since.
    Acknowledged,
    /// Both have agreed, or the connection was met in mid-life.
    Established,
    /// The client has acknowledged the SYN-ACK, and the server repeats it as if it had not: it cannot take the connection.
    NotAccepted,
    /// The client alone has sent a FIN.
    ClientClosing,
    /// The server alone has sent a FIN.
    ServerClosing,
    /// Both have sent a FIN.
    Closed,
}

/// What a packet's flags say, a reset aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    Syn,
    SynAck,
    Fin,
    Ack,
    /// Flags without a meaning for the state.
    Other,
}

impl Event {
    pub(crate) const fn of(flags: TcpFlags) -> Self {
        if flags.contains(TcpFlags::SYN) {
            return if flags.contains(TcpFlags::ACK) { Self::SynAck } else { Self::Syn };
        }
        if flags.contains(TcpFlags::FIN) {
            return Self::Fin;
        }
        if flags.contains(TcpFlags::ACK) { Self::Ack } else { Self::Other }
    }
}

impl State {
    /// The state after a packet. `has_fin` says which ends have sent a FIN by now, `answers_syn` whether the packet
    /// acknowledges the client's SYN.
    pub(crate) const fn after(
        self,
        direction: Direction,
        event: Event,
        has_fin: [bool; 2],
        answers_syn: bool,
    ) -> Self {
        match (event, direction) {
            (Event::Other, _) => self,
            (Event::Syn, _) => self.after_syn(),
            (Event::SynAck, Direction::ToClient) => self.after_syn_ack(),
            (Event::SynAck, Direction::ToServer) => self.after_simultaneous_syn_ack(),
            (Event::Fin | Event::Ack, Direction::ToServer) => match self {
                // It goes on as if it had been accepted; only the server can tell that it was.
                Self::NotAccepted => self,
                Self::SynReceived | Self::Acknowledged if !has_fin[0] => Self::Acknowledged,
                _ => open(has_fin),
            },
            (Event::Fin, Direction::ToClient) => open(has_fin),
            (Event::Ack, Direction::ToClient) => match self {
                Self::SynSent if !answers_syn => Self::Challenged,
                Self::Challenged if !answers_syn => self,
                _ => open(has_fin),
            },
        }
    }

    /// Whether a handshake was seen to begin and is not over.
    pub(crate) const fn is_opening(self) -> bool {
        matches!(self, Self::SynSent | Self::SynReceived | Self::Challenged)
    }

    /// Whether a client may try again here with the SYN it had sent: it was refused, or has cleared away an older connection.
    pub(crate) const fn may_try_again(self) -> bool {
        matches!(self, Self::SynSent | Self::Challenged)
    }

    /// The state if the ends are the other way round.
    pub(crate) const fn reversed(self) -> Self {
        match self {
            Self::ClientClosing => Self::ServerClosing,
            Self::ServerClosing => Self::ClientClosing,
            _ => self,
        }
    }

    const fn after_syn(self) -> Self {
        match self {
            Self::New | Self::Challenged => Self::SynSent,
            // Whoever asks again gets the answer again.
            Self::Acknowledged => Self::SynReceived,
            _ => self,
        }
    }

    const fn after_syn_ack(self) -> Self {
        match self {
            Self::New | Self::SynSent | Self::SynReceived | Self::Challenged => Self::SynReceived,
            Self::Acknowledged => Self::NotAccepted,
            _ => self,
        }
    }

    /// The client of a simultaneous open answers the server's SYN.
    const fn after_simultaneous_syn_ack(self) -> Self {
        match self {
            Self::New | Self::SynSent => Self::SynReceived,
            _ => self,
        }
    }
}

/// The state of a connection that was opened, by the FINs seen.
const fn open(has_fin: [bool; 2]) -> State {
    match has_fin {
        [false, false] => State::Established,
        [true, false] => State::ClientClosing,
        [false, true] => State::ServerClosing,
        [true, true] => State::Closed,
    }
}
