//! Any conversation over TCP read as amqp.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| df_l7::fuzzing::stream(Some(df_l7::Protocol::Amqp), data));
