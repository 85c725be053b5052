//! Any events of sockets through a small socket table.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| df_flow::fuzzing::socket_events(data));
