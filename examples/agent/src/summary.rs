//! What was seen, told at the end: exchanges by protocol, flows, bytes, drops.

mod drops;
mod quantiles;

use std::fmt::Write as _;

use df_flow::FlowRecord;
use df_l7::{Exchange, Protocol, ResponseStatus};

use crate::output::table::shown_duration;
pub(crate) use drops::{Dropped, drops, process_drops};
use quantiles::Quantiles;

/// Counts what passes.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    protocols: Vec<ProtocolLine>,
    flows: u64,
    packets: u64,
    bytes: u64,
}

/// What was seen of one protocol.
#[derive(Debug)]
struct ProtocolLine {
    protocol: Protocol,
    exchanges: u64,
    errors: u64,
    unanswered: u64,
    durations: Quantiles,
}

impl Summary {
    /// Counts an exchange.
    pub(crate) fn handle_exchange(&mut self, exchange: &Exchange) {
        let line = self.line(exchange.protocol);
        line.exchanges += 1;
        let status = exchange.status();
        line.errors += u64::from(status.is_error());
        line.unanswered += u64::from(status == ResponseStatus::Timeout);
        if let Some(duration) = exchange.duration() {
            line.durations.record(duration);
        }
    }

    /// Counts a flow record.
    pub(crate) fn handle_flow(&mut self, record: &FlowRecord) {
        self.flows += u64::from(record.is_final);
        self.packets += record.to_server.packets + record.to_client.packets;
        self.bytes += record.to_server.bytes + record.to_client.bytes;
    }

    /// The summary as text; protocols in the order of their names.
    pub(crate) fn text(&mut self, drops: &[Dropped]) -> String {
        self.protocols.sort_by_key(|line| line.protocol.name());
        let mut text = String::from("\n");
        if self.protocols.is_empty() {
            text.push_str("No exchanges.\n");
        } else {
            let _ = writeln!(
                text,
                "{:12} {:>10} {:>8} {:>10} {:>9} {:>9}",
                "PROTOCOL", "EXCHANGES", "ERRORS", "NO ANSWER", "P50", "P99"
            );
        }
        for line in &self.protocols {
            let quantile =
                |percent| line.durations.quantile(percent).map_or_else(|| "-".to_owned(), shown_duration);
            let _ = writeln!(
                text,
                "{:12} {:>10} {:>8} {:>10} {:>9} {:>9}",
                line.protocol.name(),
                line.exchanges,
                line.errors,
                line.unanswered,
                quantile(50),
                quantile(99)
            );
        }
        let _ =
            writeln!(text, "\n{} flows, {} packets, {}", self.flows, self.packets, shown_bytes(self.bytes));
        push_drops(&mut text, drops);
        text
    }

    fn line(&mut self, protocol: Protocol) -> &mut ProtocolLine {
        let found = self.protocols.iter().position(|line| line.protocol == protocol);
        let index = found.unwrap_or(self.protocols.len());
        if found.is_none() {
            self.protocols.push(ProtocolLine::new(protocol));
        }
        &mut self.protocols[index]
    }
}

impl ProtocolLine {
    fn new(protocol: Protocol) -> Self {
        Self { protocol, exchanges: 0, errors: 0, unanswered: 0, durations: Quantiles::default() }
    }
}

fn push_drops(text: &mut String, drops: &[Dropped]) {
    let mut drops = drops.iter().filter(|drop| drop.count > 0).peekable();
    if drops.peek().is_none() {
        text.push_str("nothing dropped\n");
        return;
    }
    text.push_str("not processed:\n");
    for drop in drops {
        let _ = writeln!(text, "{:>12}  {}: {}", drop.count, drop.stage, drop.reason);
    }
}

/// A number of bytes in the unit that fits it.
pub(crate) fn shown_bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1_024 {
        return format!("{bytes} B");
    }
    let mut tenths = bytes.saturating_mul(10) / 1_024;
    let mut unit = 0;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1_024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}
