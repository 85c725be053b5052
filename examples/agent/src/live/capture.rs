//! A capture thread: frames of one interface, decoded and shared out over the parsing threads by flow.

use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError};
use df_capture::{AfPacket, AfPacketStats, CaptureError, DecodeStats, Decoder, DecoderConfig, FragmentStats};
use df_core::Packet;
use df_flow::shard_of;
use rustix::thread::{CpuSet, sched_setaffinity};

use super::batch::Batch;
use super::clock::Regularly;
use super::notice::Notice;
use crate::health::{HealthCounts, Share};
use crate::stop::Stop;

/// The way to one parsing thread, and its empty batches' way back.
#[derive(Debug, Clone)]
pub(super) struct Lane {
    pub(super) full: Sender<Batch>,
    pub(super) empty: Receiver<Batch>,
}

/// What a capture thread did.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CaptureStats {
    pub(super) socket: AfPacketStats,
    pub(super) decoding: DecodeStats,
    pub(super) fragments: FragmentStats,
    /// Packets dropped because a parsing thread was behind.
    pub(super) dropped_packets: u64,
}

impl CaptureStats {
    /// Adds what another thread did.
    pub(super) const fn add(&mut self, other: &Self) {
        self.socket.dropped_by_kernel += other.socket.dropped_by_kernel;
        self.decoding.merge(&other.decoding);
        self.fragments.merge(&other.fragments);
        self.dropped_packets += other.dropped_packets;
    }
}

impl CaptureStats {
    fn take_decoding(&mut self, decoder: &Decoder) {
        self.decoding = decoder.stats();
        self.fragments = decoder.fragment_stats();
    }
}

/// Has this thread run on one processor only.
pub(super) fn stay_on(processor: Option<u16>) {
    let Some(processor) = processor else { return };
    let mut processors = CpuSet::new();
    if usize::from(processor) < CpuSet::MAX_CPU {
        processors.set(usize::from(processor));
    }
    if let Err(error) = sched_setaffinity(None, &processors) {
        tracing::warn!("a capture thread cannot run on processor {processor}: {error}");
    }
}

/// Captures until told to stop or until capture fails. Dropping the lanes tells the parsing threads that it is over.
pub(super) fn run(
    source: &mut AfPacket,
    (decoder, lanes): (DecoderConfig, Vec<Lane>),
    notice: &Notice,
    (stop, health): (&Stop, &HealthCounts),
) -> (CaptureStats, Result<(), CaptureError>) {
    let mut shards = Shards::new(lanes);
    let mut stats = CaptureStats::default();
    let mut decoder = Decoder::new(decoder);
    let result = capture((source, &mut decoder), &mut shards, &mut stats, notice, (stop, health));
    if result.is_err() {
        stop.request();
    }
    shards.send_all();
    stats.take_decoding(&decoder);
    stats.dropped_packets = shards.dropped_packets;
    stats.socket = source.stats().unwrap_or(stats.socket);
    (stats, result)
}

fn capture(
    (source, decoder): (&mut AfPacket, &mut Decoder),
    shards: &mut Shards,
    stats: &mut CaptureStats,
    notice: &Notice,
    (stop, health): (&Stop, &HealthCounts),
) -> Result<(), CaptureError> {
    let mut send = Regularly::new(IDLE);
    let (mut tell, mut told) = (Regularly::new(TELL_INTERVAL), HealthShares::default());
    let mut frames: u32 = 0;
    let mut is_idle = false;
    while !stop.is_requested() {
        // Nothing waits in a batch of an idle interface: its thread leaves the processor to those of busy ones.
        let frame = source.next_frame_timeout(if is_idle { QUIET } else { IDLE })?;
        is_idle = frame.is_none();
        if let Some(frame) = frame
            && let Ok(packet) = decoder.decode(&frame)
        {
            shards.push(&packet);
        }
        frames = frames.wrapping_add(1);
        if is_idle || (frames.is_multiple_of(FRAMES_PER_LOOK) && send.is_due()) {
            shards.send_all();
            // What the kernel lets through all the same the flow tables leave out.
            if let Some(left_out) = notice.take()
                && let Err(error) = source.leave_out(left_out.now)
            {
                tracing::warn!("the kernel cannot leave out packets of connections: {error}");
            }
            if tell.is_due() {
                stats.socket = source.stats()?;
                stats.dropped_packets = shards.dropped_packets;
                stats.take_decoding(decoder);
                told.tell(health, stats);
            }
        }
    }
    Ok(())
}

/// This thread's part in the health counts.
#[derive(Default)]
struct HealthShares {
    frames: Share,
    frames_dropped: Share,
    packets_dropped: Share,
    frames_not_decoded: Share,
}

impl HealthShares {
    fn tell(&mut self, health: &HealthCounts, stats: &CaptureStats) {
        let decoding = &stats.decoding;
        self.frames.add(&health.frames, stats.socket.received);
        self.frames_dropped.add(&health.frames_dropped, stats.socket.dropped_by_kernel);
        self.packets_dropped.add(&health.packets_dropped, stats.dropped_packets);
        let undecoded = decoding.frames().saturating_sub(decoding.packets + decoding.fragments);
        self.frames_not_decoded.add(&health.frames_not_decoded, undecoded + stats.fragments.dropped());
    }
}

/// The batches that are being filled, one per parsing thread.
struct Shards {
    lanes: Vec<Lane>,
    batches: Vec<Batch>,
    dropped_packets: u64,
}

impl Shards {
    fn new(lanes: Vec<Lane>) -> Self {
        let batches = lanes.iter().map(|_| Batch::default()).collect();
        Self { lanes, batches, dropped_packets: 0 }
    }

    fn push(&mut self, packet: &Packet<'_>) {
        let shard = shard_of(packet, self.lanes.len());
        let Some(batch) = self.batches.get_mut(shard) else { return };
        batch.push(packet);
        if batch.is_full() {
            self.send(shard);
        }
    }

    fn send_all(&mut self) {
        for shard in 0..self.lanes.len() {
            self.send(shard);
        }
    }

    fn send(&mut self, shard: usize) {
        let (Some(lane), Some(batch)) = (self.lanes.get(shard), self.batches.get_mut(shard)) else { return };
        if batch.is_empty() {
            return;
        }
        let next = lane.empty.try_recv().unwrap_or_default();
        if let Err(TrySendError::Full(mut lost) | TrySendError::Disconnected(mut lost)) =
            lane.full.try_send(std::mem::replace(batch, next))
        {
            self.dropped_packets += lost.len() as u64;
            lost.clear();
            *batch = lost;
        }
    }
}

/// How long a packet may wait in a batch that is not full.
const IDLE: Duration = Duration::from_millis(20);
/// How soon the thread of an idle interface sees that it is to stop.
const QUIET: Duration = Duration::from_millis(100);
/// How often the health counts are brought up to date.
const TELL_INTERVAL: Duration = Duration::from_secs(1);
const FRAMES_PER_LOOK: u32 = 64;
