//! Everything is accepted, over every transport; trouble is met as the specification wants.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::time::{Duration, Instant};

use df_export::metrics::{MetricsConfig, Temporality};
use df_export::otlp::{self, OtlpFile};
use df_export::{ExchangePlace, FlowPlace, OtlpConfig, OtlpExporter, Resource, Signal};
use serde_json::Value;

use crate::certificates::Certificates;
use crate::peer::{self, Options, Referee, Rotel};
use crate::{PATIENCE, balanced, config, sample, start};

/// Sends everything that can be sent and gives what the receiver took of each signal.
async fn send_all(config: &OtlpConfig) -> [u64; 3] {
    let exporter = start(config);
    exporter.export_spans((0..100).map(sample::span));
    let key = sample::key();
    (0..10).for_each(|id| {
        exporter.export_flow(&sample::flow(id), &FlowPlace::new().with_interface(Some("eth0")));
    });
    let place = ExchangePlace::new(&key).with_span(&sample::span(3));
    exporter.export_exchange(&sample::exchange(), &place);
    exporter.export_metrics(sample::metrics(MetricsConfig::default()));
    assert!(exporter.flush(PATIENCE).await, "{:?}", exporter.take_last_error());
    let error = exporter.take_last_error();
    assert_eq!(error, None);
    let stats = Signal::ALL.map(|signal| balanced(&exporter, signal));
    assert!(stats.iter().all(|stats| stats.dropped() == 0 && stats.retries == 0), "{stats:?}");
    exporter.shutdown(PATIENCE).await;
    stats.map(|stats| stats.exported)
}

/// Every request without violation; all spans once, in three resources; every signal over `via`.
fn assert_arrived(referee: &Referee, via: &str) {
    let requests = referee.requests();
    let violations: Vec<_> =
        requests.iter().filter(|request| request["violations"] != Value::Array(vec![])).collect();
    assert!(violations.is_empty(), "{violations:#?}");
    let signals: BTreeSet<_> = requests.iter().map(|request| request["signal"].as_str().unwrap()).collect();
    assert_eq!(signals, BTreeSet::from(["logs", "metrics", "traces"]));
    assert!(requests.iter().all(|request| request["via"] == via));
    let traces = requests.iter().find(|request| request["signal"] == "traces").unwrap();
    let services: Vec<_> = traces["request"]["resourceSpans"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["resource"]["attributes"][0]["value"]["stringValue"].as_str().unwrap())
        .collect();
    assert_eq!(services, ["df-agent", "shop", "cart"]);
    let mut ids: Vec<_> = requests.iter().flat_map(span_ids).collect();
    ids.sort_unstable();
    assert_eq!(ids, (0..100).map(|number| sample::span_id(number).to_string()).collect::<Vec<_>>());
}

pub(crate) fn span_ids(request: &Value) -> Vec<String> {
    let ids = request["span_ids"].as_array().into_iter().flatten();
    ids.map(|id| id.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_referee_accepts_everything_over_grpc_and_http() {
    let Some(environment) = peer::environment() else { return };
    let directory = peer::directory("everything");
    for compression in ["none", "gzip"] {
        for protocol in ["grpc", "http/protobuf", "http/json"] {
            let referee = Referee::start(&environment, &directory, &Options::default());
            let (url, via) = match protocol {
                "grpc" => (format!("grpc://127.0.0.1:{}", referee.grpc), "grpc"),
                _ => (format!("http://127.0.0.1:{}", referee.http), "http"),
            };
            let variables = [
                ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
                ("OTEL_EXPORTER_OTLP_COMPRESSION", compression),
                ("OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=a%2Cb"),
            ];
            let [spans, points, records] = send_all(&config(&url, &variables)).await;
            assert_eq!((spans, records), (100, 11), "{protocol} {compression}");
            assert!(points > 5, "{points}");
            assert_arrived(&referee, via);
            assert!(referee.requests().iter().all(|request| request["headers"]["x-api-key"] == "a,b"));
            let encoding = |request: &Value| request["headers"]["content-encoding"].clone();
            if via == "http" {
                let expected = if compression == "gzip" { Value::from("gzip") } else { Value::Null };
                assert!(referee.requests().iter().all(|request| encoding(request) == expected));
            }
        }
    }
}

#[tokio::test]
async fn tls_with_our_own_authority_and_a_client_certificate() {
    let Some(environment) = peer::environment() else { return };
    let directory = peer::directory("tls");
    let certificates = Certificates::new(&directory);
    let options = Options { tls: Some(&certificates), ..Options::default() };
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let (authority, client, key) =
        (path(&certificates.authority), path(&certificates.client), path(&certificates.client_key));
    let trust = ("OTEL_EXPORTER_OTLP_CERTIFICATE", authority.as_str());
    let identity = [
        trust,
        ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", client.as_str()),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", key.as_str()),
    ];
    for via in ["grpc", "http"] {
        let referee = Referee::start(&environment, &directory, &options);
        let url = match via {
            "grpc" => format!("grpcs://127.0.0.1:{}", referee.grpc),
            _ => format!("https://127.0.0.1:{}", referee.http),
        };
        // Who trusts nobody, or is nobody, does not get through, and keeps trying.
        for variables in [&[][..], &[trust][..]] {
            let exporter = start(&config(&url, variables));
            exporter.export_spans([sample::span(0)]);
            assert!(!exporter.flush(Duration::from_secs(2)).await, "{via} {variables:?}");
            let error = exporter.take_last_error().unwrap();
            assert!(error.contains("cannot be reached") || error.contains("Unavailable"), "{error}");
            let stats = exporter.shutdown(Duration::ZERO).await[0];
            assert_eq!((stats.accepted, stats.dropped_shutdown), (1, 1));
        }
        assert_eq!(referee.requests().len(), 0);
        assert_eq!(send_all(&config(&url, &identity)).await[0], 100);
        assert_arrived(&referee, via);
    }
    let broken = config("https://127.0.0.1:1", &[("OTEL_EXPORTER_OTLP_CERTIFICATE", key.as_str())]);
    let runtime = tokio::runtime::Handle::current();
    let error = OtlpExporter::start(&broken, &Resource::default(), &runtime).unwrap_err().to_string();
    assert!(
        error.contains("holds no certificate") && error.contains("OTEL_EXPORTER_OTLP_CERTIFICATE"),
        "{error}"
    );
}

#[tokio::test]
async fn a_busy_receiver_is_asked_again_when_it_wants() {
    let Some(environment) = peer::environment() else { return };
    let directory = peer::directory("busy");
    let referee = Referee::start(&environment, &directory, &Options::default());
    for (url, status) in urls(&referee).into_iter().zip(["Unavailable", "503"]) {
        // The referee counts by the header's value, so each transport has its own.
        let headers = if status == "503" { "x-trouble=busy:2" } else { "x-trouble=busy:1" };
        let retries = if status == "503" { 2 } else { 1 };
        let exporter = start(&quick(config(&url, &[("OTEL_EXPORTER_OTLP_HEADERS", headers)])));
        exporter.export_spans((0..3).map(sample::span));
        let started = Instant::now();
        assert!(exporter.flush(PATIENCE).await);
        // The schedule alone would have asked again within milliseconds.
        assert!(started.elapsed() >= Duration::from_secs(retries), "{:?}", started.elapsed());
        let stats = balanced(&exporter, Signal::Traces);
        assert_eq!((stats.exported, stats.retries), (3, retries), "{url}");
        let error = exporter.take_last_error().unwrap();
        assert!(error.contains(status) && error.contains("busy as asked for"), "{error}");
    }
}

#[tokio::test]
async fn refusals_and_partial_success_are_counted_and_not_sent_again() {
    let Some(environment) = peer::environment() else { return };
    let directory = peer::directory("refusals");
    let referee = Referee::start(&environment, &directory, &Options::default());
    for url in urls(&referee) {
        for (trouble, expected) in [("refuse", [0, 0, 10]), ("partial:4", [6, 4, 0])] {
            let headers = format!("x-trouble={trouble}");
            let exporter = start(&quick(config(&url, &[("OTEL_EXPORTER_OTLP_HEADERS", &headers)])));
            exporter.export_spans((0..10).map(sample::span));
            assert!(exporter.flush(PATIENCE).await);
            let stats = balanced(&exporter, Signal::Traces);
            let counted = [stats.exported, stats.dropped_rejected, stats.dropped_permanent];
            assert_eq!((counted, stats.retries), (expected, 0), "{url} {trouble}");
            assert!(exporter.take_last_error().unwrap().contains("as asked for"));
        }
    }
    // Without RetryInfo, RESOURCE_EXHAUSTED is for good.
    let [grpc, _] = urls(&referee);
    let exporter = start(&quick(config(&grpc, &[("OTEL_EXPORTER_OTLP_HEADERS", "x-trouble=exhausted")])));
    exporter.export_spans([sample::span(0)]);
    assert!(exporter.flush(PATIENCE).await);
    assert_eq!(balanced(&exporter, Signal::Traces).dropped_permanent, 1);
}

#[tokio::test]
async fn a_slow_receiver_runs_into_the_timeout() {
    let Some(environment) = peer::environment() else { return };
    let directory = peer::directory("slow");
    let referee = Referee::start(&environment, &directory, &Options::default());
    for url in urls(&referee) {
        let variables =
            [("OTEL_EXPORTER_OTLP_TIMEOUT", "200"), ("OTEL_EXPORTER_OTLP_HEADERS", "x-trouble=slow:2000")];
        let exporter = start(&quick(config(&url, &variables)));
        exporter.export_spans([sample::span(0)]);
        assert!(!exporter.flush(Duration::from_secs(1)).await);
        let stats = balanced(&exporter, Signal::Traces);
        assert!(stats.queued == 1 && stats.retries >= 1, "{stats:?}");
        let error = exporter.take_last_error().unwrap();
        assert!(error.contains("200ms") || error.contains("DeadlineExceeded"), "{error}");
    }
}

#[tokio::test]
async fn the_collector_rotel_takes_everything() {
    let Some(environment) = peer::environment() else { return };
    let directory = peer::directory("rotel");
    let Some(rotel) = Rotel::start(&environment, &directory) else { return };
    for url in [format!("grpc://127.0.0.1:{}", rotel.grpc), format!("http://127.0.0.1:{}", rotel.http)] {
        for compression in ["none", "gzip"] {
            let config = config(&url, &[("OTEL_EXPORTER_OTLP_COMPRESSION", compression)]);
            let [spans, _, records] = send_all(&config).await;
            assert_eq!((spans, records), (100, 11), "{url} {compression}");
        }
    }
    let deadline = Instant::now() + PATIENCE;
    let is_complete = |log: &str| {
        let expected =
            ["/caf\u{e9}", "http.server.request.duration", "df.network.packets", "df.flow", "df.exchange"];
        expected.iter().all(|text| log.contains(text))
    };
    while !is_complete(&rotel.log()) {
        assert!(Instant::now() < deadline, "{}", rotel.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[test]
fn the_otlp_file_is_what_the_specification_says() {
    let Some(environment) = peer::environment() else { return };
    let path = peer::directory("file").join("telemetry.jsonl");
    let writer = BufWriter::new(File::create(&path).unwrap());
    let mut file = OtlpFile::new(writer, Resource::new("df-agent"));
    file.write_spans(&(0..20).map(sample::span).collect::<Vec<_>>()).unwrap();
    file.write_spans(&[]).unwrap();
    let key = sample::key();
    let exchange = otlp::exchange_log(&sample::exchange(), &ExchangePlace::new(&key));
    file.write_logs(vec![otlp::flow_log(&sample::flow(1), &FlowPlace::new()), exchange]).unwrap();
    let metrics = sample::metrics(MetricsConfig::default().with_temporality(Temporality::Delta));
    file.write_metrics(&metrics).unwrap();
    file.flush().unwrap();
    let counts = peer::check_file(&environment, &path);
    assert_eq!(counts["traces"], 20);
    assert_eq!(counts["logs"], 2);
    assert_eq!(counts["metrics"], metrics.len());
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 3);
}

fn urls(referee: &Referee) -> [String; 2] {
    [format!("grpc://127.0.0.1:{}", referee.grpc), format!("http://127.0.0.1:{}", referee.http)]
}

/// The same settings with retries after milliseconds.
fn quick(config: OtlpConfig) -> OtlpConfig {
    let retry = config.retry.with_delays(Duration::from_millis(10), Duration::from_millis(50));
    config.with_retry(retry)
}
