//! AMQP 0-9-1 with RabbitMQ's extensions.

mod arguments;
mod channels;
mod conversation;
mod methods;
mod pending;
mod properties;
mod records;
mod wire;

pub(super) use conversation::Conversation;
pub(super) use methods::Method;
pub(super) use wire::{FRAME_END, FrameHead, FrameKind, HEAD_BYTES};
