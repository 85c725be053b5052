//! `df-agent replay`: the engine over capture files, on one thread, so that the same input prints the same bytes.

mod progress;

use std::path::Path;

use df_capture::{Decoder, Frames, PcapFile, PcapFileError};
use df_core::{InterfaceId, Packet};
use df_flow::FlowTable;

use crate::Failure;
use crate::arguments::ReplayArguments;
use crate::config::Configuration;
use crate::delivery::{Delivery, Interfaces};
use crate::export::Haste;
use crate::output;
use crate::pipeline::{FlowState, Pipeline};
use crate::stop::Stop;
use crate::summary::drops;
use progress::Progress;

/// Reads every file, tells what it found, and fails if a file was damaged.
pub(crate) fn run(arguments: &ReplayArguments) -> Result<(), Failure> {
    let mut configuration = Configuration::load(arguments.config.as_deref()).map_err(Failure::usage)?;
    configuration.apply(&arguments.output, arguments.flow_interval);
    let delivery = output::open(&arguments.output, &configuration, Interfaces::default(), &Haste::Patient)?;
    configuration.report_flows(delivery.measures());
    let mut replay = Replay::new(&configuration, delivery)?;
    let mut failures = Vec::new();
    for file in &arguments.files {
        if replay.is_over() {
            break;
        }
        if let Err(error) = replay.read(file) {
            failures.push(error.to_string());
        }
    }
    if replay.stop.is_requested() {
        failures.push("interrupted: the results are those of what was read until then".to_owned());
    }
    replay.finish()?;
    if failures.is_empty() { Ok(()) } else { Err(Failure::running(failures.join("\ndf-agent: "))) }
}

/// A replay in progress.
struct Replay {
    flows: FlowTable<FlowState>,
    pipeline: Pipeline<Delivery>,
    decoder: Decoder,
    /// Room for the packets of frames that lie in memory together; empty in between.
    packets: Vec<Packet<'static>>,
    /// How many interfaces have been asked for their name.
    named_interfaces: u32,
    stop: Stop,
}

impl Replay {
    fn new(configuration: &Configuration, delivery: Delivery) -> Result<Self, Failure> {
        let stop = Stop::on_signals()
            .map_err(|error| Failure::running(format!("cannot listen for signals: {error}")))?;
        Ok(Self {
            flows: FlowTable::new(configuration.flow.clone()),
            pipeline: Pipeline::new(configuration.connections(), &configuration.parsing, delivery),
            decoder: Decoder::new(configuration.decoder.clone()),
            packets: Vec::new(),
            named_interfaces: 0,
            stop,
        })
    }

    /// Reads one file to its end or to its damage.
    fn read(&mut self, path: &Path) -> Result<(), PcapFileError> {
        let mut file = PcapFile::open(path)?;
        self.named_interfaces = 0;
        let mut progress = Progress::new(path, file.total_bytes());
        let mut frames: u64 = 0;
        while let Some(together) = file.next_frames()? {
            let looks = frames / FRAMES_PER_LOOK;
            frames += together.len() as u64;
            self.take(together);
            if frames / FRAMES_PER_LOOK > looks {
                if self.is_over() {
                    break;
                }
                if let Some(progress) = &mut progress {
                    progress.show(file.bytes_read(), frames);
                }
            }
        }
        Ok(())
    }

    /// Takes frames that lie in memory together.
    fn take(&mut self, frames: Frames<'_>) {
        let mut packets: Vec<Packet<'_>> = std::mem::take(&mut self.packets);
        for frame in frames.iter() {
            if frame.interface.0 >= self.named_interfaces {
                self.name_interfaces(frames, frame.interface);
            }
            if let Some(packet) = self.decoder.decode_alone(&frame) {
                packets.push(packet);
                continue;
            }
            self.flows.handle_packets(&packets, &mut self.pipeline);
            packets.clear();
            if let Ok(packet) = self.decoder.decode(&frame) {
                self.flows.handle_packet(&packet, &mut self.pipeline);
            }
        }
        self.flows.handle_packets(&packets, &mut self.pipeline);
        // Nothing is left but the memory, which serves again.
        packets.clear();
        #[allow(
            clippy::unnecessary_filter_map,
            reason = "it makes packets that borrow nothing of those that do"
        )]
        let room = packets.into_iter().filter_map(|_| None).collect();
        self.packets = room;
    }

    /// Names an interface seen for the first time, and those before it.
    fn name_interfaces(&mut self, frames: Frames<'_>, last: InterfaceId) {
        for interface in (self.named_interfaces..=last.0).map(InterfaceId) {
            if let Some(name) = frames.interface_name(interface) {
                self.pipeline.receiver().interfaces().set_name(interface, name);
            }
        }
        self.named_interfaces = last.0.saturating_add(1);
    }

    /// Whether nobody wants more.
    fn is_over(&mut self) -> bool {
        self.stop.is_requested() || self.pipeline.receiver().is_broken()
    }

    /// Ends every flow and prints what is left.
    fn finish(mut self) -> Result<(), Failure> {
        self.flows.finish(&mut self.pipeline);
        let flow_stats = self.flows.stats();
        let (parsing, mut delivery) = self.pipeline.finish();
        delivery.finish();
        let decoding = (&self.decoder.stats(), &self.decoder.fragment_stats());
        let mut drops = drops(decoding, &flow_stats, &parsing, &delivery.trace_stats());
        drops.push(delivery.unmeasured());
        let (mut summary, mut printer, exports) = delivery.into_parts();
        let (not_exported, exported) = exports.finish();
        let lost: u64 = not_exported.iter().map(|dropped| dropped.count).sum();
        drops.extend(not_exported);
        printer.summary(|| summary.text(&drops));
        printer.finish()?;
        if lost > 0 {
            return Err(Failure::running(format!("{lost} items did not arrive at the OTLP receiver")));
        }
        exported
    }
}

/// How many frames go by between two looks at signals, output and progress.
const FRAMES_PER_LOOK: u64 = 4_096;
