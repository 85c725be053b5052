//! The handshake of TLS 1.0 to 1.3 (RFC 8446, RFC 5246) and SSL 3 (RFC 6101), over TCP.
//!
//! One exchange per handshake: the client's hello is the request, what the server answers in clear the response. A second
//! hello after a `HelloRetryRequest` belongs to the same exchange. Up to TLS 1.2 the response is complete when the server
//! turns to encryption, so that certificates of both sides and alerts in clear are told; from TLS 1.3 on everything behind
//! the `ServerHello` is encrypted. What follows the handshake is passed over unread, and what is missing of it costs nothing.
//!
//! | field | content |
//! |---|---|
//! | `request_type`, `operation` | `HANDSHAKE` |
//! | `request_domain`, `target` | the name that the client asks for (SNI) |
//! | `version`, `tls.protocol.name`, `tls.protocol.version` | the version agreed on, `supported_versions` considered |
//! | `tls.cipher`, `tls.curve`, `tls.next_protocol` | what the server chose; the protocol (ALPN) is encrypted in TLS 1.3 |
//! | `tls.client.ja3`, `tls.server.ja3s` | fingerprints |
//! | `tls.server.subject`, `.issuer`, `.not_before`, `.not_after`, the same of `tls.client` | first certificate of a side, up to TLS 1.2 |
//! | `df.tls.server.alternative_names` | its DNS names, at most 16 |
//! | `df.tls.client.next_protocols` | the protocols that the client offers |
//! | `df.tls.hello_retry` | whether the server asked for a second hello |
//! | `tls.resumed` | whether an earlier agreement is used again |
//! | `df.tls.handshake.duration` | seconds from the client's hello until the server turns to encryption with its last flight: its `Finished`; from TLS 1.3 on until its hello, behind which that is hidden |
//! | `tls.established` | true when both turned to encryption (up to TLS 1.2), false after a fatal alert |
//! | `response_code`, `response_exception` | the fatal alert: `handshake_failure`, `unknown_ca`, and who sent it |

use std::time::Duration;

use df_core::Transport;

use crate::{Family, Parser, Protocol, ProtocolRow};

mod certificate;
mod ciphers;
mod client;
mod detect;
mod fingerprint;
mod handshake;
mod names;
mod parser;
mod server;
mod wire;

pub use parser::TlsParser;
pub(crate) use server::HANDSHAKE_DURATION;

/// The protocol's row in the table.
pub(crate) const ROW: ProtocolRow = ProtocolRow {
    protocol: Protocol::Tls,
    name: "tls",
    family: Family::Other,
    transports: &[Transport::Tcp],
    ports: &[443, 465, 636, 853, 989, 990, 993, 995, 5061, 6697, 8443, 8883, 9443],
    has_request_ids: false,
    timeout: Duration::from_secs(15),
    detect: detect::detect,
    parser: |config, transport| Box::new(TlsParser::new(config, transport)) as Box<dyn Parser>,
};

#[cfg(test)]
mod tests;
