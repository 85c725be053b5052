//! Learn to capture live: one line per packet of an interface, until Ctrl-C ends the program or the count is reached.
//!
//! ```text
//! cargo run --example live_capture -- [INTERFACE|any] [FILTER] [COUNT]
//! ```

#[cfg(target_os = "linux")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    use std::io::Write;

    use df_capture::{AfPacket, AfPacketConfig, DecodeStats, FrameSource, decode};

    let mut arguments = std::env::args().skip(1);
    let mut config = AfPacketConfig::default();
    if let Some(name) = arguments.next().filter(|name| name != "any") {
        config = config.with_interface(name);
    }
    if let Some(expression) = arguments.next().filter(|expression| !expression.is_empty()) {
        config = config.with_filter(expression);
    }
    let count: u64 = arguments.next().map_or(Ok(u64::MAX), |count| count.parse())?;

    let mut output = std::io::stdout().lock();
    let mut source = AfPacket::open(&config)?;
    let mut stats = DecodeStats::default();
    while stats.frames() < count {
        let Some(frame) = source.next_frame()? else { break };
        let decoded = decode(&frame);
        stats.count(&decoded);
        match decoded {
            Ok(packet) => {
                let (timestamp, interface) = (packet.timestamp, packet.interface);
                let line = format!(
                    "{timestamp} {} {} > {} {} payload bytes",
                    packet.transport.transport().name(),
                    packet.source,
                    packet.destination,
                    packet.payload_len
                );
                let name = source.interface_name(interface).unwrap_or("?");
                writeln!(output, "{name} {line}")?;
            }
            Err(error) => writeln!(output, "{} {error}", frame.timestamp)?,
        }
    }
    writeln!(output, "{stats:?}\n{:?}", source.stats()?)?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn main() {}
