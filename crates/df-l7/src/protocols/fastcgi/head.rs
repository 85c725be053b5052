//! What parameters and output mean: they are made into the HTTP heads that they stand for, which the HTTP/1 parser reads.

use std::sync::Arc;

use df_core::{Direction, Transport};

use crate::protocols::http1::Http1Parser;
use crate::sql::cut_text;
use crate::{
    AttributeValue, Attributes, ConnectionConfig, Content, Ending, Input, Message, Parsed, Parser, Request,
    Response,
};

use super::wire::Pairs;

/// The variables that say what is asked for (RFC 3875 §4.1).
#[derive(Debug, Default)]
struct Variables<'a> {
    method: &'a [u8],
    uri: &'a [u8],
    script_name: &'a [u8],
    path_info: &'a [u8],
    query: &'a [u8],
    server_name: &'a [u8],
    remote_address: &'a [u8],
    script_file: &'a [u8],
    content_length: &'a [u8],
    is_secure: bool,
    has_host: bool,
}

/// The request that these parameters are.
pub(super) fn request(parameters: &[u8], config: &Arc<ConnectionConfig>) -> Request {
    let mut variables = Variables::default();
    let mut fields = Vec::with_capacity(parameters.len().saturating_add(64));
    for (name, value) in Pairs::new(parameters) {
        variables.handle(name, value, &mut fields);
    }
    if !variables.has_host && !variables.server_name.is_empty() {
        push_field(&mut fields, b"HOST", variables.server_name);
    }
    let head = [&variables.start_line()[..], &fields, b"\r\n"].concat();
    let mut parser = Http1Parser::new(config, Transport::Tcp);
    let read = read(&mut parser, Direction::ToServer, &head);
    let mut request = match read.map(|message| message.content) {
        Some(Content::Request(request)) => request.content,
        _ => Request::default(),
    };
    request.version = None;
    variables.complete(&mut request, config);
    request
}

/// The response whose output begins with these fields.
pub(super) fn response(fields: &[u8], config: &Arc<ConnectionConfig>) -> Response {
    let (status, has_location) = status_of(fields);
    let code = status.unwrap_or(if has_location { 302 } else { 200 });
    let mut head = format!("HTTP/1.1 {code} -\r\n").into_bytes();
    for line in fields.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii_end) {
        if !line.is_empty() {
            head.extend_from_slice(line);
            head.extend_from_slice(b"\r\n");
        }
    }
    head.extend_from_slice(b"\r\n");
    let mut parser = Http1Parser::new(config, Transport::Tcp);
    // The answer to a HEAD has no body whatever its fields say.
    let _ = read(&mut parser, Direction::ToServer, b"HEAD / HTTP/1.1\r\n\r\n");
    let mut response = match read(&mut parser, Direction::ToClient, &head).map(|message| message.content) {
        Some(Content::Response(response)) => response.content,
        _ => Response { code: Some(code.to_string().into()), ..Response::default() },
    };
    response.version = None;
    response.exception = None;
    response
}

/// Whether these fields tell how it went, though more of them may be missing.
pub(super) fn tells_status(fields: &[u8]) -> bool {
    status_of(fields).0.is_some()
}

fn read(parser: &mut Http1Parser, direction: Direction, head: &[u8]) -> Option<Message> {
    match parser.parse(direction, Input::new(head).with_ending(Ending::Closed)) {
        Ok(Parsed::Message { message, .. }) => Some(message),
        Ok(Parsed::Part { .. }) => parser.interrupt(direction),
        _ => None,
    }
}

impl<'a> Variables<'a> {
    fn handle(&mut self, name: &'a [u8], value: &'a [u8], fields: &mut Vec<u8>) {
        match name {
            b"REQUEST_METHOD" => self.method = value,
            b"REQUEST_URI" => self.uri = value,
            b"SCRIPT_NAME" => self.script_name = value,
            b"PATH_INFO" => self.path_info = value,
            b"QUERY_STRING" => self.query = value,
            b"SERVER_NAME" => self.server_name = value,
            b"REMOTE_ADDR" => self.remote_address = value,
            b"SCRIPT_FILENAME" => self.script_file = value,
            b"CONTENT_LENGTH" => self.content_length = value,
            b"HTTPS" => self.is_secure |= value == b"on" || value == b"1",
            b"REQUEST_SCHEME" => self.is_secure |= value == b"https",
            // The body is framed by records.
            b"HTTP_CONTENT_LENGTH" | b"HTTP_TRANSFER_ENCODING" | b"HTTP_CONNECTION" | b"HTTP_UPGRADE" => {}
            _ => {
                if let Some(field) = name.strip_prefix(b"HTTP_") {
                    self.has_host |= field == b"HOST" && !value.is_empty();
                    push_field(fields, field, value);
                }
            }
        }
    }

    /// `GET /path?query HTTP/1.1`.
    fn start_line(&self) -> Vec<u8> {
        let made = || {
            let path = [self.script_name, self.path_info].concat();
            // Of a request that was cut the query may be known without the path, whose query it then cannot be said to be.
            let has_query = !path.is_empty() && !self.query.is_empty();
            if has_query { [&path, &b"?"[..], self.query].concat() } else { path }
        };
        let uri = if self.uri.is_empty() { made() } else { self.uri.to_vec() };
        let is_plain = |byte: &u8| *byte > b' ' && *byte != 0x7f;
        let mut line = self.method.to_vec();
        line.push(b' ');
        if uri.is_empty() {
            line.push(b'/');
        }
        line.extend(uri.iter().map(|byte| if is_plain(byte) { *byte } else { b'+' }));
        line.extend_from_slice(b" HTTP/1.1\r\n");
        line
    }

    /// What an HTTP head does not have.
    fn complete(&self, request: &mut Request, config: &ConnectionConfig) {
        let text = |value: &[u8]| cut_text(value, config.max_attribute_bytes);
        let mut attributes = Attributes::with_capacity(request.attributes.len().saturating_add(3));
        for attribute in std::mem::take(&mut request.attributes) {
            let is_scheme = attribute.key == "url.scheme" && self.is_secure;
            attributes.push(attribute.key, if is_scheme { "https".into() } else { attribute.value });
        }
        if attributes.find("client.address").is_none() && !self.remote_address.is_empty() {
            attributes.push("client.address", text(self.remote_address));
        }
        let length = std::str::from_utf8(self.content_length).ok().and_then(|digits| digits.parse().ok());
        if let Some(length) = length {
            attributes.push("http.request.body.size", AttributeValue::Integer(length));
        }
        // Apache sets it to the whole URL when it is a proxy.
        let file = self.script_file.split(|&byte| byte == b'?').next().unwrap_or_default();
        if !file.is_empty() {
            attributes.push("code.file.path", text(file));
        }
        request.attributes = attributes;
    }
}

/// Adds a field whose name is that of a variable: `ACCEPT_LANGUAGE`.
fn push_field(fields: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    fields.extend(name.iter().map(|&byte| if byte == b'_' { b'-' } else { byte }));
    fields.extend_from_slice(b": ");
    fields.extend(value.iter().map(|&byte| if byte < b' ' { b' ' } else { byte }));
    fields.extend_from_slice(b"\r\n");
}

/// The `Status` field's number, and whether there is a `Location`.
fn status_of(fields: &[u8]) -> (Option<u16>, bool) {
    let (mut status, mut has_location) = (None, false);
    for line in fields.split(|&byte| byte == b'\n') {
        let Some(colon) = memchr::memchr(b':', line) else { continue };
        let (name, value) = line.split_at_checked(colon).unwrap_or_default();
        if name.eq_ignore_ascii_case(b"status") {
            let digits = value.get(1..).unwrap_or_default().trim_ascii_start().get(..3);
            status = digits
                .and_then(|digits| std::str::from_utf8(digits).ok())
                .and_then(|digits| digits.parse().ok())
                .filter(|status| (100..=999).contains(status));
        }
        has_location |= name.eq_ignore_ascii_case(b"location");
    }
    (status, has_location)
}
