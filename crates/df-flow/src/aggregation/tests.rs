//! What windows say of flows, told as stories of one server and its clients.

use df_core::{Endpoint, FlowKey, Transport};

use super::*;
use crate::{CloseType, Delay, L7Counts};

fn end(text: &str) -> Endpoint {
    let at: std::net::SocketAddr = text.parse().unwrap();
    Endpoint::new(at.ip(), at.port())
}

fn at(milliseconds: u64) -> Timestamp {
    Timestamp::from_nanos(milliseconds * 1_000_000)
}

fn key(client: &str) -> FlowKey {
    FlowKey::new(Transport::Tcp, end(client), end("10.0.0.9:80"))
}

/// A record of a flow that goes on, whose last packet came at `ended` milliseconds.
fn goes_on(client: &str, ended: u64) -> FlowRecord {
    let mut record = FlowRecord::new(1, key(client), at(0));
    (record.is_new, record.end) = (false, at(ended));
    record.to_server.packets = 2;
    record.to_server.l3_bytes = 100;
    record
}

fn begins(client: &str, ended: u64) -> FlowRecord {
    FlowRecord { is_new: true, ..goes_on(client, ended) }
}

fn closes(client: &str, ended: u64, close_type: CloseType) -> FlowRecord {
    FlowRecord { is_final: true, close_type, ..goes_on(client, ended) }
}

fn windows_of(aggregator: &mut FlowAggregator, records: &[FlowRecord]) -> Vec<Window> {
    for record in records {
        aggregator.handle_record(record);
    }
    aggregator.finish();
    std::iter::from_fn(|| aggregator.poll_window()).collect()
}

fn one_edge(window: &Window) -> &EdgeMetrics {
    assert_eq!(window.edges.len(), 1, "{window:?}");
    window.edges.values().next().unwrap()
}

#[test]
fn flows_are_open_from_their_first_record_to_their_last() {
    let mut aggregator = FlowAggregator::new(AggregationConfig::default());
    let story = [
        begins("10.0.0.1:1001", 100),
        begins("10.0.0.1:1002", 200),
        closes("10.0.0.1:1001", 1_500, CloseType::Finish),
        closes("10.0.0.1:1002", 3_500, CloseType::TcpServerRst),
    ];
    let windows = windows_of(&mut aggregator, &story);
    let told: Vec<_> =
        windows.iter().map(one_edge).map(|edge| (edge.opened, edge.active, edge.closed_flows())).collect();
    assert_eq!(told, [(2, 2, 0), (0, 1, 1), (0, 0, 1)]);
    assert_eq!(windows[2].start, at(3_000));
    assert_eq!(one_edge(&windows[2]).closed_by(CloseType::TcpServerRst), 1);
    assert_eq!(one_edge(&windows[2]).transfer_failures(), 1);
    assert_eq!(one_edge(&windows[0]).to_server.l3_bytes, 200);
}

#[test]
fn a_silent_flow_is_still_open() {
    let mut aggregator = FlowAggregator::new(AggregationConfig::default());
    let windows = windows_of(&mut aggregator, &[begins("10.0.0.1:1", 100), begins("10.0.0.2:1", 1_100)]);
    let open: Vec<u64> =
        windows.iter().map(|window| window.edges.values().map(|edge| edge.active).sum()).collect();
    assert_eq!(open, [1, 2]);
}

#[test]
fn a_flow_that_turns_moves_to_the_other_edge() {
    let mut aggregator = FlowAggregator::new(AggregationConfig::default());
    let turned = FlowRecord {
        key: key("10.0.0.1:1").reversed(),
        has_turned: true,
        ..closes("10.0.0.1:1", 1_100, CloseType::Finish)
    };
    let windows = windows_of(&mut aggregator, &[begins("10.0.0.1:1", 100), turned]);
    assert!(windows[1].edges.values().all(|edge| edge.active == 0), "{windows:?}");
}

#[test]
fn records_may_be_late_within_the_window() {
    let mut aggregator = FlowAggregator::new(AggregationConfig::default());
    aggregator.handle_record(&begins("10.0.0.1:1", 900));
    aggregator.handle_timeout(at(2_900));
    assert_eq!(aggregator.poll_window(), None, "2 s of lateness are not over");
    aggregator.handle_record(&begins("10.0.0.1:2", 950));
    aggregator.handle_timeout(at(3_000));
    assert_eq!(one_edge(&aggregator.poll_window().unwrap()).opened, 2);
    aggregator.handle_record(&begins("10.0.0.1:3", 960));
    let stats = aggregator.stats();
    assert_eq!((stats.records, stats.late_records, stats.late_packets), (2, 1, 2));
}

#[test]
fn a_clock_that_runs_ahead_ends_the_oldest_window() {
    let mut aggregator = FlowAggregator::new(AggregationConfig::default());
    for second in 0..200 {
        aggregator.handle_record(&begins("10.0.0.1:1", second * 1_000));
    }
    let hurried = std::iter::from_fn(|| aggregator.poll_window()).count();
    assert_eq!((hurried, aggregator.stats().hurried_windows), (72, 72));
}

#[test]
fn too_many_edges_are_counted_together() {
    let config = AggregationConfig { max_edges: 3, ..AggregationConfig::default() };
    let mut aggregator = FlowAggregator::new(config);
    let records: Vec<_> = (1..=6).map(|host| begins(&format!("10.0.0.{host}:1"), 10)).collect();
    let windows = windows_of(&mut aggregator, &records);
    assert_eq!(windows[0].edges.len(), 3);
    assert_eq!(windows[0].edges[&Edge::OVERFLOW].opened, 4);
    assert_eq!(aggregator.stats().overflowed_records, 4);
}

#[test]
fn delays_of_a_record_keep_their_count_sum_and_longest() {
    let mut histogram = DelayHistogram::default();
    histogram.add_delays(&Delay { count: 3, sum_ns: 3_020_000, longest_ns: 3_000_000 });
    assert_eq!((histogram.count, histogram.sum_ns, histogram.longest_ns), (3, 3_020_000, 3_000_000));
    let buckets = histogram.buckets();
    assert_eq!((buckets[0], buckets[8], buckets.iter().sum::<u64>()), (2, 1, 3), "two of 10 µs, one of 3 ms");
    histogram.add(11_000_000_000);
    assert_eq!(histogram.buckets()[19], 1);
}

#[test]
fn seconds_become_a_minute_and_threads_one_host() {
    let l7 = L7Counts { request: 2, response: 1, timeout: 1, ..L7Counts::default() };
    let mut first = FlowAggregator::new(AggregationConfig::default());
    let story = [begins("10.0.0.1:1", 100).with_l7(l7), goes_on("10.0.0.1:1", 1_100)];
    let mut seconds = windows_of(&mut first, &story).into_iter();
    let mut second = FlowAggregator::new(AggregationConfig::default());
    let other_thread = windows_of(&mut second, &[begins("10.0.0.1:2", 300)]);

    let mut sum = seconds.next().unwrap();
    sum.merge(&other_thread[0], 100);
    assert_eq!((sum.length, one_edge(&sum).opened, one_edge(&sum).active), (Duration::from_secs(1), 2, 2));
    sum.merge(&seconds.next().unwrap(), 100);
    assert_eq!((sum.start, sum.length), (at(0), Duration::from_secs(2)));
    let edge = one_edge(&sum);
    assert_eq!((edge.requests, edge.request_timeouts, edge.to_server.packets), (2, 1, 6));
    assert_eq!(edge.active, 1, "as the later window says");
    assert_eq!(sum.endpoints().len(), 1);
}
