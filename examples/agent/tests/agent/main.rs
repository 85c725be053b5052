//! Drives the real binary, as a person or a script does.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says aloud what it skips"
)]

mod capture;
mod left_out;
mod live;
mod options;
mod otlp;
mod program;
mod replay;
