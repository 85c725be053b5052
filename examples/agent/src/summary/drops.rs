//! What was not processed, stage by stage, in words.

use df_capture::{DecodeStats, FragmentStats};
use df_flow::FlowStats;
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
        dropped("protocols", "messages that could not be parsed", parsing.parse_errors),
        dropped("protocols", "bytes skipped to the next message", parsing.bytes_dropped),
        dropped("protocols", "bytes of unknown protocols", parsing.bytes_unknown),
        dropped("spans", "exchanges that found no room", spans.dropped),
    ]
}
