//! Bounds, batches, flushes and the account of the queue, by a clock that the tests move.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

/// An entry of so many items and bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry(u64, usize);

impl Weigh for Entry {
    fn items(&self) -> u64 {
        self.0
    }

    fn bytes(&self) -> usize {
        self.1
    }
}

const ONE: Entry = Entry(1, 10);

fn queue() -> Queue<Entry> {
    Queue::new(QueueConfig {
        max_queued_items: 10,
        max_queued_bytes: 1_000,
        max_batch_items: 4,
        max_batch_bytes: 500,
        batch_delay: Duration::from_secs(1),
    })
}

/// The account balances; gives it for further checks.
fn balanced(queue: &Queue<Entry>) -> ExportStats {
    let stats = queue.stats();
    assert_eq!(stats.accepted, stats.queued + stats.exported + stats.dropped(), "{stats:?}");
    stats
}

#[tokio::test(start_paused = true)]
async fn a_full_batch_leaves_at_once_and_a_partial_one_after_the_delay() {
    let queue = queue();
    (0..5).for_each(|_| queue.push(ONE));
    let start = Instant::now();
    let batch = queue.next_batch().await.unwrap();
    assert_eq!((batch.entries.len(), start.elapsed()), (4, Duration::ZERO));
    queue.finish(&batch, Outcome::Taken { rejected: 0 });
    let batch = queue.next_batch().await.unwrap();
    assert_eq!((batch.entries.len(), start.elapsed()), (1, Duration::from_secs(1)));
    queue.finish(&batch, Outcome::Dropped);
    let stats = balanced(&queue);
    assert_eq!((stats.exported, stats.dropped_permanent, stats.queued), (4, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn the_newest_is_dropped_when_items_or_bytes_are_too_many() {
    let queue = queue();
    (0..12).for_each(|_| queue.push(ONE));
    assert_eq!(balanced(&queue).dropped_queue_full, 2);
    // What is on its way still takes room.
    let batch = queue.next_batch().await.unwrap();
    queue.push(ONE);
    assert_eq!(balanced(&queue).dropped_queue_full, 3);
    queue.finish(&batch, Outcome::Taken { rejected: 1 });
    queue.push(ONE);
    let stats = balanced(&queue);
    assert_eq!((stats.dropped_queue_full, stats.dropped_rejected, stats.queued), (3, 1, 7));

    let queue = self::queue();
    queue.push(Entry(1, 600));
    queue.push(Entry(1, 600));
    queue.push(Entry(3, 400));
    let stats = balanced(&queue);
    assert_eq!((stats.dropped_queue_full, stats.queued), (1, 4));
    // An entry larger than a request goes alone.
    assert_eq!(queue.next_batch().await.unwrap().entries, [Entry(1, 600)]);
}

#[tokio::test(start_paused = true)]
async fn a_flush_waits_for_all_that_was_queued_and_hurries_it() {
    let queue = Arc::new(queue());
    (0..6).for_each(|_| queue.push(ONE));
    let deliver = tokio::spawn({
        let queue = Arc::clone(&queue);
        async move {
            while let Some(batch) = queue.next_batch().await {
                tokio::time::sleep(Duration::from_millis(100)).await;
                queue.finish(&batch, Outcome::Taken { rejected: 0 });
            }
        }
    });
    let start = Instant::now();
    queue.flush().await;
    assert_eq!((balanced(&queue).exported, start.elapsed()), (6, Duration::from_millis(200)));
    queue.flush().await;
    assert_eq!(start.elapsed(), Duration::from_millis(200), "nothing is left to wait for");
    queue.close();
    deliver.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_closed_queue_gives_what_it_holds_and_takes_nothing() {
    let queue = queue();
    (0..5).for_each(|_| queue.push(ONE));
    queue.close();
    queue.push(ONE);
    let batch = queue.next_batch().await.unwrap();
    queue.finish(&batch, Outcome::Taken { rejected: 0 });
    let late = queue.next_batch().await.unwrap();
    assert_eq!(late.entries.len(), 1);
    assert!(queue.next_batch().await.is_none());
    queue.abandon();
    let stats = balanced(&queue);
    assert_eq!((stats.exported, stats.dropped_shutdown, stats.queued), (4, 2, 0));
    queue.finish(&late, Outcome::Taken { rejected: 0 });
    assert_eq!(balanced(&queue), stats, "what was abandoned is not counted twice");
}

/// What can happen to a queue.
#[derive(Debug, Clone, Copy)]
enum Event {
    Push(Entry),
    Take,
    Finish(Outcome),
    Close,
    Abandon,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => (0_u64..6, 0_usize..700).prop_map(|(items, bytes)| Event::Push(Entry(items, bytes))),
        4 => Just(Event::Take),
        3 => (0_u64..8).prop_map(|rejected| Event::Finish(Outcome::Taken { rejected })),
        1 => Just(Event::Finish(Outcome::Dropped)),
        1 => Just(Event::Close),
        1 => Just(Event::Abandon),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_happens_the_account_balances_and_the_bounds_hold(events in prop::collection::vec(event(), 0..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let config = QueueConfig { batch_delay: Duration::ZERO, ..queue().config };
        let queue: Queue<Entry> = Queue::new(config);
        let mut on_their_way = Vec::new();
        for event in events {
            match event {
                Event::Push(entry) => queue.push(entry),
                Event::Take if queue.lock().entries.is_empty() => {}
                Event::Take => on_their_way.extend(runtime.block_on(queue.next_batch())),
                Event::Finish(outcome) => {
                    if let Some(batch) = on_their_way.pop() {
                        queue.finish(&batch, outcome);
                    }
                }
                Event::Close => queue.close(),
                // As at a shutdown: nothing is delivered afterwards.
                Event::Abandon => {
                    queue.close();
                    on_their_way.clear();
                    queue.abandon();
                }
            }
            let stats = balanced(&queue);
            let state = queue.lock();
            prop_assert!(stats.queued <= 10 && state.waiting_bytes + state.on_their_way_bytes <= 1_000);
            prop_assert_eq!(state.waiting_items, state.entries.iter().map(|entry| entry.0).sum::<u64>());
            prop_assert_eq!(state.waiting_bytes, state.entries.iter().map(|entry| entry.1).sum::<usize>());
        }
    }
}
