//! The export against real receivers: a strict referee on the official protobuf definitions and the collector rotel, both
//! installed from PyPI on first use. Without network or Python the tests say `skipped:` and pass.
#![cfg(all(feature = "otlp-grpc", feature = "otlp-http", feature = "json"))]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod certificates;
mod delivery;
#[cfg(feature = "health")]
mod health;
mod outage;
mod peer;
mod sample;

use std::time::Duration;

use df_export::{ExportStats, OtlpConfig, OtlpExporter, Resource, Signal};
use tokio::runtime::Handle;

/// Settings as the environment would give them.
fn config(url: &str, variables: &[(&str, &str)]) -> OtlpConfig {
    let configured = OtlpConfig::from_environment(Some(url), |name| {
        variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    })
    .unwrap();
    assert_eq!(configured.warnings, Vec::<String>::new());
    configured.config.unwrap()
}

fn start(config: &OtlpConfig) -> OtlpExporter {
    OtlpExporter::start(config, &Resource::new("df-agent"), &Handle::current()).unwrap()
}

/// The account of a signal, after a check that it balances.
fn balanced(exporter: &OtlpExporter, signal: Signal) -> ExportStats {
    let stats = exporter.stats(signal);
    assert_eq!(stats.accepted, stats.queued + stats.exported + stats.dropped(), "{stats:?}");
    stats
}

const PATIENCE: Duration = Duration::from_secs(30);
