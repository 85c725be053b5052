//! Where a connection stands, in a few bytes that every packet looks at.

use df_core::Direction;

use super::state::State;

/// Where a connection stands. Which ends have sent a FIN is known elsewhere: see [`Mark::Fin`](crate::sender::Mark::Fin).
#[derive(Debug, Default)]
pub(crate) struct Standing {
    pub(super) state: State,
    pub(super) reset_by: Option<Direction>,
    pub(super) has_data: bool,
    /// Whether the client's acknowledgment of the SYN-ACK is missing.
    pub(super) awaits_acknowledgment: bool,
}

/// What decides how long a connection may be silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Opening,
    Established,
    HalfClosed,
    Closed,
}

impl Standing {
    #[inline]
    pub(crate) fn phase(&self, has_fin: [bool; 2]) -> Phase {
        if self.reset_by.is_some() || has_fin == [true, true] {
            Phase::Closed
        } else if has_fin != [false, false] {
            Phase::HalfClosed
        } else if self.state.is_opening() && !self.has_data {
            Phase::Opening
        } else {
            Phase::Established
        }
    }

    pub(crate) const fn is_reset(&self) -> bool {
        self.reset_by.is_some()
    }

    pub(crate) const fn has_data(&self) -> bool {
        self.has_data
    }

    pub(crate) const fn awaits_acknowledgment(&self) -> bool {
        self.awaits_acknowledgment
    }
}
