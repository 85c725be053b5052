//! What a server's flight says of the handshake, and what the client adds to it in clear: the response.

use std::borrow::Cow;
use std::time::Duration;

use super::certificate::Certificate;
use super::ciphers::cipher_name;
use super::fingerprint::ja3s;
use super::names::{alert_name, conventional_version, hides_handshake, version_name};
use super::wire::{ServerHello, application_protocols, extension, first_certificate, numbers};
use crate::sql::cut_text;
use crate::{AttributeValue, Attributes, Response, ResponseStatus};

/// The one attribute that is a time.
pub(crate) const HANDSHAKE_DURATION: &str = "df.tls.handshake.duration";

/// A server's answer to a client's hello, as far as it was seen.
#[derive(Debug, Default)]
pub(super) struct Flight {
    version: Option<u16>,
    attributes: Attributes,
    stage: Stage,
    /// Whether a certificate was told, of the server and of the client.
    has_certificate: [bool; 2],
    failure: Option<Failure>,
}

/// How far the server has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Stage {
    #[default]
    Begun,
    /// The client is to send another hello, and the choice comes after it.
    Retry,
    /// It has told its choice.
    Chosen,
    /// It has said that it is done with its part: then keys are exchanged anew.
    Done,
}

/// The alert that ended a handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) sender: Sender,
    pub(super) description: u8,
}

/// Who sent an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sender {
    Client,
    Server,
}

/// How far the handshake came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// What follows is encrypted: both have agreed.
    Encrypted,
    /// Nothing more was seen.
    Unknown,
}

impl Flight {
    /// The server's choice. Gives whether everything behind it is encrypted.
    pub(super) fn handle_hello(&mut self, hello: &ServerHello<'_>, max_text_bytes: usize) -> bool {
        if self.has_chosen() {
            return false;
        }
        let selected = hello.extensions.content_of(extension::SUPPORTED_VERSIONS);
        let version = selected.and_then(|content| numbers(content).next()).unwrap_or(hello.version);
        if self.version.is_none() {
            self.choose(version, hello.cipher);
        }
        if hello.is_retry {
            self.ask_again();
            return false;
        }
        self.stage = Stage::Chosen;
        let attributes = &mut self.attributes;
        let chosen = hello.extensions.content_of(extension::ALPN).unwrap_or_default();
        if let Some(name) = application_protocols(chosen).next() {
            attributes.push("tls.next_protocol", cut_text(name, max_text_bytes));
        }
        let share = hello.extensions.content_of(extension::KEY_SHARE).unwrap_or_default();
        if let Some(name) = numbers(share).next().and_then(group_name) {
            attributes.push("tls.curve", name);
        }
        attributes.push("tls.server.ja3s", ja3s(hello));
        let is_hidden = hides_handshake(version);
        if is_hidden {
            attributes.push("tls.resumed", hello.extensions.content_of(extension::PRE_SHARED_KEY).is_some());
        }
        is_hidden
    }

    /// A retry request names the version and the cipher that the hello behind it will name (RFC 8446 §4.1.4).
    fn choose(&mut self, version: u16, cipher: u16) {
        self.version = Some(version);
        if let Some((name, number)) = conventional_version(version) {
            self.attributes.push("tls.protocol.name", name);
            self.attributes.push("tls.protocol.version", number);
        }
        self.attributes.push("tls.cipher", cipher_text(cipher));
    }

    /// The server wants another hello before it chooses.
    pub(super) fn ask_again(&mut self) {
        if self.stage == Stage::Begun {
            self.stage = Stage::Retry;
            self.attributes.push("df.tls.hello_retry", true);
        }
    }

    pub(super) fn handle_certificate(&mut self, sender: Sender, body: &[u8], max_text_bytes: usize) {
        let [of_server, of_client] = &mut self.has_certificate;
        let (has_one, names) = match sender {
            Sender::Server => (of_server, &SERVER_NAMES),
            Sender::Client => (of_client, &CLIENT_NAMES),
        };
        let first = first_certificate(body).and_then(|bytes| Certificate::read(bytes, max_text_bytes));
        let Some(certificate) = first.filter(|_| !*has_one) else { return };
        *has_one = true;
        let [subject, issuer, not_before, not_after, alternative_names] = *names;
        let attributes = &mut self.attributes;
        for (name, value) in [(subject, certificate.subject), (issuer, certificate.issuer)] {
            if !value.is_empty() {
                attributes.push(name, value);
            }
        }
        for (name, value) in [(not_before, certificate.not_before), (not_after, certificate.not_after)] {
            if let Some(value) = value {
                attributes.push(name, value);
            }
        }
        if !certificate.alternative_names.is_empty() {
            attributes.push(alternative_names, certificate.alternative_names);
        }
    }

    /// The curve on which keys are exchanged up to TLS 1.2 (RFC 8422 §5.4): a kind, 3 for a named curve, and its number.
    pub(super) fn handle_key_exchange(&mut self, body: &[u8]) {
        if let Some((3, number)) = body.split_first().map(|(kind, rest)| (*kind, rest))
            && let Some(name) = numbers(number).next().and_then(group_name)
        {
            self.attributes.push("tls.curve", name);
        }
    }

    /// The server has nothing more to say before the keys are agreed on.
    pub(super) const fn handle_hello_done(&mut self) {
        self.stage = Stage::Done;
    }

    pub(super) fn has_chosen(&self) -> bool {
        self.stage >= Stage::Chosen
    }

    pub(super) fn is_retry(&self) -> bool {
        self.stage == Stage::Retry
    }

    /// The alert that ends the handshake; of several the first one counts.
    pub(super) fn fail(&mut self, failure: Failure) {
        self.failure.get_or_insert(failure);
    }

    /// The response that the flight is. It took `duration` since the client's hello began.
    pub(super) fn into_response(mut self, progress: Progress, duration: Option<Duration>) -> Response {
        let is_known = self.version.is_some_and(|version| !hides_handshake(version));
        if let Some(failure) = self.failure {
            self.attributes.push("tls.established", false);
            return self.failed(failure);
        }
        if is_known && progress == Progress::Encrypted {
            self.attributes.push("tls.resumed", self.stage != Stage::Done);
            self.attributes.push("tls.established", true);
        }
        if let Some(duration) = duration.filter(|_| progress == Progress::Encrypted) {
            self.attributes.push(HANDSHAKE_DURATION, AttributeValue::Double(duration.as_secs_f64()));
        }
        let status = match progress {
            Progress::Encrypted => ResponseStatus::Ok,
            Progress::Unknown => ResponseStatus::Unknown,
        };
        Response {
            status,
            version: self.version.and_then(version_name),
            attributes: self.attributes,
            ..Response::default()
        }
    }

    fn failed(self, failure: Failure) -> Response {
        Response {
            status: failure.status(),
            version: self.version.and_then(version_name),
            code: Some(alert_name(failure.description)),
            exception: Some(failure.text().to_owned()),
            attributes: self.attributes,
            ..Response::default()
        }
    }
}

impl Failure {
    /// Who sends an alert does not like what the other one sent, unless it says that the trouble is its own.
    const fn status(self) -> ResponseStatus {
        match (self.sender, self.description) {
            (Sender::Server, INTERNAL_ERROR) => ResponseStatus::ServerError,
            (Sender::Server, _) | (Sender::Client, INTERNAL_ERROR | USER_CANCELED | CLOSE_NOTIFY) => {
                ResponseStatus::ClientError
            }
            (Sender::Client, _) => ResponseStatus::ServerError,
        }
    }

    const fn text(self) -> &'static str {
        match self.sender {
            Sender::Client => "alert from the client",
            Sender::Server => "alert from the server",
        }
    }
}

fn cipher_text(code: u16) -> Cow<'static, str> {
    cipher_name(code).map_or_else(|| Cow::Owned(format!("0x{code:04x}")), Cow::Borrowed)
}

/// The name of the group in which keys are exchanged (IANA's supported groups); the usual ones.
fn group_name(number: u16) -> Option<&'static str> {
    Some(match number {
        19 => "secp192r1",
        21 => "secp224r1",
        22 => "secp256k1",
        23 => "secp256r1",
        24 => "secp384r1",
        25 => "secp521r1",
        26 => "brainpoolP256r1",
        27 => "brainpoolP384r1",
        28 => "brainpoolP512r1",
        29 => "x25519",
        30 => "x448",
        41 => "curveSM2",
        256 => "ffdhe2048",
        257 => "ffdhe3072",
        258 => "ffdhe4096",
        0x0200 => "MLKEM512",
        0x0201 => "MLKEM768",
        0x0202 => "MLKEM1024",
        0x11eb => "SecP256r1MLKEM768",
        0x11ec => "X25519MLKEM768",
        0x11ed => "SecP384r1MLKEM1024",
        0x6399 => "X25519Kyber768Draft00",
        _ => return None,
    })
}

const CLOSE_NOTIFY: u8 = 0;
const INTERNAL_ERROR: u8 = 80;
const USER_CANCELED: u8 = 90;
const SERVER_NAMES: [&str; 5] = [
    "tls.server.subject",
    "tls.server.issuer",
    "tls.server.not_before",
    "tls.server.not_after",
    "df.tls.server.alternative_names",
];
const CLIENT_NAMES: [&str; 5] = [
    "tls.client.subject",
    "tls.client.issuer",
    "tls.client.not_before",
    "tls.client.not_after",
    "df.tls.client.alternative_names",
];
