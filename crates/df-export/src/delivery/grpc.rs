//! OTLP over gRPC.

use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};
use http::Uri;
use http::uri::PathAndQuery;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataMap;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use super::Answer;
use super::tls::{self, Connector};
use crate::error::{advice, chain};
use crate::{Compression, ExportError, Signal, SignalConfig};

/// One signal's gRPC client. Connects when it first sends, and again whenever needed.
pub(crate) struct GrpcTransport {
    client: Grpc<Client<Connector, Body>>,
    path: PathAndQuery,
    metadata: MetadataMap,
    timeout: Duration,
    endpoint: String,
}

impl GrpcTransport {
    pub(super) fn new(config: &SignalConfig, signal: Signal) -> Result<Self, ExportError> {
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls::client_config(config)?)
            .https_or_http()
            .enable_http2()
            .wrap_connector(tls::http_connector(config.timeout));
        let client = Client::builder(TokioExecutor::new())
            .http2_only(true)
            .timer(TokioTimer::new())
            .http2_keep_alive_interval(KEEP_ALIVE)
            .build(connector);
        let mut client = Grpc::with_origin(client, origin(&config.endpoint)?);
        client = client.accept_compressed(CompressionEncoding::Gzip);
        if config.compression == Compression::Gzip {
            client = client.send_compressed(CompressionEncoding::Gzip);
        }
        let headers = config.headers.iter().cloned().collect();
        Ok(Self {
            client,
            path: PathAndQuery::from_static(method(signal)),
            metadata: MetadataMap::from_headers(headers),
            timeout: config.timeout,
            endpoint: format!("gRPC {}", origin(&config.endpoint)?),
        })
    }

    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(super) async fn send(&self, body: Bytes) -> Result<Answer, ExportError> {
        let mut request = Request::new(body);
        *request.metadata_mut() = self.metadata.clone();
        request.set_timeout(self.timeout);
        let mut client = self.client.clone();
        let call = async {
            client.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
            client.unary(request, self.path.clone(), ExportCodec).await
        };
        match tokio::time::timeout(self.timeout, call).await {
            Ok(Ok(response)) => Ok(answer(response.into_inner())),
            Ok(Err(status)) => Err(self.error(&status)),
            Err(_) => Err(ExportError::Timeout { endpoint: self.endpoint.clone(), timeout: self.timeout }),
        }
    }

    /// Which statuses can be tried again is fixed by the OTLP specification.
    fn error(&self, status: &Status) -> ExportError {
        let endpoint = self.endpoint.clone();
        if let Some(source) = std::error::Error::source(status) {
            return ExportError::Connection { endpoint, reason: chain(source) };
        }
        let retry_after = status.get_details_retry_info().map(|info| info.retry_delay.unwrap_or_default());
        let is_retryable = match status.code() {
            Code::Cancelled
            | Code::DeadlineExceeded
            | Code::Aborted
            | Code::OutOfRange
            | Code::Unavailable
            | Code::DataLoss => true,
            Code::ResourceExhausted => retry_after.is_some(),
            _ => false,
        };
        let text = format!("{:?}: {}", status.code(), status.message());
        if is_retryable {
            return ExportError::Unavailable { endpoint, status: text, retry_after };
        }
        let is_authentication = matches!(status.code(), Code::Unauthenticated | Code::PermissionDenied);
        ExportError::Refused { endpoint, status: text, advice: advice(is_authentication) }
    }
}

const fn method(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        Signal::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        Signal::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    }
}

/// Scheme and authority: a path does not count for gRPC.
fn origin(endpoint: &Uri) -> Result<Uri, ExportError> {
    let mut parts = endpoint.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::from_static("/"));
    Uri::from_parts(parts).map_err(|error| ExportError::setting(endpoint.to_string(), error.to_string()))
}

fn answer(response: ExportTraceServiceResponse) -> Answer {
    let Some(partial) = response.partial_success else { return Answer::default() };
    Answer {
        rejected: u64::try_from(partial.rejected_spans).unwrap_or_default(),
        message: partial.error_message,
    }
}

/// Sends requests that are encoded already. The answers of all signals have the same wire form, so the one for traces
/// reads them all.
struct ExportCodec;

impl Codec for ExportCodec {
    type Encode = Bytes;
    type Decode = ExportTraceServiceResponse;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for ExportCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.reserve(item.len());
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for ExportCodec {
    type Item = ExportTraceServiceResponse;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Self::Item>, Status> {
        let body = buffer.copy_to_bytes(buffer.remaining());
        // The request was taken; an answer that cannot be read is no reason to send it again.
        Ok(Some(ExportTraceServiceResponse::decode(body).unwrap_or_default()))
    }
}

/// A connection that answers no ping for this long (and as long again) is closed.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
