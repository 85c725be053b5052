//! Bodies of the fuzz targets: each must return for any input.

use df_core::SocketActivity;

use crate::abi::{exit_ns_of, used_bytes};
use crate::{ClockOffset, Event, decode_event};

/// Reads the input as a record, after what the reader of the rings does with it.
pub fn record(input: &[u8]) {
    let used = used_bytes(input);
    assert!(used <= input.len());
    let _ = exit_ns_of(input);
    let record = input.get(..used).unwrap_or_default();
    let event = decode_event(record, ClockOffset::from_nanos(1));
    assert_eq!(event, decode_event(input, ClockOffset::from_nanos(1)), "the room after a record is not read");
    if let Ok(Event::Socket(event)) = event
        && let SocketActivity::Data(data) = event.activity
    {
        assert!(data.original_len >= data.bytes.len());
        assert!(data.entry <= data.exit);
        let local = event.socket.local.ip();
        assert_eq!(local, local.map(|ip| ip.to_canonical()));
    }
}
