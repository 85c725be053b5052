//! How fast each parser reads the recordings of its protocol, on one core: `cargo run --release -p df-bench --bin parsers`.
//!
//! The chunks of every recorded connection are given to a new `Connection`, detection and matching included, again and
//! again for two seconds of processor time per protocol; `heads` is a connection of HTTP/1 heads without bodies. Arguments
//! name the protocols; without any it is all of them.
#![allow(clippy::print_stdout, reason = "a command line tool prints")]

use std::error::Error;
use std::sync::Arc;

use df_bench::{Conversation, Reading, conversations, heads, process_time, recordings};
use df_l7::ConnectionConfig;

/// That of the agent.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn Error>> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    println!("{:12} {:>12} {:>12} {:>8}", "protocol", "messages/s", "exchanges/s", "MB/s");
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|one| one == name);
    for (protocol, conversations) in conversations(&recordings()?) {
        if is_wanted(protocol) {
            measure(protocol, &conversations);
        }
    }
    if is_wanted("heads") {
        measure("heads", &[heads(1_000)]);
    }
    Ok(())
}

#[allow(clippy::cast_precision_loss, reason = "rates for people")]
fn measure(protocol: &str, conversations: &[Conversation]) {
    let config = Arc::new(ConnectionConfig::default());
    let mut reading = Reading::default();
    let start = process_time();
    while process_time() - start < 2_000_000_000 {
        for conversation in conversations {
            conversation.read(&config, &mut reading);
        }
    }
    let seconds = (process_time() - start) as f64 / 1e9;
    let rate = |count: u64| count as f64 / seconds;
    println!(
        "{protocol:12} {:>12.0} {:>12.0} {:>8.0}",
        rate(reading.messages),
        rate(reading.exchanges),
        rate(reading.bytes) / 1e6
    );
}
