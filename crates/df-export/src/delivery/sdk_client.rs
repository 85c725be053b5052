//! df's HTTP client lent to the OpenTelemetry SDK, so that both trust and present the same certificates.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use opentelemetry_http::HttpError;

use super::http::{MAX_ANSWER_BYTES, client};
use super::tls::Connector;
use crate::{ExportError, SignalConfig};

/// An HTTP client as the SDK wants it.
#[derive(Debug)]
pub(crate) struct HttpClient {
    client: Client<Connector, Full<Bytes>>,
    timeout: std::time::Duration,
}

impl HttpClient {
    pub(crate) fn new(config: &SignalConfig) -> Result<Self, ExportError> {
        Ok(Self { client: client(config)?, timeout: config.timeout })
    }
}

#[async_trait::async_trait]
impl opentelemetry_http::HttpClient for HttpClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let exchange = async {
            let (head, body) = self.client.request(request.map(Full::new)).await?.into_parts();
            let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await?.to_bytes();
            Ok(Response::from_parts(head, body))
        };
        tokio::time::timeout(self.timeout, exchange).await?
    }
}
