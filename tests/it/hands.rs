//! Fine tasks are taken a few at a time; nothing waits behind a coarse one for that.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
    mpsc,
};
use std::thread;
use std::time::Duration;

use heist::{JoinHandle, ThreadPool};

use crate::support::{NORMAL, builder, hold, pool, within_a_minute};

/// Fine tasks that come first, so that workers take many at a time.
const BEFORE: usize = 64;

const AFTER: usize = 100;

/// On a pool whose workers are busy until `release`: a task among fine ones that goes on
/// only when all others have run.
fn a_task_that_waits_for_the_rest_ends(pool: &ThreadPool) {
    for _ in 0..30 {
        let held = hold(pool);
        let ran = Arc::new(AtomicUsize::new(0));
        let (send, receive) = mpsc::channel();
        let fine = || {
            let (ran, send) = (Arc::clone(&ran), send.clone());
            pool.spawn(move || {
                if ran.fetch_add(1, Ordering::Relaxed) + 1 == BEFORE + AFTER {
                    send.send(()).unwrap();
                }
            })
        };
        let mut tasks: Vec<_> = (0..BEFORE).map(|_| fine()).collect();
        tasks.push(pool.spawn(move || receive.recv().unwrap()));
        tasks.extend((0..AFTER).map(|_| fine()));
        held.release();
        tasks.into_iter().for_each(|task| task.join().unwrap());
    }
}

#[test]
fn what_a_worker_has_in_hand_is_run_by_others_while_it_blocks() {
    within_a_minute(|| a_task_that_waits_for_the_rest_ends(&pool(2)));
}

#[test]
fn what_the_only_worker_has_in_hand_is_run_by_a_stand_in() {
    within_a_minute(|| {
        let soon = Some(Duration::from_millis(1));
        a_task_that_waits_for_the_rest_ends(&builder(1).door_patience(soon).build().unwrap());
    });
}

/// The only worker of a pool blocks, with tasks before it done and `AFTER` more behind it,
/// some of them in hand.
struct Blocked {
    before: Vec<JoinHandle<()>>,
    blocks: JoinHandle<()>,
    after: Vec<JoinHandle<()>>,
    /// Dropped, lets it go on.
    end: mpsc::Sender<()>,
}

fn only_worker() -> ThreadPool {
    builder(1).door_patience(None).build().unwrap()
}

fn block(pool: &ThreadPool) -> Blocked {
    let held = hold(pool);
    let (begin, begun) = mpsc::channel();
    let (end, ended) = mpsc::channel::<()>();
    let before = (0..BEFORE).map(|_| pool.spawn(|| ())).collect();
    let blocks = pool.spawn(move || {
        begin.send(()).unwrap();
        ended.recv().unwrap_err();
    });
    let after = (0..AFTER).map(|_| pool.spawn(|| ())).collect();
    held.release();
    begun.recv().unwrap();
    Blocked { before, blocks, after, end }
}

#[test]
fn what_waits_is_counted_in_the_lane_or_in_a_hand() {
    within_a_minute(|| {
        let pool = only_worker();
        let mut in_hand = 0;
        for _ in 0..30 {
            let Blocked { before, blocks, after, end } = block(&pool);
            let metrics = pool.metrics();
            let (lane, hand) = (&metrics.lanes[NORMAL], metrics.workers[0].queue_depth);
            assert_eq!(lane.depth + hand, AFTER);
            in_hand += hand;
            assert!(lane.depth >= AFTER - 15);
            drop(end);
            before.into_iter().chain([blocks]).chain(after).for_each(|task| task.join().unwrap());
        }
        assert!(in_hand > 0, "none was ever taken in advance");
    });
}

#[test]
fn what_is_in_hand_is_dropped_by_an_end_at_once() {
    within_a_minute(|| {
        for _ in 0..30 {
            let pool = only_worker();
            let Blocked { before, blocks, after, end } = block(&pool);
            let ends = thread::spawn(move || pool.shutdown_now());
            // While their worker still blocks.
            after.into_iter().for_each(|task| assert!(task.join().unwrap_err().is_cancelled()));
            drop(end);
            assert_eq!(ends.join().unwrap(), AFTER);
            before.into_iter().chain([blocks]).for_each(|task| task.join().unwrap());
        }
    });
}

#[test]
fn cancelled_tasks_in_a_hand_hide_none_of_those_that_wait() {
    within_a_minute(|| {
        let pool = only_worker();
        for _ in 0..30 {
            let Blocked { before, blocks, after, end } = block(&pool);
            let hand = pool.metrics().workers[0].queue_depth;
            assert!(after[..hand].iter().all(|task| task.cancel()));
            assert_eq!(pool.metrics().lanes[NORMAL].depth, AFTER - hand);
            drop(end);
            before.into_iter().chain([blocks]).for_each(|task| task.join().unwrap());
            after.into_iter().skip(hand).for_each(|task| task.join().unwrap());
        }
    });
}
