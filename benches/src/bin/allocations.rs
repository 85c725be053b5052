//! How often each parser allocates for an exchange: `cargo run --release -p df-bench --bin allocations`.
//!
//! Everything from a connection's beginning to its last exchange counts: its state, detection, and what the exchange holds.
//! A program of its own, since counting slows allocating down.
#![allow(clippy::print_stdout, reason = "a command line tool prints")]

use std::error::Error;
use std::sync::Arc;

use df_bench::{Reading, conversations, recordings};
use df_l7::ConnectionConfig;

#[allow(clippy::cast_precision_loss, reason = "means for people")]
fn main() -> Result<(), Box<dyn Error>> {
    let config = Arc::new(ConnectionConfig::default());
    println!("{:12} {:>24} {:>18}", "protocol", "allocations per exchange", "bytes per exchange");
    for (protocol, conversations) in conversations(&recordings()?) {
        let mut reading = Reading::default();
        let allocations = allocation_counter::measure(|| {
            for conversation in &conversations {
                conversation.read(&config, &mut reading);
            }
        });
        let mean = |count: u64| count as f64 / reading.exchanges.max(1) as f64;
        println!(
            "{protocol:12} {:>24.1} {:>18.0}",
            mean(allocations.count_total),
            mean(allocations.bytes_total)
        );
    }
    Ok(())
}
