//! The live table: one aligned line per exchange.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

use df_core::{Address, Endpoint, FlowKey, Timestamp};
use df_l7::{Exchange, ResponseStatus};

/// Formats exchanges as lines of one width. Terminals too narrow for both ends see the server alone.
#[derive(Debug)]
pub(crate) struct Table {
    width: usize,
    has_color: bool,
    line: String,
}

impl Table {
    /// A table for a terminal of `width` columns.
    pub(crate) fn new(width: usize, has_color: bool) -> Self {
        Self { width: width.max(MIN_WIDTH), has_color, line: String::with_capacity(256) }
    }

    /// Appends the line that names the columns.
    pub(crate) fn write_header(&mut self, out: &mut Vec<u8>) {
        self.line.clear();
        let request_width = self.request_width();
        let (dim, reset) = if self.has_color { (DIM, RESET) } else { ("", "") };
        let _ = write!(self.line, "{dim}{:TIME$}  {:PROTOCOL$}  ", "TIME (UTC)", "PROTOCOL");
        if self.has_client() {
            let _ = write!(self.line, "{:>END$}    ", "CLIENT");
        }
        let _ = writeln!(
            self.line,
            "{:END$}  {:request_width$}  {:STATUS$}  {:>DURATION$}{reset}",
            "SERVER", "REQUEST", "STATUS", "DURATION"
        );
        out.extend_from_slice(self.line.as_bytes());
    }

    /// Appends one exchange; `flow` has client and server as the protocol shows them.
    pub(crate) fn write_exchange(&mut self, out: &mut Vec<u8>, exchange: &Exchange, flow: &FlowKey) {
        self.line.clear();
        push_time(&mut self.line, exchange.start());
        self.line.push_str("  ");
        push_cell(&mut self.line, exchange.protocol.name(), PROTOCOL);
        self.line.push_str("  ");
        let client = shown_endpoint(&flow.client);
        let server = shown_endpoint(&flow.server);
        if self.has_client() {
            let _ = write!(self.line, "{client:>END$} -> ");
        }
        let _ = write!(self.line, "{server:END$}  ");
        let request_width = self.request_width();
        push_cell(&mut self.line, &request_text(exchange), request_width);
        self.line.push_str("  ");
        self.push_status(exchange);
        let duration = exchange.duration().map_or_else(|| "-".to_owned(), shown_duration);
        let _ = writeln!(self.line, "  {duration:>DURATION$}");
        out.extend_from_slice(self.line.as_bytes());
    }

    fn push_status(&mut self, exchange: &Exchange) {
        let status = exchange.status();
        let color = match status {
            _ if !self.has_color => "",
            ResponseStatus::Ok => GREEN,
            ResponseStatus::ClientError => YELLOW,
            ResponseStatus::ServerError | ResponseStatus::Timeout => RED,
            _ => DIM,
        };
        self.line.push_str(color);
        push_cell(&mut self.line, &status_text(exchange), STATUS);
        if !color.is_empty() {
            self.line.push_str(RESET);
        }
    }

    fn request_width(&self) -> usize {
        let client_width = if self.has_client() { CLIENT_WIDTH } else { 0 };
        self.width.saturating_sub(FIXED_WIDTH + client_width)
    }

    const fn has_client(&self) -> bool {
        self.width >= FIXED_WIDTH + CLIENT_WIDTH + MIN_REQUEST
    }
}

/// What was asked, in the words of the protocol.
fn request_text(exchange: &Exchange) -> String {
    let Some(request) = &exchange.request else { return "(request not seen)".to_owned() };
    let request = &request.content;
    // Of a handshake the name that it is for says all.
    let resource = [&request.resource, &request.endpoint, &request.domain].into_iter().flatten().next();
    let resource = resource.map_or("", String::as_str);
    let mut text = String::with_capacity(request.kind.len() + resource.len() + 1);
    // `GET key` is what a Redis resource says already; `A` before a name that begins with A is not.
    let is_said =
        resource.strip_prefix(&*request.kind).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
    if !is_said {
        text.push_str(&request.kind);
        text.push(' ');
    }
    if let (Some(domain), true) = (&request.domain, resource.starts_with('/')) {
        text.push_str(domain);
    }
    text.push_str(resource);
    text
}

/// The protocol's own status where it gives one, else the general one.
fn status_text(exchange: &Exchange) -> String {
    let code = exchange.response.as_ref().and_then(|response| response.content.code.as_deref());
    let status = exchange.status();
    match code {
        Some(code) => code.to_owned(),
        None if exchange.response.is_none() && status == ResponseStatus::Timeout => "no answer".to_owned(),
        None => status.name().replace('_', " "),
    }
}

/// Appends `text`, cut or padded to `width` columns. Control characters, which could command the terminal, are shown
/// as `·`.
fn push_cell(line: &mut String, text: &str, width: usize) {
    let mut used = 0;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if used + 1 == width && letters.peek().is_some() {
            line.push('…');
            return;
        }
        let is_line_break = matches!(letter, '\n' | '\r' | '\t');
        line.push(match letter {
            _ if is_line_break => ' ',
            _ if letter.is_control() || is_bidirectional(letter) => '·',
            _ => letter,
        });
        used += 1;
    }
    line.extend(std::iter::repeat_n(' ', width.saturating_sub(used)));
}

/// Whether a character changes the order in which those around it are shown.
const fn is_bidirectional(letter: char) -> bool {
    matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// An endpoint in at most [`END`] columns: a long IPv6 address or path loses its middle.
fn shown_endpoint(endpoint: &Endpoint) -> String {
    let text = endpoint.to_string();
    if text.len() <= END || matches!(endpoint.address, Address::Ip(IpAddr::V4(_))) {
        return text;
    }
    let tail_len = END / 2 + 3;
    let head = text.get(..END - tail_len - 1).unwrap_or_default();
    let tail = text.get(text.len() - tail_len..).unwrap_or_default();
    format!("{head}…{tail}")
}

/// A duration with three significant digits in the unit that fits it.
pub(crate) fn shown_duration(duration: Duration) -> String {
    let nanoseconds = duration.as_nanos();
    let (unit_ns, unit) = match nanoseconds {
        0..1_000 => return format!("{nanoseconds} ns"),
        1_000..1_000_000 => (1_000, "us"),
        1_000_000..1_000_000_000 => (1_000_000, "ms"),
        _ => (1_000_000_000, "s"),
    };
    let thousandths = nanoseconds.saturating_mul(1_000) / unit_ns;
    let (whole, fraction) = (thousandths / 1_000, thousandths % 1_000);
    match whole {
        0..10 => format!("{whole}.{:02} {unit}", fraction / 10),
        10..100 => format!("{whole}.{} {unit}", fraction / 100),
        _ => format!("{whole} {unit}"),
    }
}

/// The time of day with milliseconds.
fn push_time(line: &mut String, timestamp: Timestamp) {
    let milliseconds = timestamp.as_nanos() / 1_000_000;
    let seconds = milliseconds / 1_000 % 86_400;
    let _ = write!(
        line,
        "{:02}:{:02}:{:02}.{:03}",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60,
        milliseconds % 1_000
    );
}

const TIME: usize = 12;
const PROTOCOL: usize = 10;
const END: usize = 21;
const STATUS: usize = 9;
const DURATION: usize = 8;
/// Every column but the client and the request, and the gaps between them.
const FIXED_WIDTH: usize = TIME + 2 + PROTOCOL + 2 + END + 2 + 2 + STATUS + 2 + DURATION;
/// The client and the arrow behind it.
const CLIENT_WIDTH: usize = END + 4;
const MIN_REQUEST: usize = 20;
const MIN_WIDTH: usize = FIXED_WIDTH + 8;

const DIM: &str = "\x1b[2m";
const GREEN: &str = "\x1b[32m";
const YELLOW: &str = "\x1b[33m";
const RED: &str = "\x1b[31m";
const RESET: &str = "\x1b[0m";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_keep_three_digits() {
        let shown = |nanoseconds| shown_duration(Duration::from_nanos(nanoseconds));
        assert_eq!(shown(7), "7 ns");
        assert_eq!(shown(1_234), "1.23 us");
        assert_eq!(shown(45_600_000), "45.6 ms");
        assert_eq!(shown(999_999_999), "999 ms");
        assert_eq!(shown(61_000_000_000), "61.0 s");
        assert_eq!(shown(3_600_000_000_000), "3600 s");
    }

    #[test]
    fn cells_are_cut_padded_and_harmless() {
        let cell = |text: &str, width| {
            let mut line = String::new();
            push_cell(&mut line, text, width);
            line
        };
        assert_eq!(cell("abc", 5), "abc  ");
        assert_eq!(cell("abcde", 5), "abcde");
        assert_eq!(cell("abcdef", 5), "abcd…");
        assert_eq!(cell("a\x1b[2J\nb", 8), "a·[2J b ");
    }

    #[test]
    fn no_line_is_wider_than_its_terminal() {
        for width in [80, 100, 114, 115, 200] {
            let mut out = Vec::new();
            Table::new(width, false).write_header(&mut out);
            let header = String::from_utf8(out).unwrap();
            assert_eq!(header.trim_end_matches('\n').chars().count(), width, "{header}");
            assert_eq!(header.contains("CLIENT"), width >= 115, "{header}");
        }
    }

    #[test]
    fn long_addresses_lose_their_middle() {
        let ip = "2001:db8:1111:2222:3333:4444:5555:6666".parse().unwrap();
        let shown = shown_endpoint(&Endpoint::new(ip, 443));
        assert_eq!(shown.chars().count(), END);
        assert!(shown.starts_with("[2001") && shown.ends_with("]:443"), "{shown}");
    }
}
