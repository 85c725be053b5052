//! Dns as it is on the wire.

use df_core::{Direction, Transport};

use crate::Detection;

/// Says whether these bytes are this protocol's.
pub(crate) fn detect(_transport: Transport, _direction: Direction, _bytes: &[u8]) -> Detection {
    Detection::NoMatch
}
