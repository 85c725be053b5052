//! One window of time with the figures of all its edges.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use df_core::{Address, Endpoint, FlowKey, Timestamp, Transport};

use super::edge_metrics::EdgeMetrics;
use crate::FlowRecord;

/// A client's address and the server endpoint that it talks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Edge {
    /// The client's address; its port changes with every connection.
    pub client: Address,
    /// The server's end.
    pub server: ServerEndpoint,
}

/// Where a service is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ServerEndpoint {
    /// The transport.
    pub transport: Transport,
    /// Address and port.
    pub end: Endpoint,
}

impl Edge {
    /// The edge with client and server of this flow exchanged.
    pub(super) const fn reversed_of(key: &FlowKey) -> Self {
        Self::of(&key.reversed())
    }

    /// Stands for all edges that a window has no room for.
    pub const OVERFLOW: Self = Self {
        client: Address::Ip(IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
        server: ServerEndpoint {
            transport: Transport::Tcp,
            end: Endpoint::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 0),
        },
    };

    /// The edge that a flow belongs to.
    pub const fn of(key: &FlowKey) -> Self {
        Self {
            client: key.client.address,
            server: ServerEndpoint { transport: key.transport, end: key.server },
        }
    }
}

/// The figures of one window of time.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Window {
    /// When it begins: a whole multiple of its length since 1970.
    pub start: Timestamp,
    /// How long it is.
    pub length: Duration,
    /// The figures per edge; what exceeds the bound is under [`Edge::OVERFLOW`].
    pub edges: HashMap<Edge, EdgeMetrics>,
}

impl Window {
    /// A window without figures.
    pub fn new(start: Timestamp, length: Duration) -> Self {
        Self { start, length, edges: HashMap::new() }
    }

    /// When it ends.
    pub fn end(&self) -> Timestamp {
        self.start.saturating_add(self.length)
    }

    /// Adds a record, and says whether its edge has a place of its own: a window holds at most `max_edges`, the overflow's
    /// among them.
    pub fn add(&mut self, record: &FlowRecord, max_edges: usize) -> bool {
        let (metrics, is_within) = self.edge(Edge::of(&record.key), max_edges);
        metrics.add(record);
        if record.has_turned {
            metrics.turned_in += 1;
            self.edge(Edge::reversed_of(&record.key), max_edges).0.turned_out += 1;
        }
        is_within
    }

    /// The figures of an edge, or the overflow's if the window has too many; and whether they are its own.
    pub(super) fn edge(&mut self, edge: Edge, max_edges: usize) -> (&mut EdgeMetrics, bool) {
        let is_within = self.edges.len() + 1 < max_edges || self.edges.contains_key(&edge);
        (self.edges.entry(if is_within { edge } else { Edge::OVERFLOW }).or_default(), is_within)
    }

    /// The figures per server endpoint, over all its clients.
    pub fn endpoints(&self) -> HashMap<ServerEndpoint, EdgeMetrics> {
        let mut endpoints: HashMap<ServerEndpoint, EdgeMetrics> = HashMap::new();
        for (edge, metrics) in &self.edges {
            endpoints.entry(edge.server).or_default().merge(metrics);
        }
        endpoints
    }

    /// Adds the window of another thread or host for the same time, or the one that follows: then this window becomes
    /// longer, and the flows open at its end are those of the later one. Holds at most `max_edges` edges.
    pub fn merge(&mut self, later: &Self, max_edges: usize) {
        let follows = later.start >= self.end();
        if follows {
            self.edges.values_mut().for_each(|metrics| metrics.active = 0);
        }
        let end = self.end().max(later.end());
        self.start = self.start.min(later.start);
        self.length = end.since(self.start);
        for (edge, metrics) in &later.edges {
            self.edge(*edge, max_edges).0.merge(metrics);
        }
    }
}
