//! The `OTEL_EXPORTER_OTLP_*` variables, general and per signal.

use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, HeaderValue};

use super::target::Target;
use super::{Compression, OtlpConfig, OtlpProtocol, QueueConfig, Signal, SignalConfig, TlsConfig};
use crate::ExportError;
use crate::metrics::Temporality;
use crate::retry::RetryConfig;

/// What option and environment say.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ConfiguredFrom {
    /// The settings; none when nothing asks for an export.
    pub config: Option<OtlpConfig>,
    /// Values that were ignored, and why.
    pub warnings: Vec<String>,
}

pub(super) fn configure(
    url: Option<&str>,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<ConfiguredFrom, ExportError> {
    let mut reader = Reader { url, lookup, warnings: Vec::new() };
    reader.check_aggregation();
    let [traces, metrics, logs] = Signal::ALL.map(|signal| reader.signal(signal));
    let (traces, metrics, logs) = (traces?, metrics?, logs?);
    let config = (traces.is_some() || metrics.is_some() || logs.is_some()).then(|| OtlpConfig {
        traces,
        metrics,
        logs,
        temporality: reader.temporality(),
        queue: QueueConfig::default(),
        retry: RetryConfig::default(),
    });
    Ok(ConfiguredFrom { config, warnings: reader.warnings })
}

struct Reader<'a, F> {
    url: Option<&'a str>,
    lookup: F,
    warnings: Vec<String>,
}

/// A variable that is set, and which one it was.
struct Found {
    name: String,
    value: String,
}

impl<F: Fn(&str) -> Option<String>> Reader<'_, F> {
    fn signal(&mut self, signal: Signal) -> Result<Option<SignalConfig>, ExportError> {
        if self.is_switched_off(signal) {
            return Ok(None);
        }
        let asked_for = self.variable(&format!("OTEL_{}_EXPORTER", signal.variable_name()));
        let (target, setting) = match self.target(signal)? {
            Some((target, setting)) => (Some(target), setting),
            None if asked_for.is_some_and(|found| found.value.eq_ignore_ascii_case("otlp")) => {
                (None, String::new())
            }
            None => return Ok(None),
        };
        let protocol = self.protocol(signal, target.as_ref());
        let target = target.unwrap_or_else(|| Target::local(protocol).with_signal_path(signal));
        let is_insecure = self.truth(signal, "INSECURE");
        Ok(Some(SignalConfig {
            endpoint: target.into_uri(&setting, is_insecure)?,
            protocol,
            headers: self.headers(signal),
            timeout: self.timeout(signal),
            compression: self.compression(signal),
            tls: TlsConfig {
                certificate: self.path(signal, "CERTIFICATE"),
                client_key: self.path(signal, "CLIENT_KEY"),
                client_certificate: self.path(signal, "CLIENT_CERTIFICATE"),
            },
        }))
    }

    fn is_switched_off(&mut self, signal: Signal) -> bool {
        if let Some(found) = self.variable("OTEL_SDK_DISABLED")
            && found.value.eq_ignore_ascii_case("true")
            && self.url.is_none()
        {
            return true;
        }
        let Some(found) = self.variable(&format!("OTEL_{}_EXPORTER", signal.variable_name())) else {
            return false;
        };
        match found.value.to_ascii_lowercase().as_str() {
            "none" => true,
            "otlp" => false,
            _ => self.ignore(&found, "expected otlp or none", false),
        }
    }

    /// The endpoint: the option's, the signal's own or the general one, with the setting that gives it.
    fn target(&self, signal: Signal) -> Result<Option<(Target, String)>, ExportError> {
        if let Some(url) = self.url {
            let target = Target::parse("--otlp", url)?;
            return Ok(Some((target.with_signal_path(signal), "--otlp".to_owned())));
        }
        let own = format!("OTEL_EXPORTER_OTLP_{}_ENDPOINT", signal.variable_name());
        if let Some(Found { name, value }) = self.variable(&own) {
            return Ok(Some((Target::parse(&name, &value)?, name)));
        }
        let Some(Found { name, value }) = self.variable("OTEL_EXPORTER_OTLP_ENDPOINT") else {
            return Ok(None);
        };
        Ok(Some((Target::parse(&name, &value)?.with_signal_path(signal), name)))
    }

    /// The option's URL says the protocol, except whether HTTP carries protobuf or JSON; for endpoints of the environment
    /// the variable decides before the URL.
    fn protocol(&mut self, signal: Signal, target: Option<&Target>) -> OtlpProtocol {
        let by_url = target.and_then(|target| target.protocol);
        let by_variable = self.setting(signal, "PROTOCOL").and_then(|found| {
            match found.value.to_ascii_lowercase().as_str() {
                "grpc" => Some(OtlpProtocol::Grpc),
                "http/protobuf" => Some(OtlpProtocol::HttpProtobuf),
                "http/json" => Some(OtlpProtocol::HttpJson),
                _ => self.ignore(&found, "expected grpc, http/protobuf or http/json", None),
            }
        });
        if self.url.is_some() {
            let json = by_variable.filter(|protocol| *protocol == OtlpProtocol::HttpJson);
            return by_url.or(json).unwrap_or(OtlpProtocol::HttpProtobuf);
        }
        by_variable.or(by_url).unwrap_or(OtlpProtocol::HttpProtobuf)
    }

    fn headers(&mut self, signal: Signal) -> Vec<(HeaderName, HeaderValue)> {
        let Some(found) = self.setting(signal, "HEADERS") else { return Vec::new() };
        let parse = || {
            crate::key_value_list::parse(&found.value)?
                .into_iter()
                .map(|(name, value)| {
                    let mut value = HeaderValue::from_str(&value).ok()?;
                    // Headers carry credentials, which no debug output may show.
                    value.set_sensitive(true);
                    Some((HeaderName::from_bytes(name.as_bytes()).ok()?, value))
                })
                .collect::<Option<Vec<_>>>()
        };
        // The value may be a secret and is not repeated in the warning.
        parse().unwrap_or_else(|| {
            self.warn(format!("{} is ignored: expected name=value,name=value", found.name));
            Vec::new()
        })
    }

    fn timeout(&mut self, signal: Signal) -> Duration {
        let Some(found) = self.setting(signal, "TIMEOUT") else { return DEFAULT_TIMEOUT };
        match found.value.parse::<u64>() {
            // Zero means no limit. A day is as good, and every timer can hold it.
            Ok(0) => LONGEST_TIMEOUT,
            Ok(milliseconds) => Duration::from_millis(milliseconds).min(LONGEST_TIMEOUT),
            Err(_) => self.ignore(&found, "expected milliseconds", DEFAULT_TIMEOUT),
        }
    }

    fn compression(&mut self, signal: Signal) -> Compression {
        let Some(found) = self.setting(signal, "COMPRESSION") else { return Compression::None };
        match found.value.to_ascii_lowercase().as_str() {
            "gzip" => Compression::Gzip,
            "none" => Compression::None,
            _ => self.ignore(&found, "expected gzip or none", Compression::None),
        }
    }

    fn temporality(&mut self) -> Temporality {
        let Some(found) = self.variable("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE") else {
            return Temporality::Cumulative;
        };
        match found.value.to_ascii_lowercase().as_str() {
            "cumulative" => Temporality::Cumulative,
            // Low memory means delta for counters and histograms, and df has nothing else.
            "delta" | "lowmemory" => Temporality::Delta,
            _ => self.ignore(&found, "expected cumulative, delta or lowmemory", Temporality::Cumulative),
        }
    }

    /// df measures durations with the explicit buckets of the conventions only.
    fn check_aggregation(&mut self) {
        let found = self.variable("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION");
        if let Some(found) = found.filter(|found| !found.value.eq_ignore_ascii_case(EXPLICIT_BUCKETS)) {
            self.ignore(&found, "df knows explicit_bucket_histogram only", ());
        }
    }

    fn truth(&mut self, signal: Signal, suffix: &str) -> bool {
        let Some(found) = self.setting(signal, suffix) else { return false };
        match found.value.to_ascii_lowercase().as_str() {
            "true" => true,
            "false" => false,
            _ => self.ignore(&found, "expected true or false", false),
        }
    }

    fn path(&self, signal: Signal, suffix: &str) -> Option<PathBuf> {
        self.setting(signal, suffix).map(|found| PathBuf::from(found.value))
    }

    fn ignore<T>(&mut self, found: &Found, expected: &str, default: T) -> T {
        self.warn(format!("{}={} is ignored: {expected}", found.name, found.value));
        default
    }

    /// Warns once, however many signals read the variable.
    fn warn(&mut self, warning: String) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// The signal's own variable, or else the general one.
    fn setting(&self, signal: Signal, suffix: &str) -> Option<Found> {
        self.variable(&format!("OTEL_EXPORTER_OTLP_{}_{suffix}", signal.variable_name()))
            .or_else(|| self.variable(&format!("OTEL_EXPORTER_OTLP_{suffix}")))
    }

    /// A variable that is set to something.
    fn variable(&self, name: &str) -> Option<Found> {
        let value = (self.lookup)(name)?.trim().to_owned();
        (!value.is_empty()).then(|| Found { name: name.to_owned(), value })
    }
}

const EXPLICIT_BUCKETS: &str = "explicit_bucket_histogram";
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
const LONGEST_TIMEOUT: Duration = Duration::from_secs(86_400);
