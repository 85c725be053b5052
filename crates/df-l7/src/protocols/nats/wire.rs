//! NATS on the wire: lines of one operation each, payloads behind some of them.

/// One line without its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// `INFO {..}`
    Greeting(&'a [u8]),
    /// `CONNECT {..}`
    Connect(&'a [u8]),
    Ping,
    Pong,
    /// `+OK`
    Confirmed,
    /// `-ERR 'text'`, without the quotes.
    Refused(&'a [u8]),
    /// `SUB subject [queue] id`
    Subscribe {
        subject: &'a [u8],
        queue: Option<&'a [u8]>,
        id: &'a [u8],
    },
    /// `UNSUB id [deliveries]`
    Unsubscribe {
        id: &'a [u8],
        deliveries: Option<usize>,
    },
    /// `PUB subject [reply] bytes`, `HPUB subject [reply] header-bytes bytes`
    Publish(Carried<'a>),
    /// `MSG subject id [reply] bytes`, `HMSG subject id [reply] header-bytes bytes`
    Deliver(Carried<'a>),
}

/// What announces a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Carried<'a> {
    pub(super) verb: &'static str,
    pub(super) subject: &'a [u8],
    /// Of the subscription that this is delivered for; empty for what is published.
    pub(super) subscription: &'a [u8],
    pub(super) reply: Option<&'a [u8]>,
    pub(super) header_bytes: usize,
    /// Bytes of headers and payload, without the line end behind them.
    pub(super) total_bytes: usize,
}

impl<'a> Line<'a> {
    /// Reads a line. Operations are known whatever the case of their letters.
    pub(super) fn parse(line: &'a [u8]) -> Option<Self> {
        let line = line.trim_ascii_end();
        let end = line.iter().position(|byte| is_blank(*byte)).unwrap_or(line.len());
        let (verb, rest) = line.split_at_checked(end)?;
        let rest = rest.trim_ascii_start();
        let mut upper = [0; MAX_VERB_BYTES];
        let upper = upper.get_mut(..verb.len())?;
        upper.copy_from_slice(verb);
        upper.make_ascii_uppercase();
        match &*upper {
            b"INFO" => rest.starts_with(b"{").then_some(Self::Greeting(rest)),
            b"CONNECT" => rest.starts_with(b"{").then_some(Self::Connect(rest)),
            b"PING" => rest.is_empty().then_some(Self::Ping),
            b"PONG" => rest.is_empty().then_some(Self::Pong),
            b"+OK" => rest.is_empty().then_some(Self::Confirmed),
            b"-ERR" => Some(Self::Refused(unquoted(rest))),
            b"SUB" => subscribe(rest),
            b"UNSUB" => unsubscribe(rest),
            b"PUB" => publish("PUB", rest).map(Self::Publish),
            b"HPUB" => publish("HPUB", rest).map(Self::Publish),
            b"MSG" => deliver("MSG", rest).map(Self::Deliver),
            b"HMSG" => deliver("HMSG", rest).map(Self::Deliver),
            _ => None,
        }
    }

    /// Whether only a server says this, or only a client.
    pub(super) const fn is_from_server(&self) -> Option<bool> {
        match self {
            Self::Greeting(_) | Self::Confirmed | Self::Refused(_) | Self::Deliver(_) => Some(true),
            Self::Connect(_) | Self::Subscribe { .. } | Self::Unsubscribe { .. } | Self::Publish(_) => {
                Some(false)
            }
            Self::Ping | Self::Pong => None,
        }
    }

    /// What announces a payload, if this does.
    pub(super) const fn carried(&self) -> Option<Carried<'a>> {
        match self {
            Self::Publish(carried) | Self::Deliver(carried) => Some(*carried),
            _ => None,
        }
    }
}

impl Carried<'_> {
    /// Bytes behind the line, its own end included.
    pub(super) const fn frame_bytes(&self) -> usize {
        self.total_bytes.saturating_add(LINE_END.len())
    }

    pub(super) const fn payload_bytes(&self) -> usize {
        self.total_bytes.saturating_sub(self.header_bytes)
    }

    /// Whether what stands behind the line, as far as it is there, is what was announced.
    pub(super) fn agrees_with(&self, behind: &[u8]) -> bool {
        let end = behind.get(self.total_bytes..).unwrap_or_default();
        let headers = behind.get(..HEADER_START.len().min(self.header_bytes)).unwrap_or(behind);
        let is_header_start = self.header_bytes == 0 || HEADER_START.starts_with(headers);
        is_header_start && end.iter().zip(LINE_END).all(|(byte, expected)| byte == expected)
    }
}

/// The line at the start of `bytes` without its end, and how many bytes both take. The first `searched` bytes are known
/// to have no end.
pub(super) fn line(bytes: &[u8], searched: usize) -> Option<(&[u8], usize)> {
    let end = searched.checked_add(memchr::memchr(b'\n', bytes.get(searched..)?)?)?;
    let line = bytes.get(..end).unwrap_or_default();
    Some((line.strip_suffix(b"\r").unwrap_or(line), end.saturating_add(1)))
}

/// The value of a text in a flat JSON object, as it is written.
pub(super) fn json_text<'a>(object: &'a [u8], key: &str) -> Option<&'a [u8]> {
    let text = json_value(object, key)?.strip_prefix(b"\"")?;
    let end = text.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    text.get(..end).filter(|text| !text.is_empty())
}

/// Whether a key of a flat JSON object is true.
pub(super) fn json_flag(object: &[u8], key: &str) -> bool {
    json_value(object, key).is_some_and(|value| value.starts_with(b"true"))
}

/// Whether a flat JSON object has a key.
pub(super) fn has_json_key(object: &[u8], key: &str) -> bool {
    json_value(object, key).is_some()
}

/// What follows a key and its colon. A quotation mark within a text has a backslash, so that no text looks like a key.
fn json_value<'a>(object: &'a [u8], key: &str) -> Option<&'a [u8]> {
    for place in memchr::memmem::find_iter(object, key) {
        let is_open = place.checked_sub(1).and_then(|before| object.get(before)) == Some(&b'"');
        let behind = object.get(place.saturating_add(key.len())..)?.strip_prefix(b"\"");
        let value = behind.and_then(|behind| behind.trim_ascii_start().strip_prefix(b":"));
        if let Some(value) = value.filter(|_| is_open) {
            return Some(value.trim_ascii_start());
        }
    }
    None
}

fn subscribe(rest: &[u8]) -> Option<Line<'_>> {
    let fields = Fields::read(rest)?;
    match fields.as_slice() {
        [subject, id] => Some(Line::Subscribe { subject, queue: None, id }),
        [subject, queue, id] => Some(Line::Subscribe { subject, queue: Some(queue), id }),
        _ => None,
    }
}

fn unsubscribe(rest: &[u8]) -> Option<Line<'_>> {
    let fields = Fields::read(rest)?;
    match fields.as_slice() {
        [id] => Some(Line::Unsubscribe { id, deliveries: None }),
        [id, deliveries] => Some(Line::Unsubscribe { id, deliveries: Some(number(deliveries)?) }),
        _ => None,
    }
}

fn publish<'a>(verb: &'static str, rest: &'a [u8]) -> Option<Carried<'a>> {
    let fields = Fields::read(rest)?;
    let (fields, header_bytes, total_bytes) = lengths(verb == "HPUB", fields.as_slice())?;
    let (subject, reply) = match fields {
        [subject] => (*subject, None),
        [subject, reply] => (*subject, Some(*reply)),
        _ => return None,
    };
    Some(Carried { verb, subject, subscription: &[], reply, header_bytes, total_bytes })
}

fn deliver<'a>(verb: &'static str, rest: &'a [u8]) -> Option<Carried<'a>> {
    let fields = Fields::read(rest)?;
    let (fields, header_bytes, total_bytes) = lengths(verb == "HMSG", fields.as_slice())?;
    let (subject, subscription, reply) = match fields {
        [subject, subscription] => (*subject, *subscription, None),
        [subject, subscription, reply] => (*subject, *subscription, Some(*reply)),
        _ => return None,
    };
    Some(Carried { verb, subject, subscription, reply, header_bytes, total_bytes })
}

/// Takes the lengths from the end of the fields: that of the headers, if there are any, and that of everything.
fn lengths<'f, 'a>(has_headers: bool, fields: &'f [&'a [u8]]) -> Option<(&'f [&'a [u8]], usize, usize)> {
    let (total, fields) = fields.split_last()?;
    let total_bytes = number(total)?;
    if !has_headers {
        return Some((fields, 0, total_bytes));
    }
    let (headers, fields) = fields.split_last()?;
    let header_bytes = number(headers)?;
    (MIN_HEADER_BYTES..=total_bytes).contains(&header_bytes).then_some((fields, header_bytes, total_bytes))
}

/// The fields of a line: no operation has more than five.
struct Fields<'a> {
    fields: [&'a [u8]; MAX_FIELDS],
    count: usize,
}

impl<'a> Fields<'a> {
    fn read(rest: &'a [u8]) -> Option<Self> {
        let mut found = Self { fields: [&[]; MAX_FIELDS], count: 0 };
        for field in rest.split(|byte| is_blank(*byte)).filter(|field| !field.is_empty()) {
            *found.fields.get_mut(found.count)? = field;
            found.count = found.count.saturating_add(1);
        }
        Some(found)
    }

    fn as_slice(&self) -> &[&'a [u8]] {
        self.fields.get(..self.count).unwrap_or_default()
    }
}

/// A length, up to the most that a server can be configured to take.
fn number(digits: &[u8]) -> Option<usize> {
    let is_number = (1..=MAX_DIGITS).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    let number: usize = is_number
        .then(|| std::str::from_utf8(digits).ok())
        .flatten()
        .and_then(|digits| digits.parse().ok())?;
    (number <= MAX_PAYLOAD_BYTES).then_some(number)
}

fn unquoted(text: &[u8]) -> &[u8] {
    let text = text.trim_ascii();
    text.strip_prefix(b"'").and_then(|text| text.strip_suffix(b"'")).unwrap_or(text)
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// How header blocks begin.
pub(super) const HEADER_START: &[u8] = b"NATS/1.0";
/// The longest line that is read. Servers take 4 KiB unless configured otherwise, and tell clients about their peers in
/// longer ones.
pub(super) const MAX_LINE_BYTES: usize = 16_384;
/// The most that `max_payload` of a server can be.
const MAX_PAYLOAD_BYTES: usize = 64 << 20;
const MIN_HEADER_BYTES: usize = HEADER_START.len() + 2 * LINE_END.len();
const LINE_END: &[u8] = b"\r\n";
const MAX_VERB_BYTES: usize = 7;
const MAX_FIELDS: usize = 5;
const MAX_DIGITS: usize = 9;
