//! The figures of one edge in one window.

use std::time::Duration;

use df_core::Direction;

use super::histogram::DelayHistogram;
use crate::{CloseType, DirectionCounters, FlowRecord, Handshake, L7Counts};

/// What happened between a client and a server endpoint in one window. All figures add up, but for `active`, which is a
/// level at the window's end: of two windows that follow each other the later one's holds, of two threads the sum.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct EdgeMetrics {
    /// Flows that began.
    pub opened: u64,
    /// Flows that ended, by [`CloseType`] in the order of [`CloseType::ALL`].
    pub closed: [u64; CloseType::ALL.len()],
    /// Flows open at the window's end.
    pub active: u64,
    /// Flows already reported that turned out to belong to this edge, and to another one: their direction changed.
    pub(super) turned_in: u64,
    pub(super) turned_out: u64,
    /// What clients sent.
    pub to_server: TrafficMetrics,
    /// What the server sent.
    pub to_client: TrafficMetrics,
    /// SYN packets that were sent again.
    pub syn_retransmissions: u64,
    /// SYN-ACK packets that were sent again.
    pub syn_ack_retransmissions: u64,
    /// Round trips of handshakes, once per flow: when it ended.
    pub rtt: DelayHistogram,
    /// The client's part of it.
    pub rtt_client: DelayHistogram,
    /// The server's part of it.
    pub rtt_server: DelayHistogram,
    /// System response times.
    pub srt: DelayHistogram,
    /// Application response times.
    pub art: DelayHistogram,
    /// Client idle times.
    pub cit: DelayHistogram,
    /// Requests, where the application protocol is known.
    pub requests: u64,
    /// Responses.
    pub responses: u64,
    /// Responses that blame the client.
    pub client_errors: u64,
    /// Responses that blame the server.
    pub server_errors: u64,
    /// Requests that were never answered.
    pub request_timeouts: u64,
    /// From a request's first byte to its response's first byte.
    pub rrt: DelayHistogram,
}

/// The packets of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TrafficMetrics {
    /// Packets.
    pub packets: u64,
    /// Bytes of whole frames.
    pub bytes: u64,
    /// Bytes of IP packets.
    pub l3_bytes: u64,
    /// Bytes of transport payload, retransmissions included.
    pub l4_bytes: u64,
    /// Segments sent again.
    pub retransmissions: u64,
    /// Segments that came after later ones.
    pub out_of_order: u64,
    /// Packets that closed the receive window of their sender.
    pub zero_window: u64,
    /// Acknowledgments said again.
    pub duplicate_acknowledgments: u64,
    /// Packets that reset the connection.
    pub resets: u64,
    /// Segments that were never captured.
    pub lost_segments: u64,
}

impl EdgeMetrics {
    /// How many flows ended.
    pub fn closed_flows(&self) -> u64 {
        self.closed.iter().sum()
    }

    /// How many flows ended in one way.
    pub fn closed_by(&self, close_type: CloseType) -> u64 {
        let place = CloseType::ALL.iter().position(|one| *one == close_type);
        place.and_then(|place| self.closed.get(place)).copied().unwrap_or_default()
    }

    /// Flows whose connection was never established through the client's fault.
    pub fn client_establish_failures(&self) -> u64 {
        self.sum_of(CloseType::is_client_establish_failure)
    }

    /// Flows whose connection was never established through the server's fault.
    pub fn server_establish_failures(&self) -> u64 {
        self.sum_of(CloseType::is_server_establish_failure)
    }

    /// Flows that were established and did not end in good order.
    pub fn transfer_failures(&self) -> u64 {
        self.sum_of(CloseType::is_transfer_failure)
    }

    /// Adds the figures of another window, thread or host. `active` is added too: see
    /// [`Window::merge`](super::Window::merge).
    pub fn merge(&mut self, other: &Self) {
        self.opened += other.opened;
        self.closed.iter_mut().zip(other.closed).for_each(|(count, other)| *count += other);
        self.active += other.active;
        self.to_server.merge(&other.to_server);
        self.to_client.merge(&other.to_client);
        self.syn_retransmissions += other.syn_retransmissions;
        self.syn_ack_retransmissions += other.syn_ack_retransmissions;
        let theirs = other.histograms();
        self.histograms_mut().into_iter().zip(theirs).for_each(|(mine, other)| mine.merge(other));
        self.requests += other.requests;
        self.responses += other.responses;
        self.client_errors += other.client_errors;
        self.server_errors += other.server_errors;
        self.request_timeouts += other.request_timeouts;
    }

    /// Adds a record.
    pub(super) fn add(&mut self, record: &FlowRecord) {
        self.opened += u64::from(record.is_new);
        if record.is_final {
            self.add_end(record.close_type);
        }
        if record.has_new_handshake {
            self.add_handshake(&record.handshake);
        }
        self.to_server.add(record.counters(Direction::ToServer));
        self.to_client.add(record.counters(Direction::ToClient));
        self.srt.add_delays(&record.delays.srt);
        self.art.add_delays(&record.delays.art);
        self.cit.add_delays(&record.delays.cit);
        if let Some(counts) = &record.l7 {
            self.add_l7(counts);
        }
    }

    fn add_end(&mut self, close_type: CloseType) {
        let place = CloseType::ALL.iter().position(|one| *one == close_type);
        if let Some(count) = place.and_then(|place| self.closed.get_mut(place)) {
            *count += 1;
        }
    }

    fn add_handshake(&mut self, handshake: &Handshake) {
        self.syn_retransmissions += u64::from(handshake.syn_retransmissions);
        self.syn_ack_retransmissions += u64::from(handshake.syn_ack_retransmissions);
        let round_trips = [
            (&mut self.rtt, handshake.rtt),
            (&mut self.rtt_client, handshake.rtt_client),
            (&mut self.rtt_server, handshake.rtt_server),
        ];
        for (histogram, delay) in round_trips {
            if let Some(delay) = delay {
                histogram.add(nanoseconds(delay));
            }
        }
    }

    fn add_l7(&mut self, counts: &L7Counts) {
        self.requests += u64::from(counts.request);
        self.responses += u64::from(counts.response);
        self.client_errors += u64::from(counts.client_error);
        self.server_errors += u64::from(counts.server_error);
        self.request_timeouts += u64::from(counts.timeout);
        self.rrt.add_delays(&counts.rrt);
    }

    fn sum_of(&self, counts: fn(CloseType) -> bool) -> u64 {
        CloseType::ALL.iter().zip(self.closed).filter(|(one, _)| counts(**one)).map(|(_, count)| count).sum()
    }

    const fn histograms(&self) -> [&DelayHistogram; 7] {
        [&self.rtt, &self.rtt_client, &self.rtt_server, &self.srt, &self.art, &self.cit, &self.rrt]
    }

    const fn histograms_mut(&mut self) -> [&mut DelayHistogram; 7] {
        [
            &mut self.rtt,
            &mut self.rtt_client,
            &mut self.rtt_server,
            &mut self.srt,
            &mut self.art,
            &mut self.cit,
            &mut self.rrt,
        ]
    }
}

impl TrafficMetrics {
    fn add(&mut self, counters: &DirectionCounters) {
        self.packets += counters.packets;
        self.bytes += counters.bytes;
        self.l3_bytes += counters.l3_bytes;
        self.l4_bytes += counters.l4_bytes;
        self.retransmissions += u64::from(counters.retransmissions);
        self.out_of_order += u64::from(counters.out_of_order);
        self.zero_window += u64::from(counters.zero_window);
        self.duplicate_acknowledgments += u64::from(counters.duplicate_acknowledgments);
        self.resets += u64::from(counters.resets);
        self.lost_segments += u64::from(counters.lost_segments);
    }

    fn merge(&mut self, other: &Self) {
        self.packets += other.packets;
        self.bytes += other.bytes;
        self.l3_bytes += other.l3_bytes;
        self.l4_bytes += other.l4_bytes;
        self.retransmissions += other.retransmissions;
        self.out_of_order += other.out_of_order;
        self.zero_window += other.zero_window;
        self.duplicate_acknowledgments += other.duplicate_acknowledgments;
        self.resets += other.resets;
        self.lost_segments += other.lost_segments;
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
