//! Says whether bytes are AMQP.

use df_core::{Direction, Transport};

use crate::{Cursor, Detection};

use super::v0_9_1::{FRAME_END, FrameHead, FrameKind, HEAD_BYTES, Method};
use super::v1_0::{self, Start};
use super::wire::{PROTOCOL_HEADER_BYTES, ProtocolHeader, may_be_header};

/// Says whether these bytes are this protocol's: a protocol header, or a frame in mid-stream.
pub(super) fn detect(_transport: Transport, direction: Direction, bytes: &[u8]) -> Detection {
    match bytes.first() {
        Some(b'A') => protocol_header(direction, bytes),
        Some(1 | 2 | 3 | 8) => classic_frames(direction, bytes),
        Some(0) => modern_frames(direction, bytes),
        _ => Detection::NoMatch,
    }
}

/// Whether a frame can start here, in the middle of a conversation.
pub(super) fn is_frame_start(direction: Direction, bytes: &[u8]) -> bool {
    if ProtocolHeader::parse(bytes).is_some() {
        return true;
    }
    if let Start::Frame { sender } = v1_0::start_of(bytes) {
        return sender.is_none_or(|sender| sender == direction);
    }
    match ClassicFrame::read(bytes) {
        Ok(ClassicFrame { sender: Some(sender), .. }) => sender == direction,
        Ok(frame) => frame.kind != FrameKind::Body,
        Err(_) => false,
    }
}

/// Clients begin with it. A server answers with one only if it speaks another version.
fn protocol_header(direction: Direction, bytes: &[u8]) -> Detection {
    if !may_be_header(bytes) {
        return Detection::NoMatch;
    }
    if bytes.len() < PROTOCOL_HEADER_BYTES {
        return Detection::NeedMore;
    }
    match (ProtocolHeader::parse(bytes), direction) {
        (None, _) => Detection::NoMatch,
        // Of 1.0 both ends begin with the same.
        (Some(ProtocolHeader::Modern(_)), _) | (Some(_), Direction::ToServer) => Detection::CERTAIN,
        (Some(_), Direction::ToClient) => Detection::CERTAIN_REVERSED,
    }
}

/// A method is certain, if all of it is there: class, number and end agree. What goes either way, and frames without a
/// method, do not tell who is the client, and are worth a second look.
fn classic_frames(direction: Direction, bytes: &[u8]) -> Detection {
    let mut rest = bytes;
    let mut is_whole = false;
    for _ in 0..MAX_FRAMES {
        let frame = match ClassicFrame::read(rest) {
            Ok(frame) => frame,
            Err(Unread::Incomplete) if !is_whole => return Detection::NeedMore,
            Err(Unread::Incomplete) => break,
            Err(Unread::Stranger) => return Detection::NoMatch,
        };
        match frame.sender {
            Some(sender) if sender == direction => return Detection::CERTAIN,
            Some(_) => return Detection::CERTAIN_REVERSED,
            None => is_whole = true,
        }
        rest = rest.get(frame.bytes..).unwrap_or_default();
        if rest.is_empty() {
            break;
        }
    }
    Detection::WEAK
}

/// A frame with a performative is certain: length, offset, type, descriptor and the length of the list agree. Most go either way:
/// then who is believed to be the client is.
fn modern_frames(direction: Direction, bytes: &[u8]) -> Detection {
    let mut rest = bytes;
    for _ in 0..MAX_FRAMES {
        match v1_0::start_of(rest) {
            Start::Frame { sender: Some(sender) } if sender != direction => {
                return Detection::CERTAIN_REVERSED;
            }
            Start::Frame { .. } => return Detection::CERTAIN,
            Start::Heartbeat(len) => rest = rest.get(len..).unwrap_or_default(),
            Start::Unknown => return Detection::NeedMore,
            Start::Stranger => return Detection::NoMatch,
        }
        if rest.is_empty() {
            break;
        }
    }
    Detection::WEAK
}

/// A frame that is one as far as can be told.
struct ClassicFrame {
    kind: FrameKind,
    bytes: usize,
    /// The direction in which it goes, if its method tells.
    sender: Option<Direction>,
}

enum Unread {
    Incomplete,
    Stranger,
}

impl ClassicFrame {
    /// Reads the frame at the start of `bytes`, which must be there to its end.
    fn read(bytes: &[u8]) -> Result<Self, Unread> {
        let Some(head) = bytes.get(..HEAD_BYTES) else { return Err(Unread::Incomplete) };
        let head = FrameHead::parse(head).ok_or(Unread::Stranger)?;
        if head.payload_bytes > MAX_PLAUSIBLE_BYTES {
            return Err(Unread::Stranger);
        }
        let payload = head.payload(bytes);
        let mut cursor = Cursor::new(payload);
        let words = cursor.u16_be().zip(cursor.u16_be());
        let method = match (head.kind, words) {
            (FrameKind::Method | FrameKind::Header, None) => return Err(Unread::Incomplete),
            (FrameKind::Method, Some((class, number))) => {
                let method = Method::find(class, number).ok_or(Unread::Stranger)?;
                // Only the connection itself lives on channel 0.
                if (class == CONNECTION) != (head.channel == 0) {
                    return Err(Unread::Stranger);
                }
                Some(method)
            }
            (FrameKind::Header, Some(words)) if words != (BASIC, 0) => return Err(Unread::Stranger),
            _ => None,
        };
        let frame_bytes = head.frame_bytes();
        match bytes.get(frame_bytes.saturating_sub(1)) {
            Some(&FRAME_END) => {
                let sender = method.and_then(Method::direction);
                Ok(Self { kind: head.kind, bytes: frame_bytes, sender })
            }
            Some(_) => Err(Unread::Stranger),
            None => Err(Unread::Incomplete),
        }
    }
}

/// The class of methods about the connection itself.
const CONNECTION: u16 = 10;
/// The class of messages.
const BASIC: u16 = 60;
/// How many frames are looked at for one that tells who is the client.
const MAX_FRAMES: usize = 16;
/// Frames that are longer are not waited for.
const MAX_PLAUSIBLE_BYTES: usize = 1 << 20;
