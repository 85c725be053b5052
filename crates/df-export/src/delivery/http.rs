//! OTLP over HTTP.

use std::io::Write;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use flate2::write::GzEncoder;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;

use super::tls::{self, Connector};
use super::{Answer, Encoding};
use crate::error::{advice, chain};
use crate::{Compression, ExportError, OtlpProtocol, Signal, SignalConfig};

/// One signal's HTTP client. Connects when it first sends, and again whenever needed.
pub(crate) struct HttpTransport {
    client: Client<Connector, Full<Bytes>>,
    uri: Uri,
    headers: HeaderMap,
    encoding: Encoding,
    compression: Compression,
    timeout: Duration,
    endpoint: String,
}

impl HttpTransport {
    pub(super) fn new(config: &SignalConfig, _: Signal) -> Result<Self, ExportError> {
        let encoding =
            if config.protocol == OtlpProtocol::HttpJson { Encoding::Json } else { Encoding::Protobuf };
        Ok(Self {
            client: client(config)?,
            uri: config.endpoint.clone(),
            headers: headers(config, encoding),
            encoding,
            compression: config.compression,
            timeout: config.timeout,
            endpoint: config.endpoint.to_string(),
        })
    }

    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(super) const fn encoding(&self) -> Encoding {
        self.encoding
    }

    pub(super) async fn send(&self, body: Bytes) -> Result<Answer, ExportError> {
        match tokio::time::timeout(self.timeout, self.exchange(body)).await {
            Ok(result) => result,
            Err(_) => Err(ExportError::Timeout { endpoint: self.endpoint.clone(), timeout: self.timeout }),
        }
    }

    async fn exchange(&self, body: Bytes) -> Result<Answer, ExportError> {
        let mut request = Request::new(Full::new(self.compressed(body)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        let response = self.client.request(request).await.map_err(|error| ExportError::Connection {
            endpoint: self.endpoint.clone(),
            reason: chain(&error),
        })?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await;
        if head.status.is_success() {
            // The request was taken; an answer that cannot be read is no reason to send it again.
            return Ok(body.map(|body| self.answer(&body.to_bytes())).unwrap_or_default());
        }
        let body = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        Err(self.error(head.status, &head.headers, &body))
    }

    fn compressed(&self, body: Bytes) -> Bytes {
        if self.compression != Compression::Gzip {
            return body;
        }
        let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), flate2::Compression::fast());
        // Writing to memory does not fail.
        let written = encoder.write_all(&body).and_then(|()| encoder.finish());
        written.map(Bytes::from).unwrap_or(body)
    }

    fn answer(&self, body: &Bytes) -> Answer {
        match self.encoding {
            Encoding::Json => json_answer(body),
            // The answers of all signals have the same wire form, so the one for traces reads them all.
            Encoding::Protobuf => ExportTraceServiceResponse::decode(body.clone())
                .ok()
                .and_then(|response| response.partial_success)
                .map(|partial| Answer {
                    rejected: u64::try_from(partial.rejected_spans).unwrap_or_default(),
                    message: partial.error_message,
                })
                .unwrap_or_default(),
        }
    }

    /// Which statuses can be tried again is fixed by the OTLP specification.
    fn error(&self, status: StatusCode, headers: &HeaderMap, body: &Bytes) -> ExportError {
        let endpoint = self.endpoint.clone();
        let text = format!("{status}{}", shown(headers, body));
        match status {
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => {
                let retry_after =
                    headers.get(RETRY_AFTER).and_then(|value| retry_after(value, SystemTime::now()));
                ExportError::Unavailable { endpoint, status: text, retry_after }
            }
            _ => {
                let is_authentication = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
                ExportError::Refused { endpoint, status: text, advice: advice(is_authentication) }
            }
        }
    }
}

/// An HTTP/1.1 client for the endpoint.
pub(super) fn client(config: &SignalConfig) -> Result<Client<Connector, Full<Bytes>>, ExportError> {
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls::client_config(config)?)
        .https_or_http()
        .enable_http1()
        .wrap_connector(tls::http_connector(config.timeout));
    Ok(Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector))
}

fn headers(config: &SignalConfig, encoding: Encoding) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("df-export/", env!("CARGO_PKG_VERSION"))));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.extend(config.headers.iter().cloned());
    let content_type = match encoding {
        Encoding::Protobuf => "application/x-protobuf",
        Encoding::Json => "application/json",
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if config.compression == Compression::Gzip {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    headers
}

/// The partial success of a JSON answer, whose count has another name for each signal.
fn json_answer(body: &[u8]) -> Answer {
    let Ok(answer) = serde_json::from_slice::<serde_json::Value>(body) else { return Answer::default() };
    let Some(partial) = answer.get("partialSuccess") else { return Answer::default() };
    let count = ["rejectedSpans", "rejectedDataPoints", "rejectedLogRecords"]
        .iter()
        .find_map(|name| partial.get(name))
        .and_then(|count| count.as_u64().or_else(|| count.as_str()?.parse().ok()));
    let message = partial.get("errorMessage").and_then(serde_json::Value::as_str).unwrap_or_default();
    Answer { rejected: count.unwrap_or_default(), message: message.to_owned() }
}

/// A wait in seconds or until a date (RFC 9110 §10.2.3).
fn retry_after(value: &HeaderValue, now: SystemTime) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

/// The beginning of an answer that is text, for an error message; of the protobuf status the message.
fn shown(headers: &HeaderMap, body: &Bytes) -> String {
    let is_protobuf = headers
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/x-protobuf"));
    let text = if is_protobuf { status_message(body) } else { String::from_utf8_lossy(body).into_owned() };
    let text: String = text.chars().filter(|character| !character.is_control()).take(200).collect();
    if text.is_empty() { text } else { format!(": {text}") }
}

/// The message of a `google.rpc.Status`.
fn status_message(body: &Bytes) -> String {
    #[derive(Clone, PartialEq, prost::Message)]
    struct RpcStatus {
        #[prost(string, tag = "2")]
        message: String,
    }
    RpcStatus::decode(body.clone()).map(|status| status.message).unwrap_or_default()
}

/// The limit that the OTLP specification recommends for answers.
pub(super) const MAX_ANSWER_BYTES: usize = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_seconds_or_a_date() {
        let now = httpdate::parse_http_date("Fri, 31 Dec 1999 23:59:00 GMT").unwrap();
        for (value, seconds) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Fri, 31 Dec 1999 23:59:59 GMT", Some(59)),
            ("Fri, 31 Dec 1999 23:58:59 GMT", Some(0)),
            ("-1", None),
            ("soon", None),
        ] {
            let wait = retry_after(&HeaderValue::from_static(value), now);
            assert_eq!(wait, seconds.map(Duration::from_secs), "{value}");
        }
    }

    #[test]
    fn partial_success_is_read_from_json_of_every_signal() {
        for (body, rejected) in [
            (r#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"no"}}"#, 3),
            (r#"{"partialSuccess":{"rejectedLogRecords":2,"errorMessage":"no"}}"#, 2),
            (r#"{"partialSuccess":{"rejectedDataPoints":"1"}}"#, 1),
            ("{}", 0),
            ("nonsense", 0),
        ] {
            assert_eq!(json_answer(body.as_bytes()).rejected, rejected, "{body}");
        }
    }
}
