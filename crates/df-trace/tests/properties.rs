//! Laws of linking: the order of arrival changes nothing, nothing is lost, and parents are real.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use df_core::{Endpoint, FlowKey, InterfaceId, Timestamp, Transport, VlanTags};
use df_l7::{Exchange, ExchangeKind, Observed, Protocol, Request, Response};
use df_trace::{LinkedSpan, ObservationPoint, Place, SpanAssembler, TraceConfig};
use proptest::prelude::*;

/// What one interface saw of one call. Few values each, so that many look alike.
#[derive(Debug, Clone, Copy)]
struct Sighting {
    interface: u32,
    point: ObservationPoint,
    server: u8,
    transport: Transport,
    sequence_numbers: (u32, u32),
    start_us: u64,
    duration_us: u64,
    sees: ExchangeKind,
}

impl Sighting {
    fn exchange(&self) -> Exchange {
        let tcp = self.transport == Transport::Tcp;
        let request = Request { domain: Some("a.example".to_owned()), ..Request::default() };
        let request = observed(request, self.start_us, tcp.then_some(self.sequence_numbers.0));
        let end_us = self.start_us + self.duration_us;
        let response = observed(Response::default(), end_us, tcp.then_some(self.sequence_numbers.1));
        let (request, response) = match self.sees {
            ExchangeKind::Unanswered => (Some(request), None),
            ExchangeKind::ResponseOnly => (None, Some(response)),
            _ => (Some(request), Some(response)),
        };
        let mut exchange = Exchange::new(Protocol::Dns, self.sees);
        (exchange.request, exchange.response) = (request.map(Box::new), response.map(Box::new));
        exchange.request_id = Some(u64::from(self.sequence_numbers.0));
        exchange
    }

    fn place(&self) -> Place {
        let flow = FlowKey {
            transport: self.transport,
            client: Endpoint::new([10, 0, 0, 1].into(), 40_000),
            server: Endpoint::new([10, 0, 0, self.server].into(), 53),
            vlan: VlanTags::default(),
            virtual_network: None,
            interface: InterfaceId(self.interface),
        };
        Place::new(flow, self.point)
    }
}

fn observed<T>(content: T, start_us: u64, sequence_number: Option<u32>) -> Observed<T> {
    let start = Timestamp::from_nanos(start_us * 1_000);
    Observed { content, start, end: start, length: 40, sequence_number, causal_id: None }
}

fn sighting() -> impl Strategy<Value = Sighting> {
    let kinds = [
        ExchangeKind::Complete,
        ExchangeKind::Complete,
        ExchangeKind::Unanswered,
        ExchangeKind::ResponseOnly,
    ];
    let points = [ObservationPoint::Client, ObservationPoint::Rest, ObservationPoint::Server];
    (
        (0..4_u32, prop::sample::select(points.to_vec()), 2..4_u8, prop::sample::select(kinds.to_vec())),
        (prop::sample::select(&[Transport::Tcp, Transport::Tcp, Transport::Udp][..]), (0..3_u32, 0..3_u32)),
        (prop::sample::select(&[0, 100, 200, 400_000][..]), 0..5_u64, 0..20_u64),
    )
        .prop_map(
            |(
                (interface, point, server, sees),
                (transport, sequence_numbers),
                (base, shift, duration_us),
            )| {
                let start_us = base + shift;
                Sighting {
                    interface,
                    point,
                    server,
                    transport,
                    sequence_numbers,
                    start_us,
                    duration_us,
                    sees,
                }
            },
        )
}

fn run(sightings: &[Sighting], config: TraceConfig) -> (Vec<LinkedSpan>, SpanAssembler) {
    let mut assembler = SpanAssembler::new(config);
    let mut spans = Vec::new();
    for sighting in sightings {
        assembler.handle_exchange(sighting.exchange(), sighting.place());
        spans.extend(std::iter::from_fn(|| assembler.poll_span()));
    }
    assembler.flush();
    spans.extend(std::iter::from_fn(|| assembler.poll_span()));
    (spans, assembler)
}

/// What must not depend on the order of arrival.
fn outcome(spans: &[LinkedSpan]) -> BTreeMap<String, usize> {
    let mut outcome = BTreeMap::new();
    for span in spans {
        *outcome.entry(format!("{:?} {:?}", span.context, span.link)).or_default() += 1;
    }
    outcome
}

/// No two sightings at one interface at the same time, which are one span if nothing else tells them apart.
fn distinct(sightings: Vec<Sighting>) -> Vec<Sighting> {
    let mut seen = BTreeSet::new();
    let times_us = |sighting: &Sighting| {
        let (start_us, end_us) = (sighting.start_us, sighting.start_us + sighting.duration_us);
        match sighting.sees {
            ExchangeKind::Unanswered => (Some(start_us), None),
            ExchangeKind::ResponseOnly => (None, Some(end_us)),
            _ => (Some(start_us), Some(end_us)),
        }
    };
    sightings.into_iter().filter(|sighting| seen.insert((sighting.interface, times_us(sighting)))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_order_of_arrival_within_the_window_changes_nothing(
        (ordered, shuffled) in prop::collection::vec(sighting(), 1..30)
            .prop_map(distinct)
            .prop_flat_map(|sightings| (Just(sightings.clone()), Just(sightings).prop_shuffle()))
    ) {
        let (first, _) = run(&ordered, TraceConfig::default());
        let (second, _) = run(&shuffled, TraceConfig::default());
        prop_assert_eq!(outcome(&first), outcome(&second));
    }

    #[test]
    fn every_exchange_becomes_one_span_and_leaves_in_order(sightings in prop::collection::vec(sighting(), 0..60)) {
        let mut config = TraceConfig::default();
        config.max_held_spans = 7;
        let (spans, assembler) = run(&sightings, config);
        let stats = assembler.stats();
        prop_assert_eq!(stats.exchanges, stats.spans + stats.dropped);
        prop_assert_eq!((stats.dropped, assembler.held(), assembler.poll_timeout()), (0, 0, None));
        let places: Vec<_> = sightings.iter().map(|sighting| (sighting.place(), sighting.exchange())).collect();
        let left: Vec<_> = spans.into_iter().map(|span| (span.place, span.exchange)).collect();
        prop_assert_eq!(left, places);
    }

    #[test]
    fn parents_are_spans_of_the_same_trace_and_there_is_no_circle(
        sightings in prop::collection::vec(sighting(), 1..40).prop_map(distinct)
    ) {
        let (spans, _) = run(&sightings, TraceConfig::default());
        let parents: HashMap<_, _> = spans.iter().map(|span| (span.context.span_id, span)).collect();
        for span in &spans {
            let mut steps = 0;
            let mut at = span;
            while let Some(parent) = at.parent_span_id() {
                at = parents[&parent];
                prop_assert_eq!(at.context.trace_id, span.context.trace_id);
                prop_assert_ne!(at.place.flow.interface, span.place.flow.interface);
                steps += 1;
                prop_assert!(steps < spans.len());
            }
        }
    }
}
