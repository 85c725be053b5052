//! Any bytes as SQL text: no data is shown, and what is shown is bounded.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| df_l7::fuzzing::sql(data));
