//! The end of the pipeline: exchanges become spans, and everything goes where the options say.

mod chains;
mod containers;
mod metering;
mod place;

use df_core::{FlowKey, Timestamp, Tunnel};
use df_export::metrics::MetricsConfig;
use df_export::{ExchangePlace, FlowPlace, Resource, SpanIds};
use df_flow::{ConversationEnds, FlowRecord, LocalEnd};
use df_l7::{Exchange, Protocol};
use df_trace::{LinkedSpan, ObservationPoint, ObservedProcess, Place, SpanAssembler, TraceStats};

use crate::config::Configuration;
use crate::export::Exports;
use crate::output::Printer;
use crate::pipeline::Receiver;
use crate::summary::{Dropped, Summary};
use chains::Chains;
use containers::Containers;
use metering::Metering;
pub(crate) use place::Interfaces;

/// Takes exchanges and flow records of the whole agent.
#[derive(Debug)]
pub(crate) struct Delivery {
    spans: SpanAssembler,
    printer: Printer,
    exports: Exports,
    metering: Metering,
    resource: Resource,
    interfaces: Interfaces,
    chains: Chains,
    containers: Containers,
    /// Whether processes are observed besides packets, so that a call is seen at several places.
    observes_processes: bool,
    summary: Summary,
}

impl Delivery {
    /// A delivery to a printer and to OTLP; `resource` says who observes.
    pub(crate) fn new(
        configuration: &Configuration,
        printer: Printer,
        exports: Exports,
        resource: Resource,
        interfaces: Interfaces,
    ) -> Self {
        let temporality = exports.temporality();
        Self {
            spans: SpanAssembler::new(configuration.trace.clone()),
            printer,
            exports,
            metering: Metering::new(
                MetricsConfig::default().with_temporality(temporality),
                configuration.export.metrics_interval,
            ),
            resource,
            interfaces,
            chains: Chains::default(),
            containers: Containers::default(),
            observes_processes: false,
            summary: Summary::default(),
        }
    }

    /// The interfaces, to name them.
    pub(crate) const fn interfaces(&mut self) -> &mut Interfaces {
        &mut self.interfaces
    }

    /// From now on processes are observed too: what is seen of one call at several places is put together.
    pub(crate) const fn observe_processes(&mut self) {
        self.observes_processes = true;
    }

    /// Whether nobody takes the output any more: a closed pipe, a full disk.
    pub(crate) const fn is_broken(&self) -> bool {
        self.printer.is_broken()
    }

    /// Lets spans go whose window has ended, and shows everything so far.
    pub(crate) fn handle_timeout(&mut self, now: Timestamp) {
        self.exports.handle_timeout(now);
        self.spans.handle_timeout(now);
        self.deliver_ready();
        self.printer.flush();
        self.exports.flush();
    }

    /// Tells the metrics up to now.
    pub(crate) fn tell_metrics(&mut self) {
        if self.measures() {
            let metrics = self.metering.collect();
            self.printer.metrics(&metrics);
            self.exports.metrics(metrics);
        }
    }

    /// Lets everything go that is still held.
    pub(crate) fn finish(&mut self) {
        self.spans.flush();
        self.deliver_ready();
        self.exports.flush();
        self.metering.finish();
        self.tell_metrics();
        self.printer.flush();
    }

    /// What the receiver of the export took up to now, and what will never arrive.
    pub(crate) fn export_account(&self) -> (u64, u64) {
        self.exports.account()
    }

    /// How many spans were not exported since there were too many.
    pub(crate) const fn spans_throttled(&self) -> u64 {
        self.exports.throttled()
    }

    /// What was delivered, counted by the assembler.
    pub(crate) const fn trace_stats(&self) -> TraceStats {
        self.spans.stats()
    }

    /// What came too late for metrics.
    pub(crate) const fn unmeasured(&self) -> Dropped {
        Dropped {
            stage: "metrics",
            reason: "flow records that came after their window was measured",
            count: self.metering.late_records(),
        }
    }

    /// What is left when everything is delivered.
    pub(crate) fn into_parts(self) -> (Summary, Printer, Exports) {
        (self.summary, self.printer, self.exports)
    }

    fn deliver_ready(&mut self) {
        while let Some(linked) = self.spans.poll_span() {
            if !linked.is_seen_again() {
                self.summary.handle_exchange(&linked.exchange);
            }
            if self.measures() {
                self.metering.exchange(&linked);
            }
            self.deliver(&linked);
        }
    }

    fn deliver(&mut self, linked: &LinkedSpan) {
        let LinkedSpan { exchange, place, context, .. } = linked;
        // Records turn round what the exchange says is the other way; here it is turned already.
        let believed = if exchange.is_reversed { place.flow.reversed() } else { place.flow };
        let span_ids = SpanIds {
            trace_id: context.trace_id,
            span_id: context.span_id,
            parent_span_id: linked.parent_span_id(),
        };
        let seen = ExchangePlace::new(&believed)
            .with_interface(self.interfaces.name(place.flow.interface))
            .with_tunnels(self.chains.of(&place.flow))
            .with_span(span_ids);
        let container = place.process.as_ref().and_then(|process| self.containers.of(process.task.pid));
        let seen = seen.with_process(place, container);
        if self.printer.wants_links() || !linked.is_seen_again() {
            self.printer.exchange(exchange, &place.flow, &seen);
        }
        let is_exported = self.exports.admits(context.trace_id);
        if is_exported {
            self.exports.exchange(exchange, &seen);
        }
        if self.printer.wants_spans() || is_exported {
            let span = linked.to_span();
            self.printer.span(&span, &self.resource);
            if is_exported {
                self.exports.span(span);
            }
        }
    }

    /// Shows an exchange that nobody wants linked.
    fn show(&mut self, exchange: &Exchange, key: &FlowKey) {
        self.summary.handle_exchange(exchange);
        let flow = if exchange.is_reversed { key.reversed() } else { *key };
        let place = ExchangePlace::new(key).with_tunnels(self.chains.of(key));
        self.printer.exchange(exchange, &flow, &place);
    }

    /// Whether it matters which exchanges are one call.
    const fn links(&self) -> bool {
        self.printer.wants_links() || self.exports.is_active() || self.observes_processes
    }

    /// Whether metrics are wanted.
    pub(crate) const fn measures(&self) -> bool {
        self.printer.wants_metrics() || self.exports.is_active()
    }
}

impl Receiver for Delivery {
    fn exchange(&mut self, exchange: Exchange, key: &FlowKey) {
        if !self.links() {
            return self.show(&exchange, key);
        }
        let place = Place::new(*key, self.interfaces.observation_point(key));
        self.spans.handle_exchange(exchange, place);
        self.deliver_ready();
    }

    fn process_exchange(&mut self, exchange: Exchange, ends: &ConversationEnds) {
        let point = match ends.local {
            LocalEnd::Client => ObservationPoint::ClientProcess,
            LocalEnd::Server => ObservationPoint::ServerProcess,
        };
        let process = ObservedProcess { task: ends.task, source: ends.source };
        self.spans.handle_exchange(exchange, Place::new(ends.key, point).with_process(process));
        self.deliver_ready();
    }

    fn tunnels(&mut self, key: &FlowKey, tunnels: &[Tunnel]) {
        self.chains.insert(key, tunnels);
    }

    fn interval(&mut self, record: &FlowRecord) {
        self.metering.flow(record);
    }

    fn flow(&mut self, record: FlowRecord, protocol: Option<Protocol>) {
        self.summary.handle_flow(&record);
        let interface = self.interfaces.name(record.key.interface);
        let place = FlowPlace::new().with_interface(interface).with_protocol(protocol);
        self.printer.flow(&record, &place);
        self.exports.flow(&record, &place);
    }
}
