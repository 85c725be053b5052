//! Sums of delays, and counts of what the application protocol showed.

use std::time::Duration;

/// Delays of one kind: how many, how long in all, how long at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Delay {
    /// How many were measured.
    pub count: u32,
    /// Their sum in nanoseconds.
    pub sum_ns: u64,
    /// The longest, in nanoseconds; 0 if there is none.
    pub longest_ns: u64,
}

impl Delay {
    /// Adds one delay.
    pub fn add(&mut self, delay: Duration) {
        let nanoseconds = u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX);
        self.count = self.count.saturating_add(1);
        self.sum_ns = self.sum_ns.saturating_add(nanoseconds);
        self.longest_ns = self.longest_ns.max(nanoseconds);
    }

    /// Adds the delays of another record.
    pub(crate) fn append(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.sum_ns = self.sum_ns.saturating_add(other.sum_ns);
        self.longest_ns = self.longest_ns.max(other.longest_ns);
    }

    /// Their mean; none if there is none.
    pub fn mean(&self) -> Option<Duration> {
        self.sum_ns.checked_div(u64::from(self.count)).map(Duration::from_nanos)
    }
}

/// The delays of a flow. All of them include the way between the observer and the end that is timed, and back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Delays {
    /// System response time: from the client's newest data to the server's acknowledgment of it without data.
    pub srt: Delay,
    /// The same the other way: from the server's newest data to the client's acknowledgment.
    pub srt_client: Delay,
    /// Application response time: from the client's last data to the server's first.
    pub art: Delay,
    /// Client idle time: from the server's last data, or the end of the handshake, to the client's first.
    pub cit: Delay,
}

impl Delays {
    pub(crate) fn append(&mut self, other: &Self) {
        self.srt.append(&other.srt);
        self.srt_client.append(&other.srt_client);
        self.art.append(&other.art);
        self.cit.append(&other.cit);
    }

    /// The same with client and server exchanged: what one takes to answer, the other takes to ask again.
    pub(crate) const fn reversed(self) -> Self {
        Self { srt: self.srt_client, srt_client: self.srt, art: self.cit, cit: self.art }
    }
}

/// What the application protocol of a flow showed. The caller counts it, see
/// [`FlowRecord::with_l7`](crate::FlowRecord::with_l7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct L7Counts {
    /// The protocol's name; none while it is not known.
    pub protocol: Option<&'static str>,
    /// Requests, one-way messages among them.
    pub request: u32,
    /// Responses.
    pub response: u32,
    /// Responses that blame the client.
    pub client_error: u32,
    /// Responses that blame the server.
    pub server_error: u32,
    /// Requests that were never answered.
    pub timeout: u32,
    /// Request response time: from a request's first byte to its response's first byte.
    pub rrt: Delay,
}

impl L7Counts {
    pub(crate) fn append(&mut self, other: &Self) {
        self.protocol = self.protocol.or(other.protocol);
        self.request = self.request.saturating_add(other.request);
        self.response = self.response.saturating_add(other.response);
        self.client_error = self.client_error.saturating_add(other.client_error);
        self.server_error = self.server_error.saturating_add(other.server_error);
        self.timeout = self.timeout.saturating_add(other.timeout);
        self.rrt.append(&other.rrt);
    }

    /// Whether there were requests, and every one was answered without an error of the server.
    pub const fn is_all_well(&self) -> bool {
        self.response > 0 && self.response >= self.request && self.server_error == 0 && self.timeout == 0
    }
}
