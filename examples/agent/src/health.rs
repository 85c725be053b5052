//! What the agent counts about itself while it runs live, told as its health metrics.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use df_export::HealthMetric;

macro_rules! counts {
    ($($(#[$doc:meta])* $field:ident: $name:literal, $unit:literal;)+) => {
        /// Counts that threads add to and the exporter reads.
        #[derive(Debug, Default)]
        pub(crate) struct HealthCounts {
            $($(#[$doc])* pub(crate) $field: AtomicU64,)+
            /// How many of 256 connections are left out now.
            pub(crate) connections_left_out: AtomicU64,
        }

        fn counters(counts: &Arc<HealthCounts>) -> Vec<HealthMetric> {
            vec![$({
                let counts = Arc::clone(counts);
                HealthMetric::counter($name, $unit, move || counts.$field.load(Ordering::Relaxed))
            },)+]
        }
    };
}

counts! {
    /// Frames that passed the filter.
    frames: "df.capture.frames", "{frame}";
    /// Frames that found the kernel's ring full.
    frames_dropped: "df.capture.frames.dropped", "{frame}";
    /// Packets that found parsing behind.
    packets_dropped: "df.capture.packets.dropped", "{packet}";
    /// Frames that are no packet this build reads.
    frames_not_decoded: "df.decode.frames.rejected", "{frame}";
    /// Packets that flow tables took.
    packets: "df.flow.packets", "{packet}";
    /// Flows begun.
    flows_opened: "df.flow.flows.opened", "{flow}";
    /// Flows ended early because a table was full.
    flows_evicted: "df.flow.flows.evicted", "{flow}";
    /// Times that bytes of a TCP stream were given up as lost.
    gaps: "df.flow.gaps", "{gap}";
    /// Records of what processes did with sockets.
    probe_records: "df.ebpf.records", "{record}";
    /// Such records that found the kernel's ring full.
    probe_records_dropped: "df.ebpf.records.dropped", "{record}";
    /// Such records of connections that are left out, to keep within what the agent may take of the processors.
    probe_records_left_out: "df.ebpf.records.left_out", "{record}";
    /// Conversations of processes begun.
    conversations_opened: "df.ebpf.conversations.opened", "{conversation}";
    /// Exchanges found.
    exchanges: "df.l7.exchanges", "{exchange}";
    /// Exchanges that found no room to be linked.
    spans_dropped: "df.trace.spans.dropped", "{span}";
    /// Spans that were not exported since there were too many.
    spans_throttled: "df.export.spans.throttled", "{span}";
    /// Spans, metric points and log records that the receiver took.
    items_exported: "df.export.items.exported", "{item}";
    /// Spans, metric points and log records that will never arrive.
    items_dropped: "df.export.items.dropped", "{item}";
}

impl HealthCounts {
    /// Packets and records that found no room on their way to parsing, for want of a processor.
    pub(crate) fn found_no_room(&self) -> u64 {
        let counts = [&self.frames_dropped, &self.packets_dropped, &self.probe_records_dropped];
        counts.iter().map(|count| count.load(Ordering::Relaxed)).fold(0, u64::saturating_add)
    }
}

/// Everything under its metric's name.
pub(crate) fn metrics(counts: &Arc<HealthCounts>) -> Vec<HealthMetric> {
    let mut metrics = counters(counts);
    let counts = Arc::clone(counts);
    metrics.push(HealthMetric::gauge("df.agent.connections.left_out", "1", move || {
        #[allow(clippy::cast_precision_loss, reason = "256 at most")]
        let left_out = counts.connections_left_out.load(Ordering::Relaxed) as f64;
        left_out / 256.0
    }));
    metrics
}

/// One thread's part in a count: turns its growing total into what is to be added.
#[derive(Debug, Default)]
pub(crate) struct Share(u64);

impl Share {
    /// Adds what `total` has grown by since the last call.
    pub(crate) fn add(&mut self, count: &AtomicU64, total: u64) {
        count.fetch_add(total.saturating_sub(self.0), Ordering::Relaxed);
        self.0 = total;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_documented() {
        let documented = include_str!("../../../docs/metrics.md");
        for HealthMetric { name, unit, .. } in metrics(&Arc::default()) {
            assert!(documented.contains(&format!("| `{name}` | `{unit}`")), "{name} in {unit}");
        }
    }
}
