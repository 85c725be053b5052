//! Any bytes as named values and SQL comments with trace context: ids are well formed.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| df_l7::fuzzing::context(data));
