//! The end of the pipeline: exchanges become spans, and everything goes where the options say.

mod place;

use df_core::{FlowKey, Timestamp};
use df_export::Resource;
use df_flow::FlowRecord;
use df_l7::{Exchange, Protocol};
use df_trace::{Place, SpanAssembler, TraceStats};

use crate::config::Configuration;
use crate::output::Printer;
use crate::pipeline::Receiver;
use crate::summary::Summary;
pub(crate) use place::Interfaces;

/// Takes exchanges and flow records of the whole agent.
#[derive(Debug)]
pub(crate) struct Delivery {
    spans: SpanAssembler,
    printer: Printer,
    resource: Resource,
    interfaces: Interfaces,
    summary: Summary,
}

impl Delivery {
    /// A delivery that prints to `printer`.
    pub(crate) fn new(configuration: &Configuration, printer: Printer, interfaces: Interfaces) -> Self {
        let (resource, warnings) = Resource::from_environment(|name| std::env::var(name).ok());
        for warning in warnings {
            tracing::warn!("{warning}");
        }
        Self {
            spans: SpanAssembler::new(configuration.trace.clone()),
            printer,
            resource,
            interfaces,
            summary: Summary::default(),
        }
    }

    /// The interfaces, to name them.
    pub(crate) const fn interfaces(&mut self) -> &mut Interfaces {
        &mut self.interfaces
    }

    /// Whether nobody takes the output any more: a closed pipe, a full disk.
    pub(crate) const fn is_broken(&self) -> bool {
        self.printer.is_broken()
    }

    /// Lets spans go whose window has ended, and shows everything so far.
    pub(crate) fn handle_timeout(&mut self, now: Timestamp) {
        self.spans.handle_timeout(now);
        self.deliver_ready();
        self.printer.flush();
    }

    /// Lets everything go that is still held.
    pub(crate) fn finish(&mut self) {
        self.spans.flush();
        self.deliver_ready();
    }

    /// What was delivered, counted by the assembler.
    pub(crate) const fn trace_stats(&self) -> TraceStats {
        self.spans.stats()
    }

    /// What is left when everything is delivered.
    pub(crate) fn into_parts(self) -> (Summary, Printer) {
        (self.summary, self.printer)
    }

    fn deliver_ready(&mut self) {
        while let Some(linked) = self.spans.poll_span() {
            self.summary.handle_exchange(&linked.exchange);
            let interface = self.interfaces.name(linked.place.flow.interface);
            self.printer.exchange(&linked, interface);
            if self.printer.wants_spans() {
                self.printer.span(&linked.to_span(), &self.resource);
            }
        }
    }
}

impl Receiver for Delivery {
    fn exchange(&mut self, exchange: Exchange, key: &FlowKey) {
        let place = Place::new(*key, self.interfaces.observation_point(key));
        self.spans.handle_exchange(exchange, place);
        self.deliver_ready();
    }

    fn flow(&mut self, record: FlowRecord, protocol: Option<Protocol>) {
        self.summary.handle_flow(&record);
        let interface = self.interfaces.name(record.key.interface);
        self.printer.flow(&record, protocol, interface);
    }
}
