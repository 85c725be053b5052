//! What was not processed, stage by stage, in words.

use df_bpf::{ProbeStats, ProcessorStats};
use df_capture::{DecodeStats, FragmentStats};
use df_flow::{FlowStats, SocketStats};
use df_trace::TraceStats;

use crate::pipeline::ParsingStats;

/// Something that was not processed, and how often.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dropped {
    pub(crate) stage: &'static str,
    pub(crate) reason: &'static str,
    pub(crate) count: u64,
}

/// What every stage left out, in the order of the stages.
pub(crate) fn drops(
    (decoding, fragments): (&DecodeStats, &FragmentStats),
    flows: &FlowStats,
    parsing: &ParsingStats,
    spans: &TraceStats,
) -> Vec<Dropped> {
    let dropped = |stage, reason, count| Dropped { stage, reason, count };
    vec![
        dropped("decode", "frames cut inside their headers", decoding.truncated),
        dropped("decode", "frames with malformed headers", decoding.malformed),
        dropped("decode", "IP fragments whose others did not come in time", fragments.timed_out),
        dropped("decode", "IP fragments that overlap or contradict others", fragments.refused),
        dropped("decode", "IP fragments with malformed places", fragments.malformed),
        dropped("decode", "IP fragments that found no room", fragments.evicted),
        dropped("decode", "IP fragments whose others had not come at the end", fragments.held()),
        dropped("decode", "frames of unknown link types", decoding.unsupported_link_types),
        dropped(
            "decode",
            "frames other than TCP, UDP, SCTP and ICMP over IP",
            decoding.unsupported_protocols,
        ),
        dropped("flows", "flows ended early because the table was full", flows.flows_evicted),
        dropped("flows", "gaps in TCP streams", flows.gaps),
        dropped(
            "flows",
            "packets of connections left out that had been captured all the same",
            flows.packets_left_out,
        ),
        dropped("protocols", "messages that could not be parsed", parsing.parse_errors),
        dropped("protocols", "bytes skipped to the next message", parsing.bytes_dropped),
        dropped("protocols", "bytes of unknown protocols", parsing.bytes_unknown),
        dropped("spans", "exchanges that found no room", spans.dropped),
    ]
}

/// What was left out of what processes did.
pub(crate) fn process_drops(probes: &ProbeStats, sockets: &SocketStats) -> Vec<Dropped> {
    let dropped = |reason, count| Dropped { stage: "processes", reason, count };
    let counted = |reason, count: fn(&ProcessorStats) -> u64| {
        dropped(reason, probes.processors.iter().map(count).sum::<u64>())
    };
    vec![
        counted("records that found the ring full", |processor| processor.dropped_records),
        dropped("entries and returns of calls that the kernel left out", probes.missed_runs),
        counted("records left out above the configured rate", |processor| processor.shed_records),
        counted("payloads left out above the configured rate", |processor| processor.shed_payloads),
        counted("records of connections left out since the agent took too much", |processor| {
            processor.left_out_records
        }),
        counted("calls left out since too many threads were in calls", |processor| processor.full_threads),
        counted("sockets for which there was no room", |processor| {
            processor.full_sockets + processor.lost_sockets
        }),
        counted("messages of one call beyond those that are told of", |processor| processor.messages_cut),
        counted("records without the end of a long list of buffers", |processor| processor.vectors_cut),
        counted("buffers that could not be read", |processor| processor.unreadable_payloads),
        counted("plain text of TLS whose socket was not found", |processor| {
            processor.unbound_plaintext + processor.ambiguous_tls_calls
        }),
        counted("calls of io_uring, which are not looked into", |processor| processor.io_uring_calls),
        dropped("records that could not be read", probes.malformed_records),
        dropped("paths of Unix sockets for which there was no room", probes.lost_paths),
        dropped("conversations ended early because the table was full", sockets.conversations_evicted),
        dropped("gaps in what processes moved", sockets.gaps),
    ]
}
