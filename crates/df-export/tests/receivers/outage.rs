//! The receiver is killed under load and comes back.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use df_export::{ExportStats, OtlpConfig, OtlpExporter, QueueConfig, Signal};

use crate::delivery::span_ids;
use crate::peer::{self, Options, Referee};
use crate::{PATIENCE, balanced, config, sample, start};

/// How long the receiver is away; `DF_OUTAGE_SECONDS` makes it longer.
const OUTAGE: Duration = Duration::from_secs(3);
/// How many spans are handed over, all the time.
const SPANS_PER_SECOND: u64 = 2_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_the_queue_can_hold_is_lost_over_grpc() {
    roomy("grpc").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_the_queue_can_hold_is_lost_over_http() {
    roomy("http").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_queue_cannot_hold_is_counted_to_the_span() {
    let Some(environment) = peer::environment() else { return };
    let mut queue = small_batches();
    queue.max_queued_items = 1_000;
    let (stats, arrived) = outage(&environment, "small", queue).await;
    assert!(stats.dropped_queue_full > 0, "{stats:?}");
    assert_eq!((stats.dropped(), stats.queued), (stats.dropped_queue_full, 0), "{stats:?}");
    // What was taken is there, all of it and nothing else.
    assert_eq!(arrived, stats.exported, "{stats:?}");
}

async fn roomy(via: &str) {
    let Some(environment) = peer::environment() else { return };
    let mut queue = small_batches();
    // Room for the whole outage, by items and by bytes.
    queue.max_queued_items = usize::try_from(SPANS_PER_SECOND * (outage_length().as_secs() + 2)).unwrap();
    queue.max_queued_bytes = queue.max_queued_items * 1_024;
    let (stats, arrived) = outage(&environment, via, queue).await;
    assert!(stats.retries > 0, "the receiver was away: {stats:?}");
    assert_eq!((stats.dropped(), stats.queued, stats.exported), (0, 0, stats.accepted), "{stats:?}");
    assert_eq!(arrived, stats.accepted);
}

/// Hands over spans for a second, kills the receiver, goes on, brings the receiver back, goes on for a second and flushes.
/// Gives the account, and how many different spans arrived.
async fn outage(environment: &Path, name: &str, queue: QueueConfig) -> (ExportStats, u64) {
    let outage = outage_length();
    let directory = peer::directory(&format!("outage-{name}"));
    let options = Options { is_brief: true, ..Options::default() };
    let mut first = Referee::start(environment, &directory, &options);
    let ports = (first.grpc, first.http);
    let exporter = Arc::new(start(&settings(name, ports).with_queue(queue)));
    let load = std::thread::spawn({
        let exporter = Arc::clone(&exporter);
        move || hand_over(&exporter, outage + Duration::from_secs(2))
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    first.kill();
    let before = exporter.stats(Signal::Traces);
    tokio::time::sleep(outage).await;
    let second = Referee::start(environment, &directory, &Options { ports, ..options });
    let accepted = load.join().unwrap();
    assert!(
        exporter.flush(PATIENCE).await,
        "{:?} {:?}",
        exporter.stats(Signal::Traces),
        exporter.take_last_error()
    );
    let stats = balanced(&exporter, Signal::Traces);
    assert_eq!(stats.accepted, accepted);
    assert!(before.exported > 0, "the receiver was up: {before:?}");
    let requests = [first.requests(), second.requests()];
    assert!(requests.iter().flatten().all(|request| request["violations"] == serde_json::json!([])));
    let sent: u64 = requests.iter().flatten().map(|request| span_ids(request).len() as u64).sum();
    let arrived = requests.iter().flatten().flat_map(span_ids).collect::<HashSet<_>>().len() as u64;
    println!(
        "{name}: {before:?} when killed, {stats:?} in the end; {arrived} arrived, {} of them twice",
        sent - arrived
    );
    (stats, arrived)
}

fn outage_length() -> Duration {
    let seconds = std::env::var("DF_OUTAGE_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    seconds.map_or(OUTAGE, Duration::from_secs)
}

/// So that requests leave all the time and one is likely on its way when the receiver is killed.
fn small_batches() -> QueueConfig {
    let mut queue = QueueConfig::default();
    queue.max_batch_items = 256;
    queue.batch_delay = Duration::from_millis(50);
    queue
}

fn settings(name: &str, (grpc, http): (u16, u16)) -> OtlpConfig {
    let url =
        if name == "grpc" { format!("grpc://127.0.0.1:{grpc}") } else { format!("http://127.0.0.1:{http}") };
    let config = config(&url, &[("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")]);
    let retry = config.retry.with_delays(Duration::from_millis(100), Duration::from_secs(1));
    config.with_retry(retry)
}

/// Hands over spans for `time`, each with a number of its own, and checks all the while that the account balances.
fn hand_over(exporter: &OtlpExporter, time: Duration) -> u64 {
    let start = Instant::now();
    let mut number = 0;
    while start.elapsed() < time {
        exporter.export_spans((number..number + SPANS_PER_SECOND / 100).map(sample::span));
        number += SPANS_PER_SECOND / 100;
        balanced(exporter, Signal::Traces);
        let due = Duration::from_millis(number * 1_000 / SPANS_PER_SECOND);
        std::thread::sleep(due.saturating_sub(start.elapsed()));
    }
    number
}
