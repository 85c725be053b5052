//! Reads the messages of the binary protocol: names of opcodes and statuses, which ones are quiet, and what they say.

use std::borrow::Cow;

use crate::{ConnectionConfig, Input, ParseError, Response, ResponseStatus};

use super::quiet::{Token, fingerprint};
use super::reply::failure;
use super::request::{Shown, request};
use super::wire::{HEADER_BYTES, Header, MAX_KEY_BYTES};

/// The opcode of statistics, whose answers are many messages.
pub(super) const STAT: u8 = 0x10;

/// How much of a message at the start of the input is there.
pub(super) enum Progress {
    /// Enough.
    Ready(Header),
    /// This many bytes are needed.
    Needed(usize),
}

/// Reads the header and waits for what is wanted of the body. Of a final input the bytes that are there must do.
pub(super) fn ready(input: Input<'_>, config: &ConnectionConfig) -> Result<Progress, ParseError> {
    let Some(header) = Header::parse(input.bytes)? else { return Ok(Progress::Needed(HEADER_BYTES)) };
    let wanted = header.extras_bytes.saturating_add(header.key_bytes.min(MAX_KEY_BYTES));
    let is_failure = header.is_response && header.status != 0;
    let text = if is_failure { header.value_bytes().min(config.max_attribute_bytes) } else { 0 };
    let wanted = HEADER_BYTES.saturating_add(wanted).saturating_add(text);
    if input.bytes.len() < wanted && !input.is_final() {
        return Ok(Progress::Needed(wanted));
    }
    Ok(Progress::Ready(header))
}

/// The request that a message is.
pub(super) fn binary_request(header: &Header, message: &[u8], config: &ConnectionConfig) -> crate::Request {
    let name = opcode_name(header.opcode);
    let mut shown = Shown::new(&name, config);
    if header.key_bytes > 0 {
        // The name of a SASL mechanism or of a group of statistics is no key.
        shown.push(header.key(message), !matches!(header.opcode, STAT | 0x20..=0x22));
    }
    let mut request = request(name, shown.into_text(), 0);
    if header.opaque != 0 {
        request.attributes.push("df.memcached.opaque", header.opaque);
    }
    request
}

/// The response that a message is.
pub(super) fn binary_response(header: &Header, message: &[u8], config: &ConnectionConfig) -> Response {
    let code = status_name(header.status);
    let status = match header.status {
        0x00..=0x02 | 0x05 | 0x09 | 0x21 => ResponseStatus::Ok,
        0x03 | 0x04 | 0x06 | 0x08 | 0x20 | 0x81 | 0x83 => ResponseStatus::ClientError,
        _ => ResponseStatus::ServerError,
    };
    if status.is_error() {
        return failure(code, status, header.value(message), config);
    }
    let mut response = Response { status, code: Some(code), ..Response::default() };
    if is_retrieval(header.opcode) && header.status <= 1 {
        response.attributes.push("db.response.returned_rows", u32::from(header.status == 0));
    }
    response
}

/// What the answer to a quiet command must bear; none if the command is not quiet.
pub(super) fn quiet_token(header: &Header, message: &[u8]) -> Option<Token> {
    let repeats_key = matches!(header.opcode, 0x0d | 0x24);
    is_quiet(header.opcode).then(|| Token {
        kind: header.opcode,
        opaque: Some(u64::from(header.opaque)),
        key: repeats_key.then(|| fingerprint(header.key(message))),
    })
}

/// Whether a response answers the quiet command with this token.
pub(super) fn answers(header: &Header, message: &[u8], token: &Token) -> bool {
    let is_it = token.kind == header.opcode && token.opaque == Some(u64::from(header.opaque));
    is_it && (header.key_bytes == 0 || token.key.is_none_or(|key| key == fingerprint(header.key(message))))
}

/// Whether the server answers only in some cases.
pub(super) const fn is_quiet(opcode: u8) -> bool {
    matches!(opcode, 0x09 | 0x0d | 0x11..=0x1a | 0x1e | 0x24)
}

/// Whether a server knows this opcode.
pub(super) fn is_known(opcode: u8) -> bool {
    usize::from(opcode) < OPCODES.len()
}

/// Whether this is a status that a server gives.
pub(super) const fn is_status(status: u16) -> bool {
    matches!(status, 0x00..=0x09 | 0x20 | 0x21 | 0x81..=0x86)
}

const fn is_retrieval(opcode: u8) -> bool {
    matches!(opcode, 0x00 | 0x09 | 0x0c | 0x0d | 0x1d | 0x1e | 0x23 | 0x24)
}

fn opcode_name(opcode: u8) -> Cow<'static, str> {
    match OPCODES.get(usize::from(opcode)) {
        Some(name) => Cow::Borrowed(name),
        None => Cow::Owned(format!("opcode_{opcode:#04x}")),
    }
}

/// The status in the words of the specification.
fn status_name(status: u16) -> Cow<'static, str> {
    Cow::Borrowed(match status {
        0x00 => "NO_ERROR",
        0x01 => "KEY_NOT_FOUND",
        0x02 => "KEY_EXISTS",
        0x03 => "VALUE_TOO_LARGE",
        0x04 => "INVALID_ARGUMENTS",
        0x05 => "ITEM_NOT_STORED",
        0x06 => "NON_NUMERIC_VALUE",
        0x07 => "WRONG_VBUCKET",
        0x08 | 0x20 => "AUTHENTICATION_ERROR",
        0x09 | 0x21 => "AUTHENTICATION_CONTINUE",
        0x81 => "UNKNOWN_COMMAND",
        0x82 => "OUT_OF_MEMORY",
        0x83 => "NOT_SUPPORTED",
        0x84 => "INTERNAL_ERROR",
        0x85 => "BUSY",
        0x86 => "TEMPORARY_FAILURE",
        other => return Cow::Owned(format!("{other:#06x}")),
    })
}

/// The names of opcodes, by number.
const OPCODES: &[&str] = &[
    "get",
    "set",
    "add",
    "replace",
    "delete",
    "increment",
    "decrement",
    "quit",
    "flush",
    "getq",
    "noop",
    "version",
    "getk",
    "getkq",
    "append",
    "prepend",
    "stat",
    "setq",
    "addq",
    "replaceq",
    "deleteq",
    "incrementq",
    "decrementq",
    "quitq",
    "flushq",
    "appendq",
    "prependq",
    "verbosity",
    "touch",
    "gat",
    "gatq",
    "hello",
    "sasl_list_mechs",
    "sasl_auth",
    "sasl_step",
    "gatk",
    "gatkq",
];
