//! df's own health reaches a real receiver through the SDK.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use df_export::{Health, HealthMetric, Resource};
use serde_json::{Value, json};
use tokio::runtime::Handle;

use crate::certificates::Certificates;
use crate::peer::{self, Options, Referee};
use crate::{PATIENCE, config};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_and_levels_are_reported_over_every_transport() {
    let Some(environment) = peer::environment() else { return };
    let directory = peer::directory("health");
    let certificates = Certificates::new(&directory);
    for scheme in ["grpc", "http", "grpcs", "https"] {
        let tls = scheme.ends_with('s').then_some(&certificates);
        let referee = Referee::start(&environment, &directory, &Options { tls, ..Options::default() });
        let port = if scheme.starts_with("grpc") { referee.grpc } else { referee.http };
        let path = |path: &Path| path.to_str().unwrap().to_owned();
        let (authority, certificate, key) =
            (path(&certificates.authority), path(&certificates.client), path(&certificates.client_key));
        let config = config(
            &format!("{scheme}://127.0.0.1:{port}"),
            &[
                ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
                ("OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=secret"),
                ("OTEL_EXPORTER_OTLP_CERTIFICATE", &authority),
                ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", &certificate),
                ("OTEL_EXPORTER_OTLP_CLIENT_KEY", &key),
            ],
        );
        let dropped = Arc::new(AtomicU64::new(7));
        let read = Arc::clone(&dropped);
        let counter = HealthMetric::counter("df.capture.packets.dropped", "{packet}", move || {
            read.load(Ordering::Relaxed)
        });
        let gauge = HealthMetric::gauge("df.agent.connections.left_out", "1", || 0.25);
        let interval = Duration::from_millis(100);
        let metrics = vec![counter, gauge];
        let health =
            Health::start(&config, &Resource::new("df-agent"), &Handle::current(), interval, metrics);
        let health = health.unwrap().unwrap();
        wait_for(&referee, "7", scheme).await;
        dropped.store(8, Ordering::Relaxed);
        tokio::task::spawn_blocking(|| health.shutdown(PATIENCE)).await.unwrap().unwrap();
        wait_for(&referee, "8", scheme).await;
        assert!(referee.requests().iter().all(|request| request["violations"] == json!([])), "{scheme}");
        assert!(
            referee.requests().iter().all(|request| request["headers"]["x-api-key"] == "secret"),
            "{scheme}"
        );
    }
}

async fn wait_for(referee: &Referee, value: &str, scheme: &str) {
    let deadline = Instant::now() + PATIENCE;
    while !referee.requests().iter().any(|request| reported(request) == value) {
        assert!(Instant::now() < deadline, "{scheme}: {:?}", referee.requests());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn reported(request: &Value) -> Value {
    let metrics = request["request"]["resourceMetrics"][0]["scopeMetrics"][0]["metrics"].as_array().unwrap();
    let named = |name| metrics.iter().find(|metric| metric["name"] == name).unwrap();
    let (counter, gauge) = (named("df.capture.packets.dropped"), named("df.agent.connections.left_out"));
    assert_eq!((&counter["unit"], &gauge["unit"]), (&json!("{packet}"), &json!("1")));
    assert_eq!(gauge["gauge"]["dataPoints"][0]["asDouble"], 0.25);
    counter["sum"]["dataPoints"][0]["asInt"].clone()
}
