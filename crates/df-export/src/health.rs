//! df's own health as metrics, through the OpenTelemetry SDK and its OTLP exporter.

use std::collections::HashMap;
use std::fs;
use std::future::{Future, poll_fn};
use std::path::Path;
use std::time::Duration;

use df_l7::AttributeValue;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Meter, MeterProvider as _};
use opentelemetry_otlp::{
    Compression as SdkCompression, MetricExporter, WithExportConfig, WithHttpConfig, WithTonicConfig,
};
use opentelemetry_sdk::Resource as SdkResource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider, Temporality as SdkTemporality};
use tokio::runtime::Handle;
use tonic::metadata::MetadataMap;
use tonic::transport::{Certificate, ClientTlsConfig, Identity};

use crate::delivery::HttpClient;
use crate::metrics::Temporality;
use crate::{Compression, ExportError, OtlpConfig, OtlpProtocol, Resource, SignalConfig};

/// A metric of df itself that is read whenever health is reported.
pub struct HealthMetric {
    /// The metric's name, for example `df.capture.packets.dropped`.
    pub name: &'static str,
    /// The unit in UCUM notation, for example `{packet}`.
    pub unit: &'static str,
    /// Gives the value.
    pub value: HealthValue,
}

/// How a health metric is read.
pub enum HealthValue {
    /// A count, which never shrinks.
    Counter(Box<dyn Fn() -> u64 + Send + Sync>),
    /// A level.
    Gauge(Box<dyn Fn() -> f64 + Send + Sync>),
}

impl HealthMetric {
    /// A count, which never shrinks.
    pub fn counter(
        name: &'static str,
        unit: &'static str,
        read: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> Self {
        Self { name, unit, value: HealthValue::Counter(Box::new(read)) }
    }

    /// A level.
    pub fn gauge(
        name: &'static str,
        unit: &'static str,
        read: impl Fn() -> f64 + Send + Sync + 'static,
    ) -> Self {
        Self { name, unit, value: HealthValue::Gauge(Box::new(read)) }
    }

    /// Has the SDK read it. The SDK keeps the instrument for as long as the provider lives.
    fn register(self, meter: &Meter) {
        let Self { name, unit, value } = self;
        match value {
            HealthValue::Counter(read) => {
                let observe = move |observer: &dyn AsyncInstrument<u64>| observer.observe(read(), &[]);
                let _counter =
                    meter.u64_observable_counter(name).with_unit(unit).with_callback(observe).build();
            }
            HealthValue::Gauge(read) => {
                let observe = move |observer: &dyn AsyncInstrument<f64>| observer.observe(read(), &[]);
                let _gauge = meter.f64_observable_gauge(name).with_unit(unit).with_callback(observe).build();
            }
        }
    }
}

/// Reports metrics of df itself at an interval, until it is shut down.
#[derive(Debug)]
pub struct Health {
    provider: SdkMeterProvider,
}

impl Health {
    /// Starts to report to the receiver of the metrics; none where metrics are not exported. The runtime, which needs
    /// several threads, does the network's work.
    pub fn start(
        config: &OtlpConfig,
        resource: &Resource,
        runtime: &Handle,
        interval: Duration,
        health: Vec<HealthMetric>,
    ) -> Result<Option<Self>, ExportError> {
        let Some(metrics) = &config.metrics else { return Ok(None) };
        let exporter = {
            // The gRPC client wants to know its runtime when it is made.
            let _runtime = runtime.enter();
            exporter(metrics, temporality(config.temporality))?
        };
        let exporter = InRuntime { exporter, runtime: runtime.clone() };
        let reader = PeriodicReader::builder(exporter).with_interval(interval).build();
        let provider =
            SdkMeterProvider::builder().with_reader(reader).with_resource(sdk_resource(resource)).build();
        let meter = provider.meter("df.health");
        for metric in health {
            metric.register(&meter);
        }
        Ok(Some(Self { provider }))
    }

    /// Reports a last time and stops. Waits for the network; do not call it on a thread of the runtime.
    pub fn shutdown(self, timeout: Duration) -> Result<(), ExportError> {
        let stopped = self.provider.shutdown_with_timeout(timeout);
        stopped.map_err(|error| ExportError::setting("health", error.to_string()))
    }
}

fn exporter(config: &SignalConfig, temporality: SdkTemporality) -> Result<MetricExporter, ExportError> {
    let builder = MetricExporter::builder().with_temporality(temporality);
    let endpoint = config.endpoint.to_string();
    let built = if config.protocol == OtlpProtocol::Grpc {
        let mut builder = builder.with_tonic().with_endpoint(endpoint).with_timeout(config.timeout);
        if config.compression == Compression::Gzip {
            builder = builder.with_compression(SdkCompression::Gzip);
        }
        if config.endpoint.scheme_str() == Some("https") {
            builder = builder.with_tls_config(tls(config)?);
        }
        builder.with_metadata(MetadataMap::from_headers(config.headers.iter().cloned().collect())).build()
    } else {
        let mut builder = builder.with_http().with_endpoint(endpoint).with_timeout(config.timeout);
        if config.compression == Compression::Gzip {
            builder = builder.with_compression(SdkCompression::Gzip);
        }
        let headers: HashMap<String, String> = config
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        builder.with_headers(headers).with_http_client(HttpClient::new(config)?).build()
    };
    built.map_err(|error| ExportError::setting(config.endpoint.to_string(), error.to_string()))
}

fn tls(config: &SignalConfig) -> Result<ClientTlsConfig, ExportError> {
    let read = |setting: &'static str, path: &Path| {
        fs::read(path).map_err(|error| ExportError::Certificate {
            setting,
            path: path.to_owned(),
            reason: error.to_string(),
        })
    };
    let mut tls = ClientTlsConfig::new();
    tls = match &config.tls.certificate {
        Some(path) => {
            tls.ca_certificate(Certificate::from_pem(read("OTEL_EXPORTER_OTLP_CERTIFICATE", path)?))
        }
        None => tls.with_native_roots(),
    };
    if let (Some(key), Some(certificate)) = (&config.tls.client_key, &config.tls.client_certificate) {
        let certificate = read("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", certificate)?;
        tls = tls.identity(Identity::from_pem(certificate, read("OTEL_EXPORTER_OTLP_CLIENT_KEY", key)?));
    }
    Ok(tls)
}

const fn temporality(temporality: Temporality) -> SdkTemporality {
    match temporality {
        Temporality::Cumulative => SdkTemporality::Cumulative,
        Temporality::Delta => SdkTemporality::Delta,
    }
}

fn sdk_resource(resource: &Resource) -> SdkResource {
    let attributes = resource.attributes().iter().filter_map(|attribute| match &attribute.value {
        AttributeValue::Text(text) => Some(KeyValue::new(attribute.key.clone(), text.clone())),
        AttributeValue::Integer(number) => Some(KeyValue::new(attribute.key.clone(), *number)),
        AttributeValue::Boolean(truth) => Some(KeyValue::new(attribute.key.clone(), *truth)),
        AttributeValue::Double(number) => Some(KeyValue::new(attribute.key.clone(), *number)),
        _ => None,
    });
    SdkResource::builder_empty().with_attributes(attributes).build()
}

/// The SDK's periodic reader exports on a thread of its own; timers and sockets need the runtime's context there.
struct InRuntime {
    exporter: MetricExporter,
    runtime: Handle,
}

impl PushMetricExporter for InRuntime {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        let mut export = Box::pin(self.exporter.export(metrics));
        poll_fn(|context| {
            let _runtime = self.runtime.enter();
            export.as_mut().poll(context)
        })
        .await
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> SdkTemporality {
        self.exporter.temporality()
    }
}
