//! One signal's way to its receiver: batches are encoded, sent and sent again.

#[cfg(feature = "otlp-grpc")]
mod grpc;
#[cfg(feature = "otlp-http")]
mod http;
mod payload;
#[cfg(feature = "health")]
mod sdk_client;
mod tls;

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::time::Instant;

use crate::queue::{Batch, Outcome, Queue};
use crate::retry::Backoff;
use crate::{ExportError, OtlpProtocol, Resource, RetryConfig, Signal, SignalConfig};

pub(crate) use payload::{Encoding, Payload};
#[cfg(feature = "health")]
pub(crate) use sdk_client::HttpClient;

/// Delivers one signal until its queue is closed and empty.
pub(crate) struct Delivery<T> {
    pub(crate) queue: Arc<Queue<T>>,
    pub(crate) transport: Transport,
    pub(crate) resource: Resource,
    pub(crate) retry: RetryConfig,
    pub(crate) last_error: Arc<LastError>,
}

impl<T: Payload> Delivery<T> {
    pub(crate) async fn run(self) {
        while let Some(batch) = self.queue.next_batch().await {
            let (entries, batch) = batch.split();
            let body = T::encode(entries, &self.resource, self.transport.encoding());
            let outcome = self.deliver(&batch, body.into()).await;
            self.queue.finish(&batch, outcome);
        }
    }

    /// Sends a request until the receiver takes it, refuses it or it is given up.
    async fn deliver(&self, batch: &Batch<()>, body: Bytes) -> Outcome {
        let start = Instant::now();
        let mut backoff = Backoff::new(self.retry);
        loop {
            let error = match self.transport.send(body.clone()).await {
                Ok(answer) => return self.taken(answer),
                Err(error) => error,
            };
            let delay = if error.is_retryable() {
                backoff.next_delay(start.elapsed(), error.retry_after(), fastrand::f64())
            } else {
                None
            };
            self.last_error.set(&error);
            let Some(delay) = delay else {
                return Outcome::Dropped;
            };
            tokio::time::sleep(delay).await;
            self.queue.count_retry();
            debug_assert!(batch.entries.is_empty(), "the batch is only its account");
        }
    }

    fn taken(&self, answer: Answer) -> Outcome {
        if answer.rejected > 0 {
            self.last_error.set(&ExportError::Rejected {
                endpoint: self.transport.endpoint().to_owned(),
                count: answer.rejected,
                message: answer.message,
            });
        }
        Outcome::Taken { rejected: answer.rejected }
    }
}

/// The last thing that went wrong, for whoever wants to tell a person.
#[derive(Debug, Default)]
pub(crate) struct LastError(Mutex<Option<String>>);

impl LastError {
    fn set(&self, error: &ExportError) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
    }

    pub(crate) fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// What a receiver says of a request that it took.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Answer {
    /// How many items it rejected.
    pub(crate) rejected: u64,
    /// Why.
    pub(crate) message: String,
}

/// How requests travel.
pub(crate) enum Transport {
    /// gRPC.
    #[cfg(feature = "otlp-grpc")]
    Grpc(grpc::GrpcTransport),
    /// HTTP POST.
    #[cfg(feature = "otlp-http")]
    Http(http::HttpTransport),
}

impl Transport {
    pub(crate) fn new(config: &SignalConfig, signal: Signal) -> Result<Self, ExportError> {
        match config.protocol {
            #[cfg(feature = "otlp-grpc")]
            OtlpProtocol::Grpc => grpc::GrpcTransport::new(config, signal).map(Self::Grpc),
            #[cfg(feature = "otlp-http")]
            OtlpProtocol::HttpProtobuf | OtlpProtocol::HttpJson => {
                http::HttpTransport::new(config, signal).map(Self::Http)
            }
            #[allow(unreachable_patterns, reason = "reached when a transport is not built in")]
            other => Err(ExportError::setting(
                config.endpoint.to_string(),
                format!(
                    "{other:?} is not built in; {signal:?} need the feature otlp-grpc or otlp-http of df-export"
                ),
            )),
        }
    }

    async fn send(&self, body: Bytes) -> Result<Answer, ExportError> {
        match self {
            #[cfg(feature = "otlp-grpc")]
            Self::Grpc(transport) => transport.send(body).await,
            #[cfg(feature = "otlp-http")]
            Self::Http(transport) => transport.send(body).await,
        }
    }

    fn encoding(&self) -> Encoding {
        match self {
            #[cfg(feature = "otlp-grpc")]
            Self::Grpc(_) => Encoding::Protobuf,
            #[cfg(feature = "otlp-http")]
            Self::Http(transport) => transport.encoding(),
        }
    }

    fn endpoint(&self) -> &str {
        match self {
            #[cfg(feature = "otlp-grpc")]
            Self::Grpc(transport) => transport.endpoint(),
            #[cfg(feature = "otlp-http")]
            Self::Http(transport) => transport.endpoint(),
        }
    }
}
