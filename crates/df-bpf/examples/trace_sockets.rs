//! Prints what every process of this host sends and receives: `cargo run --example trace_sockets` as root.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example prints")]

use std::time::Duration;

use df_bpf::{Event, ProbeConfig, Probes};
use df_core::{SocketActivity, SocketEvent};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut probes = Probes::load(&ProbeConfig::default())?;
    eprintln!("{}", probes.report());
    loop {
        probes.poll(Duration::from_secs(1), |event| match event {
            Event::Socket(event) => print_socket(&event),
            Event::Process(event) => println!("{event:?}"),
            _ => (),
        })?;
    }
}

fn print_socket(event: &SocketEvent<'_>) {
    let (task, socket) = (event.task, event.socket);
    let who = format!("{} {} [{}]", event.timestamp, task.command.as_text(), task.pid);
    let ends =
        format!("{} {} - {} ({:?})", socket.transport.name(), socket.local, socket.remote, socket.role);
    match event.activity {
        SocketActivity::Data(data) => {
            let text =
                String::from_utf8_lossy(data.bytes.get(..data.bytes.len().min(40)).unwrap_or_default());
            let cause = data.causal_id.map_or(0, df_core::CausalId::number);
            println!(
                "{who} {ends} {} {:?} {} of {} bytes at {:?} because of {cause:x}: {text:?}",
                data.function,
                data.transfer,
                data.bytes.len(),
                data.original_len,
                data.position,
            );
        }
        activity => println!("{who} {ends} {activity:?}"),
    }
}
