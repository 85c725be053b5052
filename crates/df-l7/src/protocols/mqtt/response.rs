//! What answers say: `CONNACK`, `PUBACK`, `PUBREC`, `SUBACK`, `UNSUBACK`.

use std::borrow::Cow;

use crate::sql::cut_text;
use crate::{ConnectionConfig, Cursor, Response, ResponseStatus};

use super::properties::{
    ASSIGNED_CLIENT_ID, Properties, REASON_STRING, SERVER_KEEP_ALIVE, SERVER_REFERENCE, Value,
};
use super::reasons::{error_name, return_code, status};
use super::subscribe::Answers;
use super::wire::Version;

/// What a `CONNACK` of version 3 says.
pub(super) fn returned(body: &[u8]) -> Response {
    let mut response = Response::default();
    let [flags, code, ..] = *body else { return response };
    let (fault, name) = return_code(code);
    response.status = fault;
    response.code = Some(Cow::Owned(code.to_string()));
    response.exception = Some(name).filter(|name| !name.is_empty()).map(str::to_owned);
    push_presence(flags, &mut response);
    response
}

/// What a `CONNACK` of version 5 says, and the identifier that it gives the client.
pub(super) fn connection(body: &[u8], config: &ConnectionConfig) -> (Response, Option<String>) {
    let Some((flags, rest)) = body.split_first() else { return (Response::default(), None) };
    if rest.is_empty() {
        return (Response::default(), None);
    }
    let mut response = acknowledgment(rest, Version::V5, config);
    push_presence(*flags, &mut response);
    let mut cursor = Cursor::new(rest.get(1..).unwrap_or_default());
    let mut client_id = None;
    for (identifier, value) in Properties::read(&mut cursor).into_iter().flatten() {
        match (identifier, value) {
            (ASSIGNED_CLIENT_ID, Value::Text(assigned)) => {
                let assigned = cut(assigned, config);
                response.attributes.push("messaging.client.id", assigned.clone());
                client_id = Some(assigned);
            }
            (SERVER_KEEP_ALIVE, Value::Number(seconds)) => {
                response.attributes.push("df.mqtt.server_keep_alive_seconds", seconds);
            }
            (SERVER_REFERENCE, Value::Text(other)) => {
                response.attributes.push("df.mqtt.server_reference", cut(other, config));
            }
            _ => {}
        }
    }
    (response, client_id)
}

fn push_presence(flags: u8, response: &mut Response) {
    if flags & PRESENT != 0 {
        response.attributes.push("df.mqtt.session_present", true);
    }
}

/// What a code says, with the properties behind it. Without a code it was done, and version 5 has a code for that.
pub(super) fn acknowledgment(bytes: &[u8], version: Version, config: &ConnectionConfig) -> Response {
    let mut cursor = Cursor::new(bytes);
    let Some(code) = cursor.u8().or((version == Version::V5).then_some(SUCCESS)) else {
        return Response { status: ResponseStatus::Ok, ..Response::default() };
    };
    let properties = Properties::read(&mut cursor);
    Response {
        status: status(code),
        code: Some(Cow::Owned(code.to_string())),
        exception: error_text(code, properties.as_ref(), config),
        ..Response::default()
    }
}

/// What the codes of a `SUBACK` or `UNSUBACK` say.
pub(super) fn subscription(codes: Option<&Answers<'_>>, config: &ConnectionConfig) -> Response {
    let Some(codes) = codes else { return Response::default() };
    let Some(highest) = codes.highest() else {
        return Response { status: ResponseStatus::Ok, ..Response::default() };
    };
    let shown: Vec<String> = codes.codes.iter().take(MAX_SHOWN_CODES).map(u8::to_string).collect();
    Response {
        status: status(highest),
        code: Some(Cow::Owned(highest.to_string())),
        exception: error_text(highest, codes.properties.as_ref(), config),
        result: (codes.codes.len() > 1).then(|| shown.join(", ")),
        ..Response::default()
    }
}

/// The reason that a refusal gives, or the name of its code.
fn error_text(code: u8, properties: Option<&Properties<'_>>, config: &ConnectionConfig) -> Option<String> {
    if !status(code).is_error() {
        return None;
    }
    let said = properties.and_then(|properties| properties.text(REASON_STRING));
    said.map(|said| cut(said, config)).or_else(|| error_name(code).map(str::to_owned))
}

fn cut(text: &str, config: &ConnectionConfig) -> String {
    cut_text(text.as_bytes(), config.max_attribute_bytes)
}

const SUCCESS: u8 = 0;
const PRESENT: u8 = 0x01;
/// How many codes of one answer are shown.
const MAX_SHOWN_CODES: usize = 32;
