//! What a client's hello says of the handshake: the request.

use std::borrow::Cow;

use super::fingerprint::{is_reserved, ja3};
use super::wire::{ClientHello, application_protocols, extension, server_name};
use crate::Request;
use crate::sql::cut_text;

/// The request that a hello is.
pub(super) fn request(hello: &ClientHello<'_>, max_text_bytes: usize) -> Request {
    let name = hello.extensions.content_of(extension::SERVER_NAME).and_then(server_name);
    let name = name.map(|name| cut_text(name, max_text_bytes)).filter(|name| !name.is_empty());
    let mut request = Request {
        kind: Cow::Borrowed(HANDSHAKE),
        operation: Cow::Borrowed(HANDSHAKE),
        target: name.clone(),
        domain: name,
        ..Request::default()
    };
    if hello.is_whole && !hello.ciphers.is_empty() {
        request.attributes.push("tls.client.ja3", ja3(hello));
    }
    let offered = hello.extensions.content_of(extension::ALPN).unwrap_or_default();
    let offered = application_protocols(offered).filter(|name| !is_reserved_name(name)).take(MAX_NAMES);
    let offered: Vec<String> = offered.map(|name| cut_text(name, max_text_bytes)).collect();
    if !offered.is_empty() {
        request.attributes.push("df.tls.client.next_protocols", offered);
    }
    request
}

/// Whether the name of a protocol stands for nothing (RFC 8701 §2).
fn is_reserved_name(name: &[u8]) -> bool {
    matches!(name, &[high, low] if is_reserved(u16::from_be_bytes([high, low])))
}

/// What is asked for.
const HANDSHAKE: &str = "HANDSHAKE";
/// The most names of protocols that are told.
const MAX_NAMES: usize = 16;
