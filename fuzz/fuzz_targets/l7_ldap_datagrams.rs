//! Any datagrams read as ldap.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| df_l7::fuzzing::datagrams(Some(df_l7::Protocol::Ldap), data));
