//! AMQP 1.0.

mod conversation;
mod links;
mod pending;
mod performative;
mod records;
mod sections;
mod transfers;
mod value;
mod wire;

#[cfg(test)]
mod tests;

pub(super) use conversation::Conversation;
pub(super) use wire::{Start, start_of};
