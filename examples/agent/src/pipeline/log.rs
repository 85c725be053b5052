//! How often a flow is logged, where metrics have it reported more often.

use std::time::Duration;

use df_core::Timestamp;
use df_flow::FlowRecord;

use crate::config::ParsingSettings;

/// How often flows are logged.
#[derive(Debug, Clone, Copy)]
pub(super) struct FlowLog {
    interval: Option<Duration>,
    /// Whether flows are reported more often, for metrics.
    pub(super) is_metered: bool,
}

/// What of a flow was logged, and what was reported since.
#[derive(Debug)]
pub(super) struct Logged {
    until: Timestamp,
    since: Option<FlowRecord>,
}

impl FlowLog {
    pub(super) const fn new(parsing: &ParsingSettings) -> Self {
        Self { interval: parsing.flow_log_interval, is_metered: parsing.is_metered }
    }

    /// The record to log, if it is time: of everything since the last one.
    pub(super) fn due(self, record: FlowRecord, logged: &mut Option<Box<Logged>>) -> Option<FlowRecord> {
        if record.is_final && logged.is_none() {
            return Some(record);
        }
        let logged = logged.get_or_insert_with(|| Box::new(Logged { until: record.start, since: None }));
        let whole = match logged.since.take() {
            Some(mut before) => {
                before.append(&record);
                before
            }
            None => record,
        };
        // Reports come a little early or late: what is nearly due is.
        let is_over = |interval: Duration| whole.end.since(logged.until) + interval / 4 >= interval;
        if !whole.is_final && !self.interval.is_some_and(is_over) {
            logged.since = Some(whole);
            return None;
        }
        logged.until = whole.end;
        Some(whole)
    }
}

#[cfg(test)]
mod tests {
    use df_core::{Endpoint, FlowKey, Transport};

    use super::*;

    fn record(end_seconds: u64, is_final: bool) -> FlowRecord {
        let end = Endpoint::new([10, 0, 0, 1].into(), 1);
        let mut record = FlowRecord::new(1, FlowKey::new(Transport::Tcp, end, end), Timestamp::ZERO);
        record.end = Timestamp::from_nanos(end_seconds * 1_000_000_000);
        (record.is_new, record.is_final, record.to_server.packets) = (end_seconds == 1, is_final, 1);
        record
    }

    fn logged_packets(
        interval: Option<Duration>,
        ends: impl Iterator<Item = u64>,
        last: u64,
    ) -> Vec<(bool, u64)> {
        let log = FlowLog { interval, is_metered: true };
        let mut logged = None;
        ends.filter_map(|end| log.due(record(end, end == last), &mut logged))
            .map(|whole| (whole.is_new, whole.to_server.packets))
            .collect()
    }

    #[test]
    fn reports_of_each_second_become_one_log_a_minute_and_lose_no_packet() {
        let minute = Some(Duration::from_secs(60));
        assert_eq!(logged_packets(minute, 1..=130, 130), [(true, 45), (false, 45), (false, 40)]);
        assert_eq!(logged_packets(None, 1..=130, 130), [(true, 130)]);
        assert_eq!(logged_packets(minute, 1..=1, 1), [(true, 1)]);
    }
}
