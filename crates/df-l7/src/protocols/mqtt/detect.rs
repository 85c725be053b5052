//! Says whether bytes are packets of MQTT. `CONNECT` names the protocol; everything else is so short that it is asked to be
//! right in every field, and what follows it too.

use df_core::{Direction, Transport};

use crate::{Cursor, Detection};

use super::connect::{Front, front};
use super::properties::{Properties, TOPIC_ALIAS, Value};
use super::publish::{Publish, needed_bytes};
use super::reasons::is_known;
use super::subscribe::{Answers, Filters};
use super::topics::{is_plain, is_topic};
use super::wire::{Head, HeadError, Kind, Sender, Version};

/// Says whether these bytes are this protocol's.
pub(super) fn detect(_transport: Transport, direction: Direction, bytes: &[u8]) -> Detection {
    let (sender, is_certain) = match judge(bytes) {
        Likeness::Packets { sender, is_certain } => (sender, is_certain),
        Likeness::Beginning { .. } => return Detection::NeedMore,
        Likeness::Stranger => return Detection::NoMatch,
    };
    let is_reversed = match sender {
        Sender::Client => direction == Direction::ToClient,
        Sender::Server => direction == Direction::ToServer,
        Sender::Either => false,
    };
    match (is_certain, is_reversed) {
        (true, false) => Detection::CERTAIN,
        (true, true) => Detection::CERTAIN_REVERSED,
        (false, false) => Detection::WEAK,
        (false, true) => Detection::WEAK_REVERSED,
    }
}

/// Whether packets can start here, in the middle of a conversation.
pub(super) fn is_packet_start(bytes: &[u8]) -> bool {
    matches!(judge(bytes), Likeness::Packets { .. } | Likeness::Beginning { has_topic: true })
}

/// How much bytes are like packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Likeness {
    Packets {
        sender: Sender,
        is_certain: bool,
    },
    /// Not enough is there to tell.
    Beginning {
        /// Whether it is a message with its topic.
        has_topic: bool,
    },
    Stranger,
}

/// How much the first packet is like one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum First {
    /// A `CONNECT`, as far as it names the protocol.
    Connect,
    Whole {
        sender: Sender,
        packet_bytes: usize,
    },
    /// Right as far as it is there, and too long to wait for its end.
    Long,
    Beginning {
        has_topic: bool,
    },
    Stranger,
}

fn judge(bytes: &[u8]) -> Likeness {
    let (mut rest, mut sender) = (bytes, Sender::Either);
    for place in 0..MAX_JUDGED_PACKETS {
        match judge_first(rest) {
            First::Connect if place == 0 => {
                return Likeness::Packets { sender: Sender::Client, is_certain: true };
            }
            First::Beginning { has_topic } if place == 0 => return Likeness::Beginning { has_topic },
            First::Connect | First::Long | First::Beginning { .. } => break,
            First::Stranger => return Likeness::Stranger,
            First::Whole { sender: this_sender, packet_bytes } => {
                if sender != Sender::Either && this_sender != Sender::Either && sender != this_sender {
                    return Likeness::Stranger;
                }
                sender = if sender == Sender::Either { this_sender } else { sender };
                rest = rest.get(packet_bytes..).unwrap_or_default();
            }
        }
        if rest.is_empty() {
            break;
        }
    }
    Likeness::Packets { sender, is_certain: false }
}

fn judge_first(bytes: &[u8]) -> First {
    let head = match Head::read(bytes) {
        Ok(head) => head,
        Err(HeadError::Incomplete) => return First::Beginning { has_topic: false },
        Err(HeadError::Unreadable) => return First::Stranger,
    };
    let body = head.body(bytes);
    if head.kind == Kind::Connect {
        return match front(body) {
            Front::Of(_) => First::Connect,
            Front::Beginning => First::Beginning { has_topic: false },
            Front::Stranger => First::Stranger,
        };
    }
    // Who is not known to speak the protocol writes no length longer than need be, and repeats nothing that is not answered.
    if head.has_long_length() || head.is_duplicate() && head.qos() == 0 {
        return First::Stranger;
    }
    if head.kind == Kind::Publish {
        return judge_publish(&head, body);
    }
    let is_whole = body.len() == head.body_bytes;
    match (is_whole, head.body_bytes > MAX_WAITED_BYTES) {
        (_, true) => First::Stranger,
        (false, _) if starts_wrong(&head, body) => First::Stranger,
        (false, _) => First::Beginning { has_topic: false },
        (true, _) if !is_right(&head, body) => First::Stranger,
        (true, _) => First::Whole { sender: head.kind.sender(), packet_bytes: head.packet_bytes() },
    }
}

fn judge_publish(head: &Head, body: &[u8]) -> First {
    let Some(needed) = needed_bytes(head, body, Version::Unknown) else { return First::Stranger };
    let publish = Publish::read(head, body, Version::Unknown);
    let topic = publish.topic.unwrap_or_else(|| body.get(TOPIC_LENGTH_BYTES..).unwrap_or_default());
    let has_control = topic.iter().any(|byte| byte.is_ascii_control() || matches!(byte, b'+' | b'#'));
    if has_control || publish.packet_id == Some(0) {
        return First::Stranger;
    }
    let is_there = body.len() >= needed;
    if let Some(topic) = publish.topic.filter(|topic| !topic.is_empty())
        && !(is_topic(topic) && is_plain(topic))
    {
        return First::Stranger;
    }
    // Where an alias stands for the topic, properties have it.
    let is_aliased = publish.topic == Some(&[]);
    if is_aliased && is_there && !has_whole_alias(head, body) {
        return First::Stranger;
    }
    let has_topic = is_there && topic.len() >= MIN_PLAIN_BYTES;
    if body.len() == head.body_bytes {
        First::Whole { sender: Sender::Either, packet_bytes: head.packet_bytes() }
    } else if head.body_bytes <= MAX_WAITED_BYTES || !is_there {
        First::Beginning { has_topic }
    } else if has_topic {
        First::Long
    } else {
        First::Stranger
    }
}

/// Whether the properties behind an empty topic are well formed and have an alias.
fn has_whole_alias(head: &Head, body: &[u8]) -> bool {
    let front_bytes = TOPIC_LENGTH_BYTES + if head.qos() > 0 { PACKET_ID_BYTES } else { 0 };
    let mut cursor = Cursor::new(body.get(front_bytes..).unwrap_or_default());
    let properties = Properties::read_whole(&mut cursor);
    let is_alias = |(identifier, value)| matches!((identifier, value), (TOPIC_ALIAS, Value::Number(1..)));
    properties.is_some_and(|mut properties| properties.any(is_alias))
}

/// Whether the front of a body that is not all there is wrong already.
fn starts_wrong(head: &Head, body: &[u8]) -> bool {
    match (head.kind, body) {
        (Kind::ConnectAck, [flags, ..]) => *flags > 1,
        (Kind::Disconnect | Kind::Authenticate, [code, ..]) => !is_known(*code),
        (_, [0, 0, ..]) => true,
        (Kind::PublishAck | Kind::PublishReceived, [_, _, code, ..]) => !is_refusal_or(*code, &[0x00, 0x10]),
        (Kind::PublishRelease | Kind::PublishComplete, [_, _, code, ..]) => !is_refusal_or(*code, &[0x00]),
        _ => false,
    }
}

/// Whether a body that is all there is right in every field, in some version.
fn is_right(head: &Head, body: &[u8]) -> bool {
    if starts_wrong(head, body) {
        return false;
    }
    let behind_id = body.get(PACKET_ID_BYTES..).unwrap_or_default();
    match head.kind {
        Kind::PingRequest | Kind::PingResponse => true,
        Kind::Subscribe | Kind::Unsubscribe => {
            let filters = Filters::read(head, behind_id, Version::Unknown);
            filters.is_some_and(|filters| filters.shown.iter().all(|(filter, _)| is_plain(filter.as_bytes())))
        }
        Kind::SubscribeAck | Kind::UnsubscribeAck => {
            Answers::read(head, behind_id, Version::Unknown).is_some()
        }
        Kind::ConnectAck => match body {
            [_, code] => *code <= MAX_RETURN_CODE,
            [_, code, rest @ ..] => is_refusal_or(*code, &[0]) && are_properties(rest),
            _ => false,
        },
        Kind::PublishAck | Kind::PublishReceived => is_acknowledgment(behind_id, &[0x00, 0x10]),
        Kind::PublishRelease | Kind::PublishComplete => is_acknowledgment(behind_id, &[0x00]),
        Kind::Disconnect => is_acknowledgment(body, &[0x00, 0x04]),
        Kind::Authenticate => is_acknowledgment(body, &[0x00, 0x18, 0x19]),
        Kind::Connect | Kind::Publish => false,
    }
}

/// Whether this is nothing, or a code and properties.
fn is_acknowledgment(bytes: &[u8], successes: &[u8]) -> bool {
    match bytes {
        [] => true,
        [code, rest @ ..] => is_refusal_or(*code, successes) && (rest.is_empty() || are_properties(rest)),
    }
}

fn is_refusal_or(code: u8, successes: &[u8]) -> bool {
    successes.contains(&code) || code >= 0x80 && is_known(code)
}

fn are_properties(bytes: &[u8]) -> bool {
    let mut cursor = Cursor::new(bytes);
    Properties::read_whole(&mut cursor).is_some() && cursor.rest().is_empty()
}

const TOPIC_LENGTH_BYTES: usize = 2;
const PACKET_ID_BYTES: usize = 2;
const MAX_RETURN_CODE: u8 = 5;
/// The shortest topic that is a sign by itself.
const MIN_PLAIN_BYTES: usize = 3;
/// How many packets of one chunk are looked at.
const MAX_JUDGED_PACKETS: usize = 8;
/// For a packet up to this length detection waits until it is all there.
const MAX_WAITED_BYTES: usize = 4_096;
