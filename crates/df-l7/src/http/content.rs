//! What the head of a message means: requests and responses under their OpenTelemetry names.

use std::borrow::Cow;

use super::known_method;
use super::target::Target;
use crate::context::{ContextReader, is_same_name, position_of_name};
use crate::{AttributeValue, Attributes, ConnectionConfig, Request, Response, ResponseStatus};

/// What the field lines say that decides how the message is framed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Framing {
    pub(crate) content_length: ContentLength,
    /// Whether the last transfer coding is `chunked`.
    pub(crate) is_chunked: bool,
    /// Whether the body is a stream of events, which may last as long as the connection.
    pub(crate) is_event_stream: bool,
}

/// The announced length of a body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum ContentLength {
    #[default]
    Absent,
    Bytes(u64),
    /// Several that differ; this is the first.
    Conflicting(u64),
    /// Not a number.
    Invalid,
}

/// What a request says before its fields.
#[derive(Debug, Clone, Default)]
pub(crate) struct RequestLine<'a> {
    pub(crate) method: Option<&'a [u8]>,
    pub(crate) target: Option<&'a [u8]>,
    pub(crate) scheme: Option<Cow<'static, str>>,
    /// Where the version has it beside the fields. Wins over `Host`.
    pub(crate) authority: Option<&'a [u8]>,
    pub(crate) version: Option<Cow<'static, str>>,
}

/// What a response says before its fields.
#[derive(Debug, Clone, Default)]
pub(crate) struct StatusLine<'a> {
    pub(crate) status: Option<u16>,
    pub(crate) reason: &'a [u8],
    pub(crate) version: Option<Cow<'static, str>>,
}

/// Makes a request of its start line and fields. What the line does not tell stays empty.
pub(crate) fn request<'a>(
    line: RequestLine<'_>,
    fields: &(impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone),
    config: &ConnectionConfig,
) -> (Request, Framing) {
    let mut attributes = Attributes::with_capacity(USUAL_ATTRIBUTES);
    let (kind, operation) = push_method(&mut attributes, line.method, config);
    if let Some(scheme) = line.scheme {
        attributes.push("url.scheme", scheme);
    }
    // Of an extended CONNECT (RFC 8441) the target is a path.
    let is_path = line.target.is_some_and(|target| target.starts_with(b"/"));
    let is_connect = line.method == Some(b"CONNECT") && !is_path;
    let target = line.target.map(|target| Target::new(target, is_connect, config.obfuscation.url_query));
    if let Some(path) = target.as_ref().and_then(Target::path) {
        attributes.push("url.path", shortened(path, config.max_resource_bytes).to_owned());
    }
    if let Some(query) = target.as_ref().and_then(Target::query) {
        attributes.push("url.query", shortened(query, config.max_resource_bytes).to_owned());
    }

    let mut reader = RequestFields::new(config);
    for (name, value) in fields.clone() {
        reader.handle(name, value);
    }
    let named = line.authority.map(|authority| text(without_user(authority), config.max_attribute_bytes));
    let in_target = || target.as_ref().and_then(Target::authority).map(str::to_owned);
    let domain = named.into_iter().chain(reader.host).find(|host| !host.is_empty()).or_else(in_target);
    push_optional(&mut attributes, "user_agent.original", reader.user_agent);
    push_optional(&mut attributes, "client.address", reader.client_address.map(|(_, address)| address));
    push_length(&mut attributes, "http.request.body.size", reader.framing);
    push_configured(&mut attributes, "http.request.header.", &config.http_request_headers, fields, config);
    let max_bytes = config.max_resource_bytes;
    let endpoint = target.as_ref().and_then(|target| target.endpoint(config.http_endpoint_segments));
    let request = Request {
        protocol: None,
        kind,
        version: line.version,
        domain,
        endpoint: endpoint.map(|endpoint| shorten(endpoint, max_bytes)),
        resource: target.map(|target| shorten(target.shown.into_owned(), max_bytes)),
        operation: Cow::Borrowed(operation),
        target: None,
        context: reader.context.finish().map(Box::new),
        may_be_unanswered: false,
        attributes,
    };
    (request, reader.framing)
}

/// Who asks, and with which password, is nobody's business.
fn without_user(authority: &[u8]) -> &[u8] {
    authority.rsplit(|byte| *byte == b'@').next().unwrap_or(authority)
}

/// Gives the method as the record shows it and as the conventions know it.
fn push_method(
    attributes: &mut Attributes,
    method: Option<&[u8]>,
    config: &ConnectionConfig,
) -> (Cow<'static, str>, &'static str) {
    let Some(method) = method else { return (Cow::Borrowed(""), "") };
    let known = known_method(method);
    let kind = known.map_or_else(|| text(method, config.max_attribute_bytes).into(), Cow::Borrowed);
    let conventional = known.filter(|method| CONVENTIONAL_METHODS.contains(method));
    let operation = conventional.unwrap_or(OTHER_METHOD);
    attributes.push("http.request.method", operation);
    if conventional.is_none() {
        attributes.push("http.request.method_original", kind.clone());
    }
    (kind, operation)
}

/// Makes a response of its start line and fields.
pub(crate) fn response<'a>(
    line: StatusLine<'_>,
    fields: &(impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone),
    config: &ConnectionConfig,
) -> (Response, Framing) {
    let mut attributes = Attributes::new();
    if let Some(status) = line.status {
        attributes.push("http.response.status_code", status);
    }
    let mut framing = Framing::default();
    let mut x_request_id = None;
    for (name, value) in fields.clone() {
        framing.handle(name, value);
        if x_request_id.is_none() && position_of_name(&config.context.request_id_headers, name).is_some() {
            x_request_id = Some(text(value, config.max_attribute_bytes)).filter(|id| !id.is_empty());
        }
    }
    push_length(&mut attributes, "http.response.body.size", framing);
    push_configured(&mut attributes, "http.response.header.", &config.http_response_headers, fields, config);
    let outcome = line.status.map_or(ResponseStatus::Unknown, response_status);
    let reason = line.reason;
    let response = Response {
        protocol: None,
        status: outcome,
        code: line.status.map(status_code),
        version: line.version,
        exception: (outcome.is_error() && !reason.is_empty())
            .then(|| text(reason, config.max_attribute_bytes)),
        result: None,
        x_request_id,
        echoed_request: None,
        attributes,
    };
    (response, framing)
}

impl Framing {
    fn handle(&mut self, name: &[u8], value: &[u8]) {
        match name.len() {
            12 if name.eq_ignore_ascii_case(b"content-type") => {
                let stream = b"text/event-stream";
                let media_type = value.get(..stream.len()).unwrap_or_default();
                self.is_event_stream |= media_type.eq_ignore_ascii_case(stream);
            }
            14 if name.eq_ignore_ascii_case(b"content-length") => self.handle_content_length(value),
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                let last = value.rsplit(|byte| *byte == b',').next().unwrap_or_default();
                self.is_chunked = last.trim_ascii().eq_ignore_ascii_case(b"chunked");
            }
            _ => {}
        }
    }

    /// Several equal values are one (RFC 9110 §8.6); values that differ make the length unknown.
    fn handle_content_length(&mut self, value: &[u8]) {
        for number in value.split(|byte| *byte == b',') {
            let length = content_length(number.trim_ascii());
            self.content_length = match (self.content_length, length) {
                (ContentLength::Absent, length) => length,
                (known, length) if known == length => known,
                (ContentLength::Bytes(first) | ContentLength::Conflicting(first), _) => {
                    ContentLength::Conflicting(first)
                }
                _ => ContentLength::Invalid,
            };
        }
    }
}

/// What the fields of a request say, gathered in one pass.
struct RequestFields<'c> {
    config: &'c ConnectionConfig,
    context: ContextReader<'c>,
    framing: Framing,
    host: Option<String>,
    user_agent: Option<String>,
    client_address: Option<(usize, String)>,
}

impl<'c> RequestFields<'c> {
    fn new(config: &'c ConnectionConfig) -> Self {
        Self {
            config,
            context: ContextReader::new(&config.context),
            framing: Framing::default(),
            host: None,
            user_agent: None,
            client_address: None,
        }
    }

    fn handle(&mut self, name: &[u8], value: &[u8]) {
        self.framing.handle(name, value);
        self.context.handle(name, value);
        let max_bytes = self.config.max_attribute_bytes;
        match name.len() {
            4 if self.host.is_none() && name.eq_ignore_ascii_case(b"host") => {
                self.host = Some(text(value, max_bytes));
            }
            10 if self.user_agent.is_none() && name.eq_ignore_ascii_case(b"user-agent") => {
                self.user_agent = Some(text(value, max_bytes)).filter(|agent| !agent.is_empty());
            }
            _ => self.handle_client_address(name, value),
        }
    }

    /// The first address of a list is the first client's; the header that is configured first wins.
    fn handle_client_address(&mut self, name: &[u8], value: &[u8]) {
        let Some(rank) = position_of_name(&self.config.context.client_address_headers, name) else {
            return;
        };
        let first = value.split(|byte| *byte == b',').next().unwrap_or_default().trim_ascii();
        let is_better = self.client_address.as_ref().is_none_or(|(best, _)| rank < *best);
        if is_better && !first.is_empty() {
            self.client_address = Some((rank, text(first, self.config.max_attribute_bytes)));
        }
    }
}

/// DeepFlow's and everybody's reading of a status code.
fn response_status(status: u16) -> ResponseStatus {
    match status {
        400..=499 => ResponseStatus::ClientError,
        500..=599 => ResponseStatus::ServerError,
        _ => ResponseStatus::Ok,
    }
}

fn content_length(digits: &[u8]) -> ContentLength {
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let number =
        std::str::from_utf8(digits).ok().filter(|_| is_number).and_then(|digits| digits.parse().ok());
    number.map_or(ContentLength::Invalid, ContentLength::Bytes)
}

/// Adds the fields that the configuration names; each becomes a list, as a field may come several times.
fn push_configured<'a>(
    attributes: &mut Attributes,
    prefix: &str,
    names: &[String],
    fields: &(impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone),
    config: &ConnectionConfig,
) {
    for wanted in names {
        let same = fields.clone().filter(|(name, _)| is_same_name(name, wanted.as_bytes()));
        let values: Vec<String> = same
            .take(MAX_VALUES_PER_FIELD)
            .map(|(_, value)| text(value, config.max_attribute_bytes))
            .collect();
        if !values.is_empty() {
            attributes.push(format!("{prefix}{wanted}"), values);
        }
    }
}

fn push_optional(attributes: &mut Attributes, key: &'static str, value: Option<String>) {
    if let Some(value) = value {
        attributes.push(key, value);
    }
}

/// Adds an announced body size. The size of a chunked body is known at its end.
fn push_length(attributes: &mut Attributes, key: &'static str, framing: Framing) {
    if let (ContentLength::Bytes(bytes), false) = (framing.content_length, framing.is_chunked) {
        push_size(attributes, key, bytes);
    }
}

/// Adds a body size.
pub(crate) fn push_size(attributes: &mut Attributes, key: &'static str, bytes: u64) {
    if let Ok(bytes) = i64::try_from(bytes) {
        attributes.push(key, AttributeValue::Integer(bytes));
    }
}

/// Adds a number if there is one.
pub(crate) fn push_some_size(attributes: &mut Attributes, key: &'static str, number: Option<u64>) {
    if let Some(number) = number {
        push_size(attributes, key, number);
    }
}

/// A value as text of at most `max_bytes`, folded lines joined by one blank.
pub(crate) fn text(value: &[u8], max_bytes: usize) -> String {
    // Nearly all values are UTF-8, and this tells it several bytes at a time.
    let text = std::str::from_utf8(value).map_or_else(|_| String::from_utf8_lossy(value), Cow::Borrowed);
    let text = shortened(&text, max_bytes);
    if memchr::memchr(b'\n', text.as_bytes()).is_none() {
        return text.to_owned();
    }
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.join(" ")
}

/// Cuts `text` at a character boundary to at most `max_bytes`.
fn shorten(mut text: String, max_bytes: usize) -> String {
    let len = shortened(&text, max_bytes).len();
    text.truncate(len);
    text
}

/// `text` cut at a character boundary to at most `max_bytes`.
fn shortened(text: &str, max_bytes: usize) -> &str {
    let mut end = max_bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or(text)
}

fn status_code(status: u16) -> Cow<'static, str> {
    let common = COMMON_STATUSES.iter().find(|(number, _)| *number == status);
    common.map_or_else(|| Cow::Owned(status.to_string()), |(_, text)| Cow::Borrowed(*text))
}

/// The methods that the OpenTelemetry conventions know; all others are `_OTHER`.
const CONVENTIONAL_METHODS: &[&str] =
    &["GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE", "QUERY"];
const OTHER_METHOD: &str = "_OTHER";

/// Statuses common enough to be worth no allocation.
const COMMON_STATUSES: &[(u16, &str)] = &[
    (200, "200"),
    (304, "304"),
    (404, "404"),
    (204, "204"),
    (302, "302"),
    (301, "301"),
    (206, "206"),
    (201, "201"),
    (500, "500"),
    (503, "503"),
    (400, "400"),
    (401, "401"),
    (403, "403"),
];

/// Room for the attributes of most requests.
const USUAL_ATTRIBUTES: usize = 6;
const MAX_VALUES_PER_FIELD: usize = 16;
