//! Any bytes as compressed data: what comes out is bounded, and less input gives less of the same.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| df_l7::fuzzing::decompress(data));
