//! What the agent counts about itself while it runs live, told as its health metrics.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use df_export::HealthCounter;

macro_rules! counts {
    ($($(#[$doc:meta])* $field:ident: $name:literal, $unit:literal;)+) => {
        /// Counts that threads add to and the exporter reads.
        #[derive(Debug, Default)]
        pub(crate) struct HealthCounts {
            $($(#[$doc])* pub(crate) $field: AtomicU64,)+
        }

        /// The counts under their metrics' names.
        pub(crate) fn counters(counts: &Arc<HealthCounts>) -> Vec<HealthCounter> {
            vec![$({
                let counts = Arc::clone(counts);
                HealthCounter::new($name, $unit, move || counts.$field.load(Ordering::Relaxed))
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
