//! Any packets in a small flow table: bounds and the account of every byte.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| df_flow::fuzzing::packets(data));
