//! Says whether bytes are NATS messages.

use df_core::{Direction, Transport};

use crate::{Confidence, Detection, Match};

use super::subjects;
use super::wire::{Carried, Line, MAX_LINE_BYTES, has_json_key, line};

/// Says whether these bytes are this protocol's.
///
/// Greetings, and messages whose payload ends where they say, are certain; operations without payload are weak, since
/// other protocols have lines like them. `PING`, `PONG` and `+OK` prove nothing and are waited behind. What servers say
/// among themselves (routes, leaf nodes, gateways) is another protocol that begins alike.
pub(super) fn detect(_: Transport, direction: Direction, bytes: &[u8]) -> Detection {
    if !bytes.first().is_some_and(|byte| OPENINGS.contains(byte)) {
        return Detection::NoMatch;
    }
    let (mut rest, mut found) = (bytes, Detection::NeedMore);
    for _ in 0..MAX_LINES {
        if rest.is_empty() {
            break;
        }
        let Some((text, len)) = line(rest.get(..MAX_LINE_BYTES).unwrap_or(rest), 0) else {
            return if may_become_line(rest) { found } else { Detection::NoMatch };
        };
        let behind = rest.get(len..).unwrap_or_default();
        let has_line_end = len > text.len().saturating_add(1);
        let Some(parsed) = Line::parse(text).filter(|_| has_line_end) else { return Detection::NoMatch };
        let verdict = judge(&parsed, behind);
        match (verdict, parsed.is_from_server()) {
            (Verdict::No, _) => return Detection::NoMatch,
            (Verdict::Certain, Some(is_server)) => {
                return found_by(Confidence::Certain, is_server, direction);
            }
            (Verdict::Weak, Some(is_server)) => found = found_by(Confidence::Weak, is_server, direction),
            _ => {}
        }
        let payload = parsed.carried().map_or(0, |carried| carried.frame_bytes());
        rest = behind.get(payload..).unwrap_or_default();
    }
    found
}

/// Whether a message of this direction starts with these bytes, in the middle of a conversation.
pub(super) fn is_message_start(direction: Direction, bytes: &[u8]) -> bool {
    let Some((text, len)) = line(bytes.get(..MAX_LINE_BYTES).unwrap_or(bytes), 0) else { return false };
    let Some(parsed) = Line::parse(text) else { return false };
    let is_from_server = direction == Direction::ToClient;
    parsed.is_from_server().is_none_or(|server| server == is_from_server)
        && judge(&parsed, bytes.get(len..).unwrap_or_default()) != Verdict::No
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Certain,
    Weak,
    /// It may be anybody's.
    Nothing,
    No,
}

/// What a line with the bytes behind it says.
fn judge(line: &Line<'_>, behind: &[u8]) -> Verdict {
    match line {
        Line::Greeting(object) => {
            Verdict::Certain.only_if(is_for_clients(object) && has_json_key(object, "server_id"))
        }
        Line::Connect(object) => {
            let is_server = has_json_key(object, "cluster") || has_json_key(object, "server_id");
            Verdict::Certain.only_if(object.ends_with(b"}") && is_for_clients(object) && !is_server)
        }
        Line::Subscribe { subject, queue, id } => {
            let is_sound = subjects::is_sound(subject) && queue.is_none_or(subjects::is_sound);
            Verdict::Weak.only_if(is_sound && is_subscription_id(id))
        }
        Line::Unsubscribe { id, .. } => Verdict::Weak.only_if(is_subscription_id(id)),
        Line::Refused(text) => Verdict::Nothing.only_if(text.first().is_some_and(u8::is_ascii_alphabetic)),
        Line::Publish(carried) => judge_carried(carried, behind),
        Line::Deliver(carried) => {
            let is_sound = is_subscription_id(carried.subscription) && !is_account(carried.subject);
            judge_carried(carried, behind).only_if(is_sound)
        }
        Line::Ping | Line::Pong | Line::Confirmed => Verdict::Nothing,
    }
}

impl Verdict {
    fn only_if(self, is_sound: bool) -> Self {
        if is_sound { self } else { Self::No }
    }
}

fn judge_carried(carried: &Carried<'_>, behind: &[u8]) -> Verdict {
    let is_sound = subjects::is_sound(carried.subject) && carried.reply.is_none_or(subjects::is_sound);
    if !is_sound || !carried.agrees_with(behind) {
        return Verdict::No;
    }
    if behind.len() >= carried.frame_bytes() { Verdict::Certain } else { Verdict::Weak }
}

/// Whether the object is not one by which servers tell each other about themselves.
fn is_for_clients(object: &[u8]) -> bool {
    !["lnoc", "leafnode_urls", "gateway", "remote_account"].iter().any(|key| has_json_key(object, key))
}

/// Clients number their subscriptions, or name them with letters and digits.
fn is_subscription_id(id: &[u8]) -> bool {
    (1..=MAX_SUBSCRIPTION_ID_BYTES).contains(&id.len()) && id.iter().all(u8::is_ascii_alphanumeric)
}

/// Servers among themselves name an account where clients have the subject.
fn is_account(subject: &[u8]) -> bool {
    let is_key = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    subject == b"$G" || subject == b"$SYS" || subject.len() == ACCOUNT_BYTES && subject.iter().all(is_key)
}

fn found_by(confidence: Confidence, is_server: bool, direction: Direction) -> Detection {
    Detection::Match(Match { reversed: is_server != (direction == Direction::ToClient), confidence })
}

/// Whether more bytes may make a line of this.
fn may_become_line(bytes: &[u8]) -> bool {
    let verb = bytes.split(|byte| matches!(byte, b' ' | b'\t' | b'\r')).next().unwrap_or_default();
    let is_whole = verb.len() < bytes.len();
    let is_verb = |known: &&[u8]| {
        known.get(..verb.len()).is_some_and(|front| front.eq_ignore_ascii_case(verb))
            && (!is_whole || known.len() == verb.len())
    };
    let Some(known) = VERBS.iter().find(|known| is_verb(known)) else { return false };
    let is_object = matches!(*known, b"INFO" | b"CONNECT");
    let rest = bytes.get(known.len()..).unwrap_or_default().trim_ascii_start();
    let limit = if is_object { MAX_LINE_BYTES } else { MAX_WAITED_BYTES };
    bytes.len() < limit
        && (!is_object || rest.first().is_none_or(|byte| *byte == b'{'))
        && rest.iter().all(|byte| *byte >= b' ' || *byte == b'\t' || *byte == b'\r')
}

const VERBS: [&[u8]; 12] = [
    b"INFO", b"CONNECT", b"PING", b"PONG", b"+OK", b"-ERR", b"SUB", b"UNSUB", b"PUB", b"HPUB", b"MSG",
    b"HMSG",
];
/// The first letters of the operations.
const OPENINGS: &[u8] = b"ICP+-SUHMicpsuhm";
/// How many lines are looked at.
const MAX_LINES: usize = 8;
/// The longest line without an object whose end is waited for.
const MAX_WAITED_BYTES: usize = 1_024;
const MAX_SUBSCRIPTION_ID_BYTES: usize = 24;
/// The length of an account's public key.
const ACCOUNT_BYTES: usize = 56;
