//! What the bodies of requests and responses hold, as far as it is read: one table each, after the message definitions of
//! the Kafka project.

pub(super) mod cluster;
pub(super) mod groups;
pub(super) mod records;
pub(super) mod topics;
pub(super) mod transactions;
