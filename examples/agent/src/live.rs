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
use crate::health::{HealthCounts, Share};
use crate::output;
use crate::pipeline::ParsingStats;
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
    let health = Arc::new(HealthCounts::default());
    let haste = Haste::Live(Arc::clone(&health));
    let mut delivery = output::open(&arguments.output, &configuration, Interfaces::of_this_host(), &haste)?;
    configuration.report_flows(delivery.measures());
    tracing::info!("observing {}; Ctrl-C ends it", configuration.capture.interfaces.join(", "));
    let mut outcome = Observation {
        configuration: &configuration,
        stop: &stop,
        health: &health,
        duration: arguments.duration,
    }
    .run(&mut sources, &mut delivery);
    delivery.finish();
    outcome.drops.push(delivery.unmeasured());
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

/// One socket per named interface, or one for all, times the number of rings.
fn open_sources(configuration: &Configuration) -> Result<Vec<AfPacket>, Failure> {
    let interfaces = &configuration.capture.interfaces;
    let is_any = interfaces.is_empty() || interfaces.iter().any(|name| name == "any");
    let names = if is_any { vec![None] } else { interfaces.iter().map(Some).collect() };
    let rings = configuration.capture.rings.max(1);
    let open = |(name, group): (Option<&String>, u16)| {
        let mut config = AfPacketConfig::default();
        config.interface = name.cloned();
        config.filter = Some(configuration.capture.filter.clone()).filter(|filter| !filter.is_empty());
        config.block_count = configuration.capture.ring_blocks;
        config.snap_len = configuration.snap_len();
        config.fanout_group = (rings > 1).then_some(group);
        AfPacket::open(&config).map_err(as_failure)
    };
    let groups = (fanout_group()..=u16::MAX).chain(0..);
    let each = names.into_iter().zip(groups);
    each.flat_map(|source| (0..rings).map(move |_| source)).map(open).collect()
}

/// A number for the first group of rings that other processes do not use: groups are known to the whole host.
#[allow(clippy::cast_possible_truncation, reason = "any number does, as long as processes differ")]
fn fanout_group() -> u16 {
    std::process::id() as u16
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

/// What all threads of a run share.
#[derive(Clone, Copy)]
struct Observation<'a> {
    configuration: &'a Configuration,
    stop: &'a Stop,
    health: &'a HealthCounts,
    duration: Option<Duration>,
}

impl Observation<'_> {
    /// Runs all threads; this one delivers.
    fn run(self, sources: &mut [AfPacket], delivery: &mut Delivery) -> Outcome {
        let connection = self.configuration.connections();
        let max_batches = self.configuration.parsing.max_queued_batches.max(1);
        thread::scope(|scope| {
            let (event_sender, events) = bounded(MAX_QUEUED_EVENTS);
            let mut lanes = Vec::new();
            let mut parsers = Vec::new();
            for _ in 0..self.configuration.parsing.worker_count() {
                let (full_sender, full) = bounded::<Batch>(max_batches);
                let (empty, empty_receiver) = bounded(max_batches);
                lanes.push(Lane { full: full_sender, empty: empty_receiver });
                let channels = Channels { full, empty, events: event_sender.clone() };
                let (configuration, connection) = (self.configuration, connection.clone());
                parsers.push(
                    scope.spawn(move || parsing::run(channels, configuration, connection, self.health)),
                );
            }
            drop(event_sender);
            let captures: Vec<_> = sources
                .iter_mut()
                .zip(self.configuration.capture.processors())
                .map(|(source, processor)| {
                    let lanes = lanes.clone();
                    let decoder = self.configuration.decoder.clone();
                    scope.spawn(move || {
                        capture::stay_on(processor);
                        capture::run(source, (decoder, lanes), self.stop, self.health)
                    })
                })
                .collect();
            drop(lanes);
            self.deliver(&events, delivery);
            let rings = usize::from(self.configuration.capture.rings.max(1));
            outcome((captures, rings), parsers, delivery)
        })
    }

    /// Delivers until every parsing thread has ended, which they do once capture stops.
    fn deliver(self, events: &Receiver<Vec<Event>>, delivery: &mut Delivery) {
        let started = Instant::now();
        let (mut show, mut look) = (Regularly::new(TICK), Regularly::new(LOOK_INTERVAL));
        let mut measure = Regularly::new(self.configuration.export.metrics_interval);
        let mut shares = HealthShares::default();
        loop {
            match events.recv_timeout(TICK) {
                Ok(events) => events.into_iter().for_each(|event| event.deliver(delivery)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if show.is_due() {
                delivery.handle_timeout(clock::now());
                shares.tell(self.health, delivery);
            }
            if look.is_due() {
                delivery.interfaces().look_again();
            }
            if measure.is_due() {
                delivery.tell_metrics();
            }
            if delivery.is_broken() || self.duration.is_some_and(|duration| started.elapsed() >= duration) {
                self.stop.request();
            }
        }
    }
}

/// Delivery's part in the health counts.
#[derive(Default)]
struct HealthShares {
    exchanges: Share,
    spans_dropped: Share,
    items_exported: Share,
    items_dropped: Share,
}

impl HealthShares {
    fn tell(&mut self, health: &HealthCounts, delivery: &Delivery) {
        let stats = delivery.trace_stats();
        let (exported, dropped) = delivery.export_account();
        self.exchanges.add(&health.exchanges, stats.exchanges);
        self.spans_dropped.add(&health.spans_dropped, stats.dropped);
        self.items_exported.add(&health.items_exported, exported);
        self.items_dropped.add(&health.items_dropped, dropped);
    }
}

/// What a capture thread did, and whether it ended as it should.
type Captured = (CaptureStats, Result<(), CaptureError>);

/// What the threads have to say at their end.
fn outcome(
    (captures, rings): (Vec<ScopedJoinHandle<'_, Captured>>, usize),
    parsers: Vec<ScopedJoinHandle<'_, (FlowStats, ParsingStats)>>,
    delivery: &Delivery,
) -> Outcome {
    let mut total = CaptureStats::default();
    let mut result = Ok(());
    for (number, thread) in captures.into_iter().enumerate() {
        let Ok((stats, ended)) = thread.join() else { continue };
        total.add(&stats);
        // Every ring of an interface tells the same.
        if number % rings == 0 {
            total.socket.missed_by_interface += stats.socket.missed_by_interface;
        }
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
            reason: "frames that the interface had no room for",
            count: total.socket.missed_by_interface,
        },
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
    all.extend(drops((&total.decoding, &total.fragments), &flows, &parsing, &delivery.trace_stats()));
    Outcome { drops: all, result }
}

/// How often delivery looks at the clock.
const TICK: Duration = Duration::from_millis(100);
/// How often delivery looks for new interfaces and addresses.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// Batches of events that may wait for delivery.
const MAX_QUEUED_EVENTS: usize = 1_024;
