//! The wall clock, which captured packets are stamped with.

use std::time::SystemTime;

use df_core::Timestamp;

/// Now.
pub(super) fn now() -> Timestamp {
    let elapsed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_parts(elapsed.as_secs(), elapsed.subsec_nanos())
}
