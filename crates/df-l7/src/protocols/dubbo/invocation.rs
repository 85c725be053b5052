//! What the body of a request asks for: service, method, parameter types, attachments.

use super::hessian::Walker;
use super::wire::{FASTJSON, HESSIAN, Header};
use crate::context::ContextReader;
use crate::sql::cut_text;
use crate::{ConnectionConfig, Request, rpc};

/// The texts with which the body of a request begins.
#[derive(Debug, Default)]
struct Invocation<'a> {
    dubbo_version: Option<&'a [u8]>,
    service: Option<&'a [u8]>,
    service_version: Option<&'a [u8]>,
    method: Option<&'a [u8]>,
    parameter_types: Option<&'a [u8]>,
}

/// Makes a request of its header and as much of its body as is there.
pub(super) fn request(header: &Header, body: &[u8], config: &ConnectionConfig) -> Request {
    let mut context = ContextReader::new(&config.context);
    let invocation = match header.serialization() {
        HESSIAN => read_hessian(body, &mut context),
        FASTJSON => read_fastjson(body, &mut context),
        _ => Invocation::default(),
    };
    let text = |bytes: Option<&[u8]>| {
        let bytes = bytes.filter(|bytes| !bytes.is_empty())?;
        Some(cut_text(bytes, config.max_attribute_bytes))
    };
    let (service, method) = (text(invocation.service), text(invocation.method));
    let mut request = rpc::request("dubbo", service, method);
    let attributes = &mut request.attributes;
    attributes.push("df.dubbo.serialization", header.serialization_name());
    if let Some(version) = text(invocation.service_version) {
        attributes.push("df.dubbo.service.version", version);
    }
    if let Some(types) = text(invocation.parameter_types) {
        attributes.push("df.dubbo.parameter_types", types);
    }
    request.version = text(invocation.dubbo_version).map(Into::into);
    request.context = context.finish().map(Box::new);
    request
}

/// `version | service | service version | method | parameter types | argument... | attachments`
fn read_hessian<'a>(body: &'a [u8], context: &mut ContextReader<'_>) -> Invocation<'a> {
    let mut walker = Walker::new(body);
    let mut text = || walker.text().or_else(|| walker.skip().and(None));
    let invocation = Invocation {
        dubbo_version: text(),
        service: text(),
        service_version: text(),
        method: text(),
        // Dubbox has the number of parameters, or -1, before their types.
        parameter_types: text().or_else(text),
    };
    let count = invocation.parameter_types.and_then(parameter_count);
    let arguments = count.and_then(|count| (0..count).try_for_each(|_| walker.skip()));
    if arguments.is_some() {
        // Attachments that are cut are read as far as they go.
        let _ = walker.for_each_text(|name, value| context.handle(name, value));
    }
    invocation
}

/// The same as lines of JSON.
fn read_fastjson<'a>(body: &'a [u8], context: &mut ContextReader<'_>) -> Invocation<'a> {
    let mut lines = body.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let mut text = || lines.next().and_then(quoted);
    let invocation = Invocation {
        dubbo_version: text(),
        service: text(),
        service_version: text(),
        method: text(),
        parameter_types: text(),
    };
    let attachments = lines.rfind(|line| line.starts_with(b"{"));
    let mut pairs = attachments.unwrap_or_default().split(|byte| *byte == b'"').skip(1);
    // `{"name":"value","name":"value"}`; values with quotes in them are no identifiers.
    while let (Some(name), Some(colon)) = (pairs.next(), pairs.next()) {
        if colon != b":" {
            continue;
        }
        let Some(value) = pairs.next() else { break };
        context.handle(name, value);
        pairs.next();
    }
    invocation
}

/// How many parameters a descriptor of the Java virtual machine has: `ILjava/lang/String;[J`.
fn parameter_count(types: &[u8]) -> Option<usize> {
    let mut rest = types;
    let mut count = 0;
    while let Some((&first, behind)) = rest.split_first() {
        rest = match first {
            b'[' => {
                rest = behind;
                continue;
            }
            b'L' => behind.get(memchr::memchr(b';', behind)? + 1..)?,
            b'Z' | b'B' | b'C' | b'S' | b'I' | b'J' | b'F' | b'D' => behind,
            _ => return None,
        };
        count += 1;
    }
    Some(count)
}

fn quoted(line: &[u8]) -> Option<&[u8]> {
    line.strip_prefix(b"\"")?.strip_suffix(b"\"")
}
