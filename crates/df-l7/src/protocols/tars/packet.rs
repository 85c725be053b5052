//! The packets of Tars, and how to know them.
//!
//! ```text
//! | length: 4 bytes, its own included, big-endian | fields |
//! request    1 version | 2 packet type | 3 message type | 4 id | 5 servant | 6 function | 7 buffer | 8 timeout | 9 context | 10 status
//! response   1 version | 2 packet type | 3 id | 4 message type | 5 returned | 6 buffer | 7 status | 8 description | 9 context
//! ```

use df_core::{Direction, Transport};

use super::wire::{self, Value};
use crate::context::ContextReader;
use crate::sql::cut_text;
use crate::{ConnectionConfig, Cursor, Detection, Message, Response, ResponseStatus, rpc};

/// The fields of a packet as far as they are there.
#[derive(Debug, Default, Clone, Copy)]
struct Packet<'a> {
    version: i64,
    kind: i64,
    /// Fields 3 to 5: numbers in a response; in a request the last of them is a text.
    numbers: [Option<i64>; 3],
    servant: Option<&'a [u8]>,
    function: Option<&'a [u8]>,
    maps: [Option<(&'a [u8], usize)>; 2],
    description: Option<&'a [u8]>,
}

/// The length that a packet starts with, if it may be one.
pub(super) fn packet_len(bytes: &[u8]) -> Option<usize> {
    let len = usize::try_from(Cursor::new(bytes).u32_be()?).ok()?;
    (MIN_PACKET_BYTES..=MAX_PACKET_BYTES).contains(&len).then_some(len)
}

/// Says whether these bytes are this protocol's. A request is certain: its servant and function are names. A response has
/// nothing but small numbers and is weak.
pub(super) fn detect(_: Transport, direction: Direction, bytes: &[u8]) -> Detection {
    let starts_well = packet_len(bytes).is_some()
        && bytes.get(4).is_none_or(|head| *head == VERSION_HEAD)
        && bytes.get(5).is_none_or(|version| (1..=3).contains(version))
        && bytes.get(6).is_none_or(|head| matches!(head, 0x20 | 0x2c));
    if !starts_well {
        let is_length_cut = bytes.len() < LENGTH_BYTES && bytes.first().is_none_or(|high| *high == 0);
        return if is_length_cut { Detection::NeedMore } else { Detection::NoMatch };
    }
    let packet = Packet::read(bytes.get(LENGTH_BYTES..).unwrap_or_default());
    let is_whole = packet_len(bytes).is_some_and(|len| len <= bytes.len());
    match (packet.servant, packet.function, packet.numbers) {
        (Some(servant), Some(function), _)
            if is_name(servant) && servant.contains(&b'.') && is_name(function) =>
        {
            if direction == Direction::ToServer { Detection::CERTAIN } else { Detection::CERTAIN_REVERSED }
        }
        (None, None, [Some(_), Some(_), Some(_)]) if is_whole && packet.version == 1 => {
            if direction == Direction::ToClient { Detection::WEAK } else { Detection::WEAK_REVERSED }
        }
        (_, None, _) if !is_whole && bytes.len() < MAX_DETECTED_BYTES => Detection::NeedMore,
        _ => Detection::NoMatch,
    }
}

/// Makes a message of a packet of this direction, as far as it is there. None if its identifier or sense is not.
pub(super) fn message(bytes: &[u8], direction: Direction, config: &ConnectionConfig) -> Option<Message> {
    let packet = Packet::read(bytes.get(LENGTH_BYTES..)?);
    let is_request = packet.servant.is_some() && (packet.version == 1 || direction == Direction::ToServer);
    // The TUP versions answer with a request's packet.
    let id = if packet.servant.is_some() { packet.numbers[1] } else { packet.numbers[0] }?;
    let id = u64::from(u32::from_le_bytes(i32::try_from(id).ok()?.to_le_bytes()));
    let message = if !is_request {
        Message::response(packet.response(config))
    } else if packet.kind == ONE_WAY {
        Message::one_way(packet.request(config))
    } else {
        Message::request(packet.request(config))
    };
    Some(message.with_id(id))
}

impl<'a> Packet<'a> {
    fn read(fields: &'a [u8]) -> Self {
        let mut packet = Self::default();
        let mut cursor = Cursor::new(fields);
        while let Some(field) = wire::field(&mut cursor) {
            match (field.tag, field.value) {
                (1, Value::Number(number)) => packet.version = number,
                (2, Value::Number(number)) => packet.kind = number,
                (3, value) => packet.numbers[0] = value.number(),
                (4, value) => packet.numbers[1] = value.number(),
                (5, Value::Text(text)) => packet.servant = Some(text),
                (5, value) => packet.numbers[2] = value.number(),
                (6, Value::Text(text)) => packet.function = Some(text),
                (8, Value::Text(text)) => packet.description = Some(text),
                (9, Value::Map(entries, count)) => packet.maps[0] = Some((entries, count)),
                (10, Value::Map(entries, count)) => packet.maps[1] = Some((entries, count)),
                _ => {}
            }
        }
        packet
    }

    fn request(&self, config: &ConnectionConfig) -> crate::Request {
        let text = |bytes: Option<&[u8]>| bytes.map(|bytes| cut_text(bytes, config.max_attribute_bytes));
        let mut request = rpc::request(SYSTEM, text(self.servant), text(self.function));
        request.version = Some(self.version.to_string().into());
        let mut context = ContextReader::new(&config.context);
        for (entries, count) in self.maps.iter().flatten() {
            wire::for_each_text(entries, *count, |name, value| context.handle(name, value));
        }
        request.context = context.finish().map(Box::new);
        request
    }

    fn response(&self, config: &ConnectionConfig) -> Response {
        let returned = if self.servant.is_some() { 0 } else { self.numbers[2].unwrap_or_default() };
        let status = match returned {
            0 => ResponseStatus::Ok,
            -12..=-10 => ResponseStatus::ClientError,
            _ => ResponseStatus::ServerError,
        };
        let mut response = rpc::response(SYSTEM, returned, returned_name(returned), status);
        response.exception = self
            .description
            .filter(|text| !text.is_empty() && returned != 0)
            .map(|text| cut_text(text, config.max_attribute_bytes));
        response
    }
}

/// The name of a number that is returned (`BaseF.tars`).
const fn returned_name(returned: i64) -> Option<&'static str> {
    Some(match returned {
        0 => "TARSSERVERSUCCESS",
        -1 => "TARSSERVERDECODEERR",
        -2 => "TARSSERVERENCODEERR",
        -3 => "TARSSERVERNOFUNCERR",
        -4 => "TARSSERVERNOSERVANTERR",
        -5 => "TARSSERVERRESETGRID",
        -6 => "TARSSERVERQUEUETIMEOUT",
        -7 => "TARSINVOKETIMEOUT",
        -8 => "TARSPROXYCONNECTERR",
        -9 => "TARSSERVEROVERLOAD",
        -10 => "TARSADAPTERNULL",
        -11 => "TARSINVOKEBYINVALIDESET",
        -12 => "TARSCLIENTDECODEERR",
        -99 => "TARSSERVERUNKNOWNERR",
        _ => return None,
    })
}

fn is_name(text: &[u8]) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    !text.is_empty() && text.len() <= MAX_NAME_BYTES && text.iter().all(is_plain)
}

const SYSTEM: &str = "tars";
const LENGTH_BYTES: usize = 4;
/// Tag 1, one byte.
const VERSION_HEAD: u8 = 0x10;
/// The packet type of a call that is not answered.
const ONE_WAY: i64 = 1;
/// A response with nothing but numbers of no length.
const MIN_PACKET_BYTES: usize = 14;
/// Servers refuse 100 MB.
const MAX_PACKET_BYTES: usize = 100 << 20;
const MAX_NAME_BYTES: usize = 255;
/// How many bytes are waited for to see servant and function.
const MAX_DETECTED_BYTES: usize = 600;
