//! The metrics of the network: which figures of an edge they are, and under which attributes.

use df_core::Direction;
use df_flow::CloseType;
use df_flow::aggregation::{DelayHistogram, Edge, EdgeMetrics, TrafficMetrics, Window};

use super::Metric;
use super::aggregation::{Delays, Instrument, Level, Period, Sum};
use super::attribute_set::{AttributeSet, SetValue};

/// One instrument for each row of the tables below.
#[derive(Debug)]
pub(super) struct Network {
    traffic: Vec<Instrument<Sum>>,
    handshake_retransmissions: Instrument<Sum>,
    opened: Instrument<Sum>,
    closed: Instrument<Sum>,
    failures: Instrument<Sum>,
    active: Instrument<Level>,
    requests: Instrument<Sum>,
    responses: Instrument<Sum>,
    request_failures: Instrument<Sum>,
    delays: Vec<Instrument<Delays>>,
}

impl Network {
    pub(super) fn new(sets: usize) -> Self {
        let sum = || Instrument::new(sets, &[]);
        Self {
            traffic: TRAFFIC.iter().map(|_| sum()).collect(),
            handshake_retransmissions: sum(),
            opened: sum(),
            closed: sum(),
            failures: sum(),
            active: Instrument::new(sets, &[]),
            requests: sum(),
            responses: sum(),
            request_failures: sum(),
            delays: DELAYS.iter().map(|_| Instrument::new(sets, DELAY_BOUNDS)).collect(),
        }
    }

    /// Measures a window. Gives how many measurements went to an overflow.
    pub(super) fn record(&mut self, window: &Window) -> u64 {
        self.active.clear_values();
        window.edges.iter().map(|(edge, metrics)| self.record_edge(edge, metrics)).sum()
    }

    pub(super) fn collect(&mut self, period: Period) -> Vec<Metric> {
        let traffic = TRAFFIC.iter().zip(&mut self.traffic);
        let mut metrics: Vec<Metric> = traffic
            .map(|(row, instrument)| instrument.collect(period, (row.name, row.unit, row.description)))
            .collect();
        metrics.extend([
            self.handshake_retransmissions.collect(period, HANDSHAKE_RETRANSMISSIONS),
            self.opened.collect(period, OPENED),
            self.closed.collect(period, CLOSED),
            self.failures.collect(period, FAILURES),
            self.active.collect(period, ACTIVE),
            self.requests.collect(period, REQUESTS),
            self.responses.collect(period, RESPONSES),
            self.request_failures.collect(period, REQUEST_FAILURES),
        ]);
        let delays = DELAYS.iter().zip(&mut self.delays);
        metrics.extend(
            delays.map(|(row, instrument)| instrument.collect(period, (row.name, "s", row.description))),
        );
        metrics
    }

    fn record_edge(&mut self, edge: &Edge, metrics: &EdgeMetrics) -> u64 {
        let set = edge_attributes(edge);
        let mut overflowed = self.record_traffic(&set, metrics) + self.record_connections(&set, metrics);
        overflowed += self.record_requests(&set, metrics);
        for (row, instrument) in DELAYS.iter().zip(&mut self.delays) {
            let histogram = (row.figure)(metrics);
            if histogram.count > 0 {
                overflowed += u64::from(instrument.record(set.clone(), histogram.clone()));
            }
        }
        overflowed
    }

    fn record_traffic(&mut self, set: &AttributeSet, metrics: &EdgeMetrics) -> u64 {
        let directions =
            [(Direction::ToServer, &metrics.to_server), (Direction::ToClient, &metrics.to_client)];
        let mut overflowed = 0;
        for (direction, traffic) in directions {
            let set = set.clone().with("df.flow.direction", direction_name(direction));
            for (row, instrument) in TRAFFIC.iter().zip(&mut self.traffic) {
                overflowed += add(instrument, &set, (row.figure)(traffic));
            }
        }
        overflowed
    }

    fn record_connections(&mut self, set: &AttributeSet, metrics: &EdgeMetrics) -> u64 {
        let mut overflowed = 0;
        let handshakes = [
            (Direction::ToServer, metrics.syn_retransmissions),
            (Direction::ToClient, metrics.syn_ack_retransmissions),
        ];
        for (direction, count) in handshakes {
            let name = ("df.flow.direction", direction_name(direction));
            overflowed += add_named(&mut self.handshake_retransmissions, set, name, count);
        }
        overflowed += add(&mut self.opened, set, metrics.opened);
        for (close_type, count) in CloseType::ALL.iter().zip(metrics.closed) {
            overflowed += add_named(&mut self.closed, set, ("df.flow.close_type", close_type.name()), count);
        }
        let failures = [
            ("client_establish", metrics.client_establish_failures()),
            ("server_establish", metrics.server_establish_failures()),
            ("transfer", metrics.transfer_failures()),
        ];
        for (name, count) in failures {
            overflowed += add_named(&mut self.failures, set, ("df.flow.failure", name), count);
        }
        overflowed + u64::from(self.active.record(set.clone(), metrics.active))
    }

    fn record_requests(&mut self, set: &AttributeSet, metrics: &EdgeMetrics) -> u64 {
        let mut overflowed = add(&mut self.requests, set, metrics.requests);
        overflowed += add(&mut self.responses, set, metrics.responses);
        let failures = [
            ("client_error", metrics.client_errors),
            ("server_error", metrics.server_errors),
            ("timeout", metrics.request_timeouts),
        ];
        for (name, count) in failures {
            overflowed += add_named(&mut self.request_failures, set, ("df.flow.failure", name), count);
        }
        overflowed
    }
}

fn add(instrument: &mut Instrument<Sum>, set: &AttributeSet, count: u64) -> u64 {
    if count == 0 { 0 } else { u64::from(instrument.record(set.clone(), count)) }
}

/// The same under one attribute more. Most counts of most edges are nothing, and cost nothing.
fn add_named(
    instrument: &mut Instrument<Sum>,
    set: &AttributeSet,
    (key, value): (&'static str, &'static str),
    count: u64,
) -> u64 {
    if count == 0 { 0 } else { add(instrument, &set.clone().with(key, value), count) }
}

fn edge_attributes(edge: &Edge) -> AttributeSet {
    if *edge == Edge::OVERFLOW {
        return AttributeSet::overflow();
    }
    let server = edge.server.end;
    AttributeSet::default()
        .with("network.transport", edge.server.transport.name())
        .with_some("network.type", server.address.network_type())
        .with_some("client.address", SetValue::of(edge.client))
        .with_some("server.address", SetValue::of(server.address))
        .with("server.port", server.port)
}

const fn direction_name(direction: Direction) -> &'static str {
    match direction {
        Direction::ToServer => "to_server",
        Direction::ToClient => "to_client",
    }
}

/// A figure of each direction.
struct TrafficRow {
    name: &'static str,
    unit: &'static str,
    description: &'static str,
    figure: fn(&TrafficMetrics) -> u64,
}

/// A distribution.
struct DelayRow {
    name: &'static str,
    description: &'static str,
    figure: fn(&EdgeMetrics) -> &DelayHistogram,
}

macro_rules! traffic {
    ($($name:literal, $unit:literal, $description:literal => $figure:ident;)+) => {
        &[$(TrafficRow { name: $name, unit: $unit, description: $description, figure: |traffic| traffic.$figure }),+]
    };
}

macro_rules! delays {
    ($($name:literal, $description:literal => $figure:ident;)+) => {
        &[$(DelayRow { name: $name, description: $description, figure: |metrics| &metrics.$figure }),+]
    };
}

const TRAFFIC: &[TrafficRow] = traffic! {
    "df.network.io", "By", "Bytes of IP packets." => l3_bytes;
    "df.network.payload", "By", "Bytes of transport payload, those sent again included." => l4_bytes;
    "df.network.packets", "{packet}", "Packets." => packets;
    "df.network.retransmissions", "{packet}", "TCP segments sent again." => retransmissions;
    "df.network.out_of_order", "{packet}", "TCP segments that came after later ones." => out_of_order;
    "df.network.zero_windows", "{packet}", "Packets that closed their sender's receive window." => zero_window;
    "df.network.duplicate_acknowledgments", "{packet}", "Acknowledgments said again." => duplicate_acknowledgments;
    "df.network.resets", "{packet}", "Packets that reset their connection." => resets;
    "df.network.lost_segments", "{packet}", "TCP segments that were never captured." => lost_segments;
};

const DELAYS: &[DelayRow] = delays! {
    "df.network.rtt", "Round trip time of TCP handshakes." => rtt;
    "df.network.rtt.client", "The client's part of the round trip time." => rtt_client;
    "df.network.rtt.server", "The server's part of the round trip time." => rtt_server;
    "df.network.srt", "System response time: from data to its acknowledgment." => srt;
    "df.network.art", "Application response time: from the client's last data to the server's first." => art;
    "df.network.cit", "Client idle time: from the server's last data to the client's first." => cit;
    "df.network.request.duration", "From a request's first byte to its response's first byte." => rrt;
};

type Words = (&'static str, &'static str, &'static str);
const HANDSHAKE_RETRANSMISSIONS: Words =
    ("df.network.handshake.retransmissions", "{packet}", "SYNs and SYN-ACKs sent again.");
const OPENED: Words = ("df.network.connections.opened", "{connection}", "Flows that began.");
const CLOSED: Words = ("df.network.connections.closed", "{connection}", "Flows that ended.");
const FAILURES: Words =
    ("df.network.connections.failures", "{connection}", "Flows that were not established or ended badly.");
const ACTIVE: Words = ("df.network.connections.active", "{connection}", "Flows that are open.");
const REQUESTS: Words = ("df.network.requests", "{request}", "Requests.");
const RESPONSES: Words = ("df.network.responses", "{response}", "Responses.");
const REQUEST_FAILURES: Words =
    ("df.network.request.failures", "{request}", "Requests that failed or were never answered.");

/// [`df_flow::aggregation::DELAY_BOUNDS_NS`] in seconds.
pub(super) const DELAY_BOUNDS: &[f64] = &[
    0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1,
    0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
