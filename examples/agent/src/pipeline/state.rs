//! What the agent keeps per flow: its connection, awake or at rest.

use std::sync::Arc;

use df_core::FlowKey;
use df_flow::L7Counts;
use df_l7::{
    Connection, ConnectionConfig, ConnectionStats, Exchange, Protocol, ResponseStatus, RestingConnection,
};

use super::log::Logged;

/// What is kept per flow.
#[derive(Debug)]
pub(crate) struct FlowState {
    conversation: Conversation,
    /// What of the flow was logged; none until that differs from what was reported.
    pub(super) logged: Option<Box<Logged>>,
}

/// A flow's connection.
#[derive(Debug)]
enum Conversation {
    /// Nothing: the flow is accounted for.
    Unparsed,
    Parsed(Box<Parsing>),
    /// The same while the flow is silent.
    Resting(Box<Resting>),
}

/// A connection and what it was found to be.
#[derive(Debug)]
pub(crate) struct Parsing {
    pub(super) connection: Connection,
    /// The protocol found; outlives the connection's end.
    pub(super) protocol: Option<Protocol>,
    /// Whether any bytes were seen.
    pub(super) has_begun: bool,
    /// The exchanges since the record before.
    pub(super) counts: L7Counts,
}

#[derive(Debug)]
pub(crate) struct Resting {
    connection: RestingConnection,
    protocol: Option<Protocol>,
    has_begun: bool,
    counts: L7Counts,
}

impl FlowState {
    /// A connection that begins, if there is what to parse it with.
    pub(super) fn new(key: &FlowKey, config: Option<&Arc<ConnectionConfig>>) -> Self {
        let Some(config) = config else {
            return Self { conversation: Conversation::Unparsed, logged: None };
        };
        Self::of(
            Connection::new(key.transport, Arc::clone(config)).with_ports(key.client.port, key.server.port),
        )
    }

    /// A connection of which something is known.
    pub(super) fn of(connection: Connection) -> Self {
        let logged = None;
        let counts = L7Counts::default();
        let parsing = Parsing { connection, protocol: None, has_begun: false, counts };
        Self { conversation: Conversation::Parsed(Box::new(parsing)), logged }
    }

    /// What is parsed, unless it rests.
    pub(super) const fn awake(&self) -> Option<&Parsing> {
        match &self.conversation {
            Conversation::Parsed(parsing) => Some(parsing),
            Conversation::Unparsed | Conversation::Resting(_) => None,
        }
    }

    /// What is parsed, awoken.
    pub(super) fn parsing(&mut self, config: Option<&Arc<ConnectionConfig>>) -> Option<&mut Parsing> {
        self.conversation.awake(config)
    }

    /// Packs the connection if nothing of it is in progress. Gives what it counted.
    pub(super) fn rest(&mut self) -> Option<ConnectionStats> {
        self.conversation.rest()
    }
}

impl Conversation {
    fn awake(&mut self, config: Option<&Arc<ConnectionConfig>>) -> Option<&mut Parsing> {
        if let (Self::Resting(_), Some(config)) = (&*self, config)
            && let Self::Resting(resting) = std::mem::replace(self, Self::Unparsed)
        {
            let Resting { connection, protocol, has_begun, counts } = *resting;
            let connection = connection.wake(Arc::clone(config));
            *self = Self::Parsed(Box::new(Parsing { connection, protocol, has_begun, counts }));
        }
        match self {
            Self::Parsed(parsing) => Some(parsing),
            Self::Unparsed | Self::Resting(_) => None,
        }
    }

    fn rest(&mut self) -> Option<ConnectionStats> {
        let Self::Parsed(parsing) = std::mem::replace(self, Self::Unparsed) else { return None };
        let Parsing { connection, protocol, has_begun, counts } = *parsing;
        let stats = connection.stats();
        match connection.rest() {
            Ok(connection) => {
                *self = Self::Resting(Box::new(Resting { connection, protocol, has_begun, counts }));
                Some(stats)
            }
            Err(connection) => {
                *self =
                    Self::Parsed(Box::new(Parsing { connection: *connection, protocol, has_begun, counts }));
                None
            }
        }
    }
}

/// Adds an exchange to the account of its flow.
pub(super) fn count(counts: &mut L7Counts, exchange: &Exchange) {
    counts.request = counts.request.saturating_add(u32::from(exchange.request.is_some()));
    counts.response = counts.response.saturating_add(u32::from(exchange.response.is_some()));
    let counter = match exchange.status() {
        ResponseStatus::ClientError => &mut counts.client_error,
        ResponseStatus::ServerError => &mut counts.server_error,
        ResponseStatus::Timeout => &mut counts.timeout,
        _ => &mut 0,
    };
    *counter = counter.saturating_add(1);
    if let Some(duration) = exchange.duration() {
        counts.rrt.add(duration);
    }
}
