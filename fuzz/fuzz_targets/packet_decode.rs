//! Any bytes as a frame of any link type.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| df_capture::fuzzing::packet_decode(data));
