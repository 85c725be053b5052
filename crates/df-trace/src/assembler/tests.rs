//! What is held, what leaves and when.

use std::time::Duration;

use super::*;
use crate::test_exchange::{complete, place};

fn assembler() -> SpanAssembler {
    SpanAssembler::new(TraceConfig::default())
}

#[test]
fn a_span_leaves_when_its_window_has_ended_in_the_exchanges_own_time() {
    let mut spans = assembler();
    spans.handle_exchange(complete((1_000, 1), (2_000, 1)), place(1));
    assert_eq!(spans.poll_timeout(), Some(Timestamp::from_nanos(1_000_002_000)));
    assert_eq!(spans.poll_span(), None);
    spans.handle_timeout(Timestamp::from_nanos(1_000_001_999));
    assert_eq!(spans.poll_span(), None);
    spans.handle_exchange(complete((999_999_000, 5), (1_000_002_000, 5)), place(1));
    let span = spans.poll_span().unwrap();
    assert_eq!(span.exchange.start(), Timestamp::from_nanos(1_000));
    assert_eq!((span.link, spans.held()), (None, 1));
    assert_eq!(spans.poll_span(), None);
}

#[test]
fn a_clock_set_back_does_not_hold_spans_for_ever() {
    let mut spans = assembler();
    spans.handle_exchange(complete((3_600_000_000_000, 1), (3_600_000_001_000, 1)), place(1));
    spans.handle_timeout(Timestamp::from_nanos(5_000));
    assert!(spans.poll_span().is_some(), "held since a time that has not come yet");
    spans.handle_exchange(complete((6_000, 1), (7_000, 1)), place(1));
    spans.handle_timeout(Timestamp::from_nanos(1_000_007_000));
    assert!(spans.poll_span().is_some());
}

#[test]
fn the_oldest_leaves_early_when_too_many_are_held_and_drops_when_nobody_polls() {
    let mut spans = SpanAssembler::new(TraceConfig { max_held_spans: 2, ..TraceConfig::default() });
    for number in 0..5 {
        spans.handle_exchange(complete((1_000, number), (2_000, number)), place(1));
    }
    assert_eq!(spans.held(), 4);
    let first = spans.poll_span().unwrap();
    assert_eq!(first.exchange.request.unwrap().sequence_number, Some(1), "number 0 was dropped");
    assert!(spans.poll_span().is_some());
    assert_eq!(spans.poll_span(), None, "two may be held");
    let stats = spans.stats();
    assert_eq!((stats.exchanges, stats.spans, stats.dropped, stats.released_early), (5, 2, 1, 2));
}

#[test]
fn identifiers_are_the_same_on_every_run_and_differ_by_place_and_call() {
    let identifiers = |exchange: Exchange, interface| {
        let mut spans = assembler();
        spans.handle_exchange(exchange, place(interface));
        spans.flush();
        spans.poll_span().unwrap().context
    };
    let first = identifiers(complete((1_000, 1), (2_000, 1)), 1);
    assert_eq!(first.trace_id.to_string(), "89563964e2a11b6b1ace9508bca4933e");
    assert_eq!(first, identifiers(complete((1_000, 1), (2_000, 1)), 1));
    let elsewhere = identifiers(complete((1_700, 1), (1_900, 1)), 2);
    assert_eq!(first.trace_id, elsewhere.trace_id, "another agent, a little later, names the same trace");
    assert_ne!(first.span_id, elsewhere.span_id);
    assert_ne!(first.trace_id, identifiers(complete((1_000, 9), (2_000, 1)), 1).trace_id);
    let wrapped = complete((3_600_000_000_000, 1), (3_600_000_001_000, 1));
    assert_ne!(first.trace_id, identifiers(wrapped, 1).trace_id, "an hour later the numbers come again");
}

#[test]
fn a_late_observation_joins_the_trace_but_changes_nothing_that_left() {
    let mut spans = assembler();
    spans.handle_exchange(complete((1_000, 1), (2_000, 1)), place(1));
    spans.handle_timeout(Timestamp::from_nanos(2_000_000_000));
    let first = spans.poll_span().unwrap();
    spans.handle_exchange(complete((1_100, 1), (1_900, 1)), place(2));
    spans.flush();
    let late = spans.poll_span().unwrap();
    assert_eq!(late.context.trace_id, first.context.trace_id);
    assert_eq!(late.link, None);
}

#[test]
fn more_observations_than_interfaces_can_be_are_counted_and_still_become_spans() {
    let mut spans = assembler();
    for interface in 0..100 {
        spans.handle_exchange(complete((1_000, 1), (2_000, 1)), place(interface));
    }
    spans.flush();
    let count = std::iter::from_fn(|| spans.poll_span()).count();
    assert_eq!((count, spans.stats().not_compared, spans.index.is_empty()), (100, 68, true));
    assert_eq!(spans.config.link_window, Duration::from_secs(1));
}
