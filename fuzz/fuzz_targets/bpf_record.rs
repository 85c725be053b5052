//! Any bytes as a record of the eBPF programs.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| df_bpf::fuzzing::record(data));
