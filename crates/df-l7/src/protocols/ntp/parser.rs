//! Questions for the time and their answers.

use std::borrow::Cow;
use std::net::Ipv4Addr;
use std::sync::Arc;

use df_core::{Direction, Transport};

use super::wire::{Control, MAX_STRATUM, Mode, Packet, Private, Time};
use crate::{
    ConnectionConfig, Input, Message, ParseError, ParseErrorReason, Parsed, Parser, Request, Response,
    ResponseStatus,
};

/// Reads the datagrams that pass between one pair of endpoints.
#[derive(Debug)]
pub struct NtpParser(());

impl NtpParser {
    /// A parser for one pair of endpoints.
    pub fn new(_config: &Arc<ConnectionConfig>, _transport: Transport) -> Self {
        Self(())
    }
}

impl Parser for NtpParser {
    fn parse(&mut self, _: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        let consumed = input.bytes.len();
        let message = match Packet::read(input.bytes) {
            Some(Packet::Time(time)) => Some(time_message(&time)),
            Some(Packet::Control(control)) => control_message(&control),
            Some(Packet::Private(private)) => private_message(private),
            None => return Err(ParseError::new(0, ParseErrorReason::InvalidValue)),
        };
        Ok(match message {
            Some(message) => Parsed::Message { consumed, message },
            None => Parsed::Skipped { consumed },
        })
    }

    fn is_message_start(&self, _: Direction, bytes: &[u8]) -> bool {
        Packet::read(bytes).is_some()
    }
}

fn time_message(time: &Time) -> Message {
    match time.mode {
        Mode::Client => Message::request(request("CLIENT", time.version)).with_id(time.transmit),
        Mode::Server => Message::response(time_response(time)).with_id(time.origin),
        Mode::SymmetricActive | Mode::SymmetricPassive => {
            Message::one_way(request("SYMMETRIC", time.version))
        }
        Mode::Broadcast => Message::one_way(request("BROADCAST", time.version)),
    }
}

fn time_response(time: &Time) -> Response {
    let mut response = Response { status: ResponseStatus::Ok, ..Response::default() };
    response.attributes.push("df.ntp.stratum", i64::from(time.stratum));
    let is_word = time.reference_id.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == 0);
    let word = String::from_utf8_lossy(&time.reference_id).trim_end_matches('\0').to_owned();
    if time.stratum == 0 && is_word && !word.is_empty() {
        (response.status, response.code) = (ResponseStatus::ClientError, Some(Cow::Owned(word)));
        return response;
    }
    if time.stratum == 0 || time.stratum == MAX_STRATUM || time.leap == LEAP_UNKNOWN {
        (response.status, response.code) =
            (ResponseStatus::ServerError, Some(Cow::Borrowed("UNSYNCHRONIZED")));
        return response;
    }
    // A clock's own word at the top; below it an address of version 4, or a part of the digest of a longer one.
    let name =
        if time.stratum == 1 && is_word { word } else { Ipv4Addr::from(time.reference_id).to_string() };
    response.attributes.push("df.ntp.reference_id", name);
    response
}

/// Of an answer in several pieces the first one counts.
fn control_message(control: &Control) -> Option<Message> {
    let id = u64::from(control.sequence);
    if !control.is_response {
        return Some(Message::request(request(operation(control.operation), control.version)).with_id(id));
    }
    let code = control.is_error.then(|| Cow::Owned((control.status >> 8).to_string()));
    let response = Response { status: status(control.is_error), code, ..Response::default() };
    (control.offset == 0).then(|| Message::response(response).with_id(id))
}

fn private_message(private: Private) -> Option<Message> {
    if !private.is_response {
        return Some(Message::request(request("PRIVATE", private.version)));
    }
    let is_error = private.error != 0;
    let code = is_error.then(|| Cow::Owned(private.error.to_string()));
    let response = Response { status: status(is_error), code, ..Response::default() };
    (private.sequence == 0).then(|| Message::response(response))
}

const fn status(is_error: bool) -> ResponseStatus {
    if is_error { ResponseStatus::ClientError } else { ResponseStatus::Ok }
}

fn request(kind: &'static str, version: u8) -> Request {
    Request {
        kind: Cow::Borrowed(kind),
        operation: Cow::Borrowed(kind),
        version: Some(Cow::Owned(version.to_string())),
        ..Request::default()
    }
}

/// The names of RFC 9327 §2.1.
const fn operation(number: u8) -> &'static str {
    match number {
        1 => "READSTAT",
        2 => "READVAR",
        3 => "WRITEVAR",
        4 => "READCLOCK",
        5 => "WRITECLOCK",
        6 => "SETTRAP",
        7 => "TRAP",
        8 => "CONFIGURE",
        9 => "SAVECONFIG",
        10 => "READ_MRU",
        11 => "READ_ORDLIST_A",
        12 => "REQ_NONCE",
        31 => "UNSETTRAP",
        _ => "CONTROL",
    }
}

/// The value of the leap indicator for a clock that was never set.
const LEAP_UNKNOWN: u8 = 3;
