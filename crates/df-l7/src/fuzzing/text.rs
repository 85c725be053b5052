//! The laws that hold for text inside messages, SQL and trace context: bodies of fuzz targets, not part of the API.

use crate::context::{ContextReader, from_sql_comment};
use crate::sql::{Dialect, Statement, has_literals};
use crate::{ConnectionConfig, ContextConfig, PropagatedContext};

/// Reads any bytes as SQL, as they are and as the plan of a well-formed text, and checks that no data is shown.
pub fn sql(data: &[u8]) {
    let Some((&first, text)) = data.split_first() else { return };
    let config = ConnectionConfig::default();
    let dialect = DIALECTS.into_iter().nth(usize::from(first % 4)).unwrap_or_default();
    let cut_config = ConnectionConfig { max_resource_bytes: usize::from(first / 4), ..config.clone() };
    assert_bounded(&Statement::read(text, dialect, &cut_config), &cut_config);
    let roomy = ConnectionConfig { max_resource_bytes: 4 * text.len() + 16, ..config.clone() };
    let shown = Statement::read(text, dialect, &roomy);
    assert_bounded(&shown, &roomy);
    assert!(!has_literals(shown.resource.as_bytes(), dialect), "no literal is left: {:?}", shown.resource);
    planned(dialect, text);
}

/// Reads any bytes as named values and as an SQL comment, and checks the ids that come out.
pub fn context(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let config = ContextConfig::default();
    let verbatim = ContextConfig { trace_headers: vec!["trace".to_owned()], ..ContextConfig::default() };
    for config in [&config, &verbatim] {
        for context in
            [from_pairs(data, false, config), from_sql_comment(&text, config)].into_iter().flatten()
        {
            assert_well_formed(&context, std::ptr::eq(config, &raw const verbatim));
        }
    }
    let comment = format!("traceparent='{TRACE_PARENT}',{text}");
    for context in [from_pairs(data, true, &config), from_sql_comment(&comment, &config)] {
        let trace_id = context.as_ref().and_then(|context| context.trace_id.as_deref());
        assert_eq!(trace_id, TRACE_PARENT.get(3..35), "the best context wins over whatever else is there");
        let span_id = context.as_ref().and_then(|context| context.span_id.as_deref());
        assert_eq!(span_id, TRACE_PARENT.get(36..52), "a span id comes with its trace id");
    }
}

fn assert_bounded(statement: &Statement, config: &ConnectionConfig) {
    assert!(statement.resource.len() <= config.max_resource_bytes, "the text keeps to its limit");
    assert!(statement.summary.as_ref().is_none_or(|summary| summary.len() <= 255), "so does the summary");
    assert!(statement.operation.len() <= 64, "an operation is a few words");
    // A name that is not UTF-8 grows by its replacement characters.
    assert!(statement.target.as_ref().is_none_or(|target| target.len() <= 3 * 255), "a target is a name");
    assert!(statement.endpoint.as_ref().is_none_or(|endpoint| endpoint.len() <= 3 * 255 + 65));
}

/// Writes a text of which it is known what is data, in words that the plan chooses, and compares what is shown of it.
fn planned(dialect: Dialect, plan: &[u8]) {
    let (mut text, mut expected) = (Vec::new(), Vec::new());
    for part in plan.chunks(PART_BYTES) {
        let Some((&kind, content)) = part.split_first() else { continue };
        let shown = write_part(&mut text, dialect, kind, content);
        text.push(b' ');
        if !shown.is_empty() {
            expected.extend_from_slice(&shown);
            expected.push(b' ');
        }
    }
    let config = ConnectionConfig { max_resource_bytes: 2 * text.len() + 16, ..ConnectionConfig::default() };
    let statement = Statement::read(&text, dialect, &config);
    assert_eq!(statement.resource.as_bytes(), expected.trim_ascii_end(), "{}", text.escape_ascii());
    let cut = plan.len() * 7 % (text.len() + 1);
    for text in [Some(text.as_slice()), text.get(..cut)].into_iter().flatten() {
        let statement = Statement::read(text, dialect, &config);
        let shown = [Some(&statement.resource), statement.target.as_ref(), statement.summary.as_ref()];
        for shown in shown.into_iter().flatten() {
            assert!(!shown.contains(SECRET), "{shown:?} shows data of {}", text.escape_ascii());
        }
    }
}

/// Writes one word, literal or comment; gives what may be shown of it.
fn write_part(text: &mut Vec<u8>, dialect: Dialect, kind: u8, content: &[u8]) -> Vec<u8> {
    let is_mysql = matches!(dialect, Dialect::Mysql | Dialect::MysqlPlainBackslash);
    let has_escapes = matches!(dialect, Dialect::Mysql | Dialect::PostgresqlBackslash);
    let secret = SECRET.as_bytes();
    let body = [content, secret, content].concat();
    let hidden = b"?".to_vec();
    match kind % 12 {
        0 => quote(text, b"", b'\'', &body, has_escapes),
        1 if is_mysql => quote(text, b"", b'"', &body, has_escapes),
        2 if is_mysql => quote(text, b"n", b'\'', &body, has_escapes),
        3 if !is_mysql => quote(text, b"E", b'\'', &body, true),
        4 if !is_mysql => quote(text, b"u&", b'\'', &body, false),
        5 => text.extend([b"0x".as_slice(), secret, b".5e-7"].concat()),
        6 => text
            .extend(content.iter().map(|byte| b'0' + byte % 10).chain([b'1']).chain(secret.iter().copied())),
        7 => {
            let body: Vec<u8> = body.iter().copied().filter(|byte| *byte != b'$').collect();
            let number = if is_mysql || kind < 128 { b"".as_slice() } else { b"1" };
            text.extend([number, b"$tag$", &body, b"$tag$"].concat());
            return if number.is_empty() { hidden } else { b"??".to_vec() };
        }
        8 => {
            // Neither the comment's end nor another's start, nor what makes a comment code.
            let body: Vec<u8> = body.iter().copied().filter(|byte| !b"*/!M".contains(byte)).collect();
            text.extend([b"/* ".as_slice(), &body, b" */"].concat());
            return Vec::new();
        }
        9 => {
            let body: Vec<u8> = body.iter().copied().filter(|byte| *byte != b'\n').collect();
            text.extend([b"-- ".as_slice(), &body, b"\n"].concat());
            return Vec::new();
        }
        10 => {
            let symbol = content.first().and_then(|byte| SYMBOLS.get(usize::from(*byte) % SYMBOLS.len()));
            text.extend(symbol);
            return symbol.copied().into_iter().collect();
        }
        _ => {
            let word: Vec<u8> = content
                .iter()
                .map(|byte| b"abcdefghijklmnopqrstuvwxyz_ETSLF"[usize::from(byte % 32)])
                .collect();
            text.extend_from_slice(&word);
            return word;
        }
    }
    hidden
}

/// Writes a string as a careful client does: quotes doubled and, where it matters, backslashes too.
fn quote(text: &mut Vec<u8>, prefix: &[u8], quote: u8, body: &[u8], has_escapes: bool) {
    text.extend_from_slice(prefix);
    text.push(quote);
    for &byte in body {
        if byte == quote || (byte == b'\\' && has_escapes) {
            text.push(byte);
        }
        text.push(byte);
    }
    text.push(quote);
}

/// Lines of `name: value`; a first byte of a line below 16 stands for one of the known names.
fn from_pairs(data: &[u8], is_traced: bool, config: &ContextConfig) -> Option<PropagatedContext> {
    let mut reader = ContextReader::new(config);
    for line in data.split(|byte| *byte == b'\n') {
        let (name, value) = match line.split_first() {
            Some((&known, value)) if known < 16 => {
                (NAMES.get(usize::from(known) % NAMES.len()).copied(), value)
            }
            _ => {
                let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
                (line.get(..colon), line.get(colon + 1..).unwrap_or_default())
            }
        };
        // The first of several equal names counts, so the one to be found must be the only one.
        let is_double = is_traced && name.is_some_and(|name| name.eq_ignore_ascii_case(b"traceparent"));
        if let Some(name) = name.filter(|_| !is_double) {
            reader.handle(name, value);
        }
    }
    if is_traced {
        reader.handle(b"TraceParent", TRACE_PARENT.as_bytes());
    }
    reader.finish()
}

fn assert_well_formed(context: &PropagatedContext, is_verbatim: bool) {
    let ids = [&context.trace_id, &context.span_id, &context.x_request_id];
    for id in ids.into_iter().flatten() {
        assert!(!id.is_empty() && id.len() <= 512, "an id has a sensible length: {}", id.len());
        assert!(!id.chars().any(char::is_control), "an id is printable: {id:?}");
        assert_eq!(id.trim(), id, "an id has no blanks around it");
    }
    assert!(context.trace_id.is_some() || context.x_request_id.is_some(), "a context says something");
    assert!(context.trace_id.is_some() || context.span_id.is_none(), "no span without a trace");
    assert!(!is_verbatim || context.span_id.is_none(), "a verbatim name has a trace id alone");
}

const DIALECTS: [Dialect; 4] =
    [Dialect::Mysql, Dialect::MysqlPlainBackslash, Dialect::Postgresql, Dialect::PostgresqlBackslash];
const SECRET: &str = "7SECRET7";
const PART_BYTES: usize = 9;
const SYMBOLS: &[u8] = b"(),;=<>+%^&|!~@:[]{}";
const TRACE_PARENT: &str = "00-5bd66ef5095369c7b0d1f8f4bd33716a-c532cb4098ac3dd2-01";
const NAMES: &[&[u8]] = &[
    b"traceparent",
    b"b3",
    b"x-b3-traceid",
    b"X-B3-SpanId",
    b"x-b3-sampled",
    b"sw8",
    b"uber_trace_id",
    b"x-request-id",
    b"trace",
];
