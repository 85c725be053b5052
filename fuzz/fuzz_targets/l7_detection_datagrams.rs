//! Any datagrams whose protocol must be found out.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| df_l7::fuzzing::datagrams(None, data));
