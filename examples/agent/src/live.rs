//! `df-agent run`: capture threads, parsing threads and delivery, joined by bounded channels.

mod batch;
mod capture;
mod clock;
mod parsing;

use std::sync::Arc;
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use df_capture::{AfPacket, AfPacketConfig, CaptureError};
use df_flow::FlowStats;

use crate::Failure;
use crate::arguments::RunArguments;
use crate::config::Configuration;
use crate::delivery::{Delivery, Interfaces};
use crate::export::Haste;
use crate::output;
use crate::pipeline::{ParsingStats, Receiver as _};
use crate::stop::Stop;
use crate::summary::{Dropped, drops};
use batch::Batch;
use capture::{CaptureStats, Lane};
use clock::Regularly;
use parsing::{Channels, Event};

/// Observes this host until it is told to stop.
pub(crate) fn run(arguments: &RunArguments) -> Result<(), Failure> {
    refuse_the_impossible(arguments)?;
    let mut configuration = Configuration::load(arguments.config.as_deref()).map_err(Failure::usage)?;
    configuration.apply(&arguments.output, arguments.flow_interval);
    configuration.apply_run(arguments);
    let mut sources = open_sources(&configuration)?;
    let stop = Stop::on_signals()
        .map_err(|error| Failure::running(format!("cannot listen for signals: {error}")))?;
    let mut delivery =
        output::open(&arguments.output, &configuration, Interfaces::of_this_host(), Haste::Live)?;
    tracing::info!("observing {}; Ctrl-C ends it", configuration.capture.interfaces.join(", "));
    let mut outcome = observe(&configuration, &mut sources, &mut delivery, &stop, arguments.duration);
    delivery.finish();
    let (mut summary, mut printer, exports) = delivery.into_parts();
    let (not_exported, exported) = exports.finish();
    outcome.drops.extend(not_exported);
    printer.summary(|| summary.text(&outcome.drops));
    printer.finish()?;
    exported?;
    outcome.result.map_err(Failure::running)
}

/// What a run came to.
struct Outcome {
    drops: Vec<Dropped>,
    result: Result<(), CaptureError>,
}

fn refuse_the_impossible(arguments: &RunArguments) -> Result<(), Failure> {
    if arguments.pid.is_some() || arguments.process.is_some() {
        let reason = "--pid and --process need eBPF, which this build does not have; packets do not tell their process";
        return Err(Failure::usage(reason));
    }
    if arguments.no_packets {
        let reason = "--no-packets leaves nothing to observe: this build has no eBPF";
        return Err(Failure::usage(reason));
    }
    Ok(())
}

/// One socket per named interface, or one for all.
fn open_sources(configuration: &Configuration) -> Result<Vec<AfPacket>, Failure> {
    let interfaces = &configuration.capture.interfaces;
    let is_any = interfaces.is_empty() || interfaces.iter().any(|name| name == "any");
    let names = if is_any { vec![None] } else { interfaces.iter().map(Some).collect() };
    let open = |name: Option<&String>| {
        let mut config = AfPacketConfig::default();
        config.interface = name.cloned();
        config.filter = Some(configuration.capture.filter.clone()).filter(|filter| !filter.is_empty());
        config.block_count = configuration.capture.ring_blocks;
        config.snap_len = configuration.capture.max_packet_bytes;
        AfPacket::open(&config).map_err(as_failure)
    };
    names.into_iter().map(open).collect()
}

/// A wrong name, filter or value is the caller's; everything else is the machine's.
fn as_failure(error: CaptureError) -> Failure {
    match error {
        CaptureError::UnknownInterface { .. } | CaptureError::Filter { .. } | CaptureError::Config { .. } => {
            Failure::usage(error)
        }
        error => Failure::running(error),
    }
}

/// Runs all threads; this one delivers.
fn observe(
    configuration: &Configuration,
    sources: &mut [AfPacket],
    delivery: &mut Delivery,
    stop: &Stop,
    duration: Option<Duration>,
) -> Outcome {
    let connection = Arc::new(configuration.connection.clone());
    thread::scope(|scope| {
        let (event_sender, events) = bounded(MAX_QUEUED_EVENTS);
        let mut lanes = Vec::new();
        let mut parsers = Vec::new();
        for _ in 0..configuration.parsing.worker_count() {
            let (full_sender, full) = bounded::<Batch>(configuration.parsing.max_queued_batches.max(1));
            let (empty, empty_receiver) = bounded(configuration.parsing.max_queued_batches.max(1));
            lanes.push(Lane { full: full_sender, empty: empty_receiver });
            let channels = Channels { full, empty, events: event_sender.clone() };
            let (flow, connection) = (configuration.flow.clone(), Arc::clone(&connection));
            parsers.push(scope.spawn(move || parsing::run(channels, flow, connection)));
        }
        drop(event_sender);
        let captures: Vec<_> = sources
            .iter_mut()
            .map(|source| {
                let lanes = lanes.clone();
                scope.spawn(move || {
                    let outcome = capture::run(source, lanes, stop);
                    if outcome.1.is_err() {
                        stop.request();
                    }
                    outcome
                })
            })
            .collect();
        drop(lanes);
        let pace = Pace { duration, metrics_interval: configuration.export.metrics_interval };
        deliver(&events, delivery, stop, &pace);
        outcome(captures, parsers, delivery)
    })
}

/// When delivery does what, besides delivering.
struct Pace {
    duration: Option<Duration>,
    metrics_interval: Duration,
}

/// Delivers until every parsing thread has ended, which they do once capture stops.
fn deliver(events: &Receiver<Vec<Event>>, delivery: &mut Delivery, stop: &Stop, pace: &Pace) {
    let started = Instant::now();
    let (mut show, mut look) = (Regularly::new(TICK), Regularly::new(LOOK_INTERVAL));
    let mut measure = Regularly::new(pace.metrics_interval);
    loop {
        match events.recv_timeout(TICK) {
            Ok(events) => {
                for event in events {
                    match event {
                        Event::Exchange(seen) => delivery.exchange(seen.0, &seen.1),
                        Event::Flow(record, protocol) => delivery.flow(*record, protocol),
                    }
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        if show.is_due() {
            delivery.handle_timeout(clock::now());
        }
        if look.is_due() {
            delivery.interfaces().look_again();
        }
        if measure.is_due() {
            delivery.tell_metrics();
        }
        if delivery.is_broken() || pace.duration.is_some_and(|duration| started.elapsed() >= duration) {
            stop.request();
        }
    }
}

/// What the threads have to say at their end.
fn outcome(
    captures: Vec<ScopedJoinHandle<'_, (CaptureStats, Result<(), CaptureError>)>>,
    parsers: Vec<ScopedJoinHandle<'_, (FlowStats, ParsingStats)>>,
    delivery: &Delivery,
) -> Outcome {
    let mut total = CaptureStats::default();
    let mut result = Ok(());
    for (stats, ended) in captures.into_iter().filter_map(|thread| thread.join().ok()) {
        total.add(&stats);
        result = result.and(ended);
    }
    let (mut flows, mut parsing) = (FlowStats::default(), ParsingStats::default());
    for (flow_stats, parsing_stats) in parsers.into_iter().filter_map(|thread| thread.join().ok()) {
        flows.flows_evicted += flow_stats.flows_evicted;
        flows.gaps += flow_stats.gaps;
        parsing.add(&parsing_stats);
    }
    let mut all = vec![
        Dropped {
            stage: "capture",
            reason: "frames that found the ring full",
            count: total.socket.dropped_by_kernel,
        },
        Dropped {
            stage: "capture",
            reason: "packets that found parsing behind",
            count: total.dropped_packets,
        },
    ];
    all.extend(drops(&total.decoding, &flows, &parsing, &delivery.trace_stats()));
    Outcome { drops: all, result }
}

/// How often delivery looks at the clock.
const TICK: Duration = Duration::from_millis(100);
/// How often delivery looks for new interfaces and addresses.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// Batches of events that may wait for delivery.
const MAX_QUEUED_EVENTS: usize = 1_024;
