//! On which connection, and where, an exchange was seen.

use df_core::{Endpoint, EventSource, FlowKey, InterfaceId, Task, VirtualNetwork, VlanTags};

use crate::ObservationPoint;

/// On which connection, and where between client and server, an exchange was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Place {
    /// The connection, and the interface on which it was seen.
    pub flow: FlowKey,
    /// Where that interface is, between client and server.
    pub observation_point: ObservationPoint,
    /// The process that was seen, where it was a process.
    pub process: Option<ObservedProcess>,
}

/// A process at one end of a connection, and how it was observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ObservedProcess {
    /// The thread that moved the bytes.
    pub task: Task,
    /// Where the bytes were taken.
    pub source: EventSource,
}

impl Place {
    /// A place from its parts.
    pub const fn new(flow: FlowKey, observation_point: ObservationPoint) -> Self {
        Self { flow, observation_point, process: None }
    }

    /// Says which process was seen.
    pub const fn with_process(mut self, process: ObservedProcess) -> Self {
        self.process = Some(process);
        self
    }

    /// The same place with client and server exchanged.
    pub const fn reversed(self) -> Self {
        Self { flow: self.flow.reversed(), observation_point: self.observation_point.reversed(), ..self }
    }

    /// What one call can be seen through only once.
    pub(crate) fn port(&self) -> Port {
        let process = Some(self.observation_point).filter(|point| point.is_process());
        (self.flow.interface, self.flow.vlan, self.flow.virtual_network, process)
    }

    pub(crate) const fn ends(&self) -> [Endpoint; 2] {
        [self.flow.client, self.flow.server]
    }

    /// Whether client or server is the same.
    pub(crate) fn shares_an_end(&self, other: &Self) -> bool {
        self.flow.client == other.flow.client || self.flow.server == other.flow.server
    }

    /// An order of places that is the same on every run, and means nothing.
    pub(crate) const fn arbitrary_order(&self) -> impl Ord + use<> {
        let Self { flow, observation_point, .. } = self;
        let FlowKey { interface, vlan, virtual_network, .. } = flow;
        (interface.0, vlan.outer, vlan.inner, *virtual_network, self.ends(), observation_point.rank())
    }
}

/// What one call can be seen through only once: an interface, or the process at either end.
pub(crate) type Port = (InterfaceId, VlanTags, Option<VirtualNetwork>, Option<ObservationPoint>);
