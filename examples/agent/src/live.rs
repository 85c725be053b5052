//! `df-agent run`: capture threads, parsing threads and delivery, joined by bounded channels.

mod batch;
mod budget;
mod capture;
mod clock;
mod notice;
mod parsing;
mod processes;
mod sources;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use df_capture::CaptureError;
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
use crate::summary::{Dropped, drops, process_drops};
use batch::Batch;
use budget::Budget;
use capture::{CaptureStats, Lane};
use clock::Regularly;
use notice::Notices;
use parsing::{Channels, Event};
use processes::ProcessStats;
use sources::Sources;

/// Observes this host until it is told to stop.
pub(crate) fn run(arguments: &RunArguments) -> Result<(), Failure> {
    let mut configuration = Configuration::load(arguments.config.as_deref()).map_err(Failure::usage)?;
    configuration.apply(&arguments.output, arguments.flow_interval);
    configuration.apply_run(arguments);
    let sources = Sources::open(&configuration, arguments)?;
    let stop = Stop::on_signals()
        .map_err(|error| Failure::running(format!("cannot listen for signals: {error}")))?;
    let health = Arc::new(HealthCounts::default());
    let haste = Haste::Live(Arc::clone(&health));
    let mut delivery = output::open(&arguments.output, &configuration, Interfaces::of_this_host(), &haste)?;
    configuration.report_flows(delivery.measures());
    if let Some(processes) = &sources.processes {
        delivery.observe_processes();
        processes.drop_capabilities();
    }
    let observed = sources.describe(&configuration.capture.interfaces);
    tracing::info!("observing {observed}; Ctrl-C ends it");
    let mut outcome = Observation {
        configuration: &configuration,
        stop: &stop,
        health: &health,
        duration: arguments.duration,
    }
    .run(sources, &mut delivery);
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
    fn run(self, sources: Sources, delivery: &mut Delivery) -> Outcome {
        let Sources { mut packets, processes } = sources;
        let connection = self.configuration.connections();
        let max_batches = self.configuration.parsing.max_queued_batches.max(1);
        let workers = if packets.is_empty() { 0 } else { self.configuration.parsing.worker_count() };
        let notices = Notices::new(workers, packets.len());
        thread::scope(|scope| {
            let (event_sender, events) = bounded(MAX_QUEUED_EVENTS);
            let mut lanes = Vec::new();
            let mut parsers = Vec::new();
            for notice in &notices.parsing {
                let (full_sender, full) = bounded::<Batch>(max_batches);
                let (empty, empty_receiver) = bounded(max_batches);
                lanes.push(Lane { full: full_sender, empty: empty_receiver });
                let channels = Channels { full, empty, events: event_sender.clone() };
                let (configuration, connection) = (self.configuration, connection.clone());
                parsers.push(
                    scope.spawn(move || {
                        parsing::run(channels, configuration, connection, notice, self.health)
                    }),
                );
            }
            let probing = processes.map(|processes| {
                let (events, configured) = (event_sender.clone(), (self.configuration, connection.clone()));
                let notice = &notices.processes;
                scope.spawn(move || processes.run(events, configured, notice, (self.stop, self.health)))
            });
            drop(event_sender);
            let captures: Vec<_> = packets
                .iter_mut()
                .zip(self.configuration.capture.processors())
                .zip(&notices.captures)
                .map(|((source, processor), notice)| {
                    let lanes = lanes.clone();
                    let decoder = self.configuration.decoder.clone();
                    scope.spawn(move || {
                        capture::stay_on(processor);
                        capture::run(source, (decoder, lanes), notice, (self.stop, self.health))
                    })
                })
                .collect();
            drop(lanes);
            let mut budget = Budget::new(self.configuration.limits.max_millicpus);
            self.deliver(&events, delivery, (&mut budget, &notices));
            let rings = usize::from(self.configuration.capture.rings.max(1));
            let mut outcome = outcome((captures, rings), parsers, probing, delivery);
            outcome.drops.push(budget.seconds_left_out());
            outcome
        })
    }

    /// Delivers until every parsing thread has ended, which they do once capture stops, and sees to it that all together take no
    /// more than they may.
    fn deliver(
        self,
        events: &Receiver<Vec<Event>>,
        delivery: &mut Delivery,
        (budget, notices): (&mut Budget, &Notices),
    ) {
        let started = Instant::now();
        let (mut show, mut look) = (Regularly::new(TICK), Regularly::new(LOOK_INTERVAL));
        let mut measure = Regularly::new(self.configuration.export.metrics_interval);
        let mut account = Regularly::new(BUDGET_INTERVAL);
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
            if account.is_due()
                && let Some(connections) = budget.look(self.health.found_no_room())
            {
                notices.tell(connections);
                self.health.connections_left_out.store(u64::from(connections), Ordering::Relaxed);
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
    spans_throttled: Share,
    items_exported: Share,
    items_dropped: Share,
}

impl HealthShares {
    fn tell(&mut self, health: &HealthCounts, delivery: &Delivery) {
        let stats = delivery.trace_stats();
        let (exported, dropped) = delivery.export_account();
        self.exchanges.add(&health.exchanges, stats.exchanges);
        self.spans_dropped.add(&health.spans_dropped, stats.dropped);
        self.spans_throttled.add(&health.spans_throttled, delivery.spans_throttled());
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
    probing: Option<ScopedJoinHandle<'_, ProcessStats>>,
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
        flows.packets_left_out += flow_stats.packets_left_out;
        parsing.add(&parsing_stats);
    }
    let probing = probing.and_then(|thread| thread.join().ok()).unwrap_or_default();
    parsing.add(&probing.parsing);
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
    all.extend(process_drops(&probing.probes, &probing.sockets));
    Outcome { drops: all, result }
}

/// How often delivery looks at the clock.
const TICK: Duration = Duration::from_millis(100);
/// How often delivery looks for new interfaces and addresses.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// How often it is seen to that the agent takes no more than it may.
const BUDGET_INTERVAL: Duration = Duration::from_secs(1);
/// Batches of events that may wait for delivery.
const MAX_QUEUED_EVENTS: usize = 1_024;
