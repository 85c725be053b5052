//! The bounded queue between those who make telemetry and the task that delivers it, with its exact account.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::QueueConfig;

/// The account of one signal. At any time `accepted` is the sum of `queued`, `exported` and the four kinds of drops.
///
/// Delivery is *at least once*: a receiver that fails between taking a request and answering it gets the request again,
/// and the items of a request that was on its way when the exporter was shut down count as dropped although the receiver
/// may have them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ExportStats {
    /// Items handed to the exporter.
    pub accepted: u64,
    /// Items that wait or are on their way now.
    pub queued: u64,
    /// Items that the receiver took.
    pub exported: u64,
    /// Items dropped because the queue was full.
    pub dropped_queue_full: u64,
    /// Items that the receiver rejected out of a request that it took (partial success).
    pub dropped_rejected: u64,
    /// Items of requests that the receiver refused for good, or that were given up.
    pub dropped_permanent: u64,
    /// Items that had not left when the exporter was shut down, or came afterwards.
    pub dropped_shutdown: u64,
    /// Requests sent again.
    pub retries: u64,
}

impl ExportStats {
    /// All that will never arrive.
    pub const fn dropped(&self) -> u64 {
        self.dropped_queue_full + self.dropped_rejected + self.dropped_permanent + self.dropped_shutdown
    }
}

/// How much room an item takes.
pub(crate) trait Weigh {
    /// How many spans, log records or points it is.
    fn items(&self) -> u64;
    /// How many bytes it holds, by estimate.
    fn bytes(&self) -> usize;
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The receiver took it, except for so many items.
    Taken { rejected: u64 },
    /// It was refused for good or given up.
    Dropped,
}

/// Items that leave together. Must be handed back to [`Queue::finish`].
#[derive(Debug)]
pub(crate) struct Batch<T> {
    pub(crate) entries: Vec<T>,
    items: u64,
    bytes: usize,
}

#[derive(Debug)]
pub(crate) struct Queue<T> {
    config: QueueConfig,
    state: Mutex<State<T>>,
    /// Wakes the delivering task.
    wake: Notify,
    /// Wakes those who wait for a flush.
    finished: Notify,
}

#[derive(Debug)]
struct State<T> {
    entries: VecDeque<T>,
    waiting_items: u64,
    waiting_bytes: usize,
    on_their_way_bytes: usize,
    /// When the oldest entry came.
    oldest: Option<Instant>,
    /// Until this many items have left, none waits for company.
    flush_until: u64,
    is_closed: bool,
    stats: ExportStats,
}

impl<T: Weigh> Queue<T> {
    pub(crate) fn new(config: QueueConfig) -> Self {
        let state = State {
            entries: VecDeque::new(),
            waiting_items: 0,
            waiting_bytes: 0,
            on_their_way_bytes: 0,
            oldest: None,
            flush_until: 0,
            is_closed: false,
            stats: ExportStats::default(),
        };
        Self { config, state: Mutex::new(state), wake: Notify::new(), finished: Notify::new() }
    }

    /// Takes an entry, or drops it and counts that. Never waits.
    pub(crate) fn push(&self, entry: T) {
        let (items, bytes) = (entry.items(), entry.bytes());
        let mut state = self.lock();
        state.stats.accepted += items;
        if state.is_closed {
            state.stats.dropped_shutdown += items;
            return;
        }
        if !state.has_room(&self.config, items, bytes) {
            state.stats.dropped_queue_full += items;
            return;
        }
        let was_empty = state.entries.is_empty();
        state.entries.push_back(entry);
        state.waiting_items += items;
        state.waiting_bytes += bytes;
        state.stats.queued += items;
        if was_empty {
            state.oldest = Some(Instant::now());
        }
        if was_empty || state.fills_a_batch(&self.config) {
            self.wake.notify_one();
        }
    }

    /// The next entries to leave: as many as fit a request, as soon as there are so many or the first has waited long
    /// enough. None when the queue is closed and empty.
    pub(crate) async fn next_batch(&self) -> Option<Batch<T>> {
        loop {
            let ready_at = {
                let mut state = self.lock();
                if state.entries.is_empty() {
                    if state.is_closed {
                        return None;
                    }
                    None
                } else {
                    match state.ready_at(&self.config) {
                        Some(at) if at > Instant::now() => Some(at),
                        _ => return Some(state.take(&self.config)),
                    }
                }
            };
            match ready_at {
                // Timed out or woken: look again either way.
                Some(at) => drop(tokio::time::timeout_at(at, self.wake.notified()).await),
                None => self.wake.notified().await,
            }
        }
    }

    /// Accounts for a batch.
    pub(crate) fn finish<U>(&self, batch: &Batch<U>, outcome: Outcome) {
        let mut state = self.lock();
        state.on_their_way_bytes = state.on_their_way_bytes.saturating_sub(batch.bytes);
        // What was on its way at a shutdown has been accounted for already.
        if state.stats.queued >= batch.items {
            state.stats.queued -= batch.items;
            match outcome {
                Outcome::Taken { rejected } => {
                    let rejected = rejected.min(batch.items);
                    state.stats.exported += batch.items - rejected;
                    state.stats.dropped_rejected += rejected;
                }
                Outcome::Dropped => state.stats.dropped_permanent += batch.items,
            }
        }
        drop(state);
        self.finished.notify_waiters();
    }

    /// Counts a request that is sent again.
    pub(crate) fn count_retry(&self) {
        self.lock().stats.retries += 1;
    }

    /// Waits until all that is queued now has left, one way or the other.
    pub(crate) async fn flush(&self) {
        let target = {
            let mut state = self.lock();
            state.flush_until = state.left() + state.stats.queued;
            state.flush_until
        };
        self.wake.notify_one();
        loop {
            let finished = self.finished.notified();
            tokio::pin!(finished);
            // From here on no wake-up is missed.
            finished.as_mut().enable();
            if self.lock().left() >= target {
                return;
            }
            finished.await;
        }
    }

    /// Takes nothing more; what is queued leaves without waiting for company.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        drop(state);
        self.wake.notify_one();
    }

    /// Drops what is queued or on its way, and counts it. Only after the delivering task has stopped.
    pub(crate) fn abandon(&self) {
        let mut state = self.lock();
        state.entries.clear();
        state.stats.dropped_shutdown += state.stats.queued;
        state.stats.queued = 0;
        state.waiting_items = 0;
        state.waiting_bytes = 0;
        drop(state);
        self.finished.notify_waiters();
    }

    pub(crate) fn stats(&self) -> ExportStats {
        self.lock().stats
    }

    /// A panic elsewhere cannot leave the state half changed in a way that matters more than going on.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Batch<T> {
    /// The same batch for the account alone, and its entries.
    pub(crate) fn split(self) -> (Vec<T>, Batch<()>) {
        (self.entries, Batch { entries: Vec::new(), items: self.items, bytes: self.bytes })
    }
}

impl<T: Weigh> State<T> {
    /// Whether an entry fits. What is on its way still counts, because it may have to be sent again.
    fn has_room(&self, config: &QueueConfig, items: u64, bytes: usize) -> bool {
        let held = self.waiting_bytes.saturating_add(self.on_their_way_bytes);
        let max_items = u64::try_from(config.max_queued_items).unwrap_or(u64::MAX);
        self.stats.queued.saturating_add(items) <= max_items
            && held.saturating_add(bytes) <= config.max_queued_bytes
    }

    fn fills_a_batch(&self, config: &QueueConfig) -> bool {
        let max_items = u64::try_from(config.max_batch_items).unwrap_or(u64::MAX);
        self.waiting_items >= max_items || self.waiting_bytes >= config.max_batch_bytes
    }

    /// From when on a batch may leave; none for now.
    fn ready_at(&self, config: &QueueConfig) -> Option<Instant> {
        let is_due = self.is_closed || self.fills_a_batch(config) || self.left() < self.flush_until;
        let delay = config.batch_delay.min(LONGEST_DELAY);
        self.oldest.filter(|_| !is_due).map(|oldest| oldest + delay)
    }

    /// Takes the entries of a batch: at least one, then as many as fit.
    fn take(&mut self, config: &QueueConfig) -> Batch<T> {
        let mut batch = Batch { entries: Vec::new(), items: 0, bytes: 0 };
        let max_items = u64::try_from(config.max_batch_items).unwrap_or(u64::MAX);
        while let Some(entry) = self.entries.front() {
            let (items, bytes) = (entry.items(), entry.bytes());
            let fits = batch.items + items <= max_items && batch.bytes + bytes <= config.max_batch_bytes;
            if !batch.entries.is_empty() && !fits {
                break;
            }
            batch.items += items;
            batch.bytes += bytes;
            batch.entries.extend(self.entries.pop_front());
        }
        self.waiting_items = self.waiting_items.saturating_sub(batch.items);
        self.waiting_bytes = self.waiting_bytes.saturating_sub(batch.bytes);
        self.on_their_way_bytes += batch.bytes;
        // The rest came later, but has waited at least since now.
        self.oldest = (!self.entries.is_empty()).then(Instant::now);
        batch
    }
}

impl<T> State<T> {
    /// How many items have gone through the queue and left it.
    const fn left(&self) -> u64 {
        let stats = &self.stats;
        stats.accepted - stats.queued - stats.dropped_queue_full
    }
}

/// No entry waits longer for company, whatever is configured.
const LONGEST_DELAY: Duration = Duration::from_secs(3_600);

#[cfg(test)]
mod tests;
