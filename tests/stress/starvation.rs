//! Who waits is served: behind a blocked task, beside one that never ends, after
//! any number of panics.

use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc;
use std::time::Duration;

use heist::{JoinHandle, ThreadPool};

use crate::crew::until;
use crate::rounds::{Dice, Score, rounds};
use crate::watchdog::Pool;

/// Rounds on one pool: what they find out depends on who sleeps, not on lives.
const ROUNDS: usize = 200;

fn build(workers: usize, idle_spin: Duration, score: &mut Score) -> Pool {
    score.pools += 1;
    let builder = ThreadPool::builder().num_threads(workers).idle_spin(idle_spin);
    // No stand-in: the workers have to manage by themselves.
    let pool = builder.door_patience(None).build().expect("a pool");
    Pool::watched("starvation", pool)
}

fn some_pool(least: usize, dice: &Dice, score: &mut Score) -> Pool {
    let idle_spin = dice.pick(&[Duration::ZERO, Duration::from_millis(1)]);
    build(least + dice.below(3), idle_spin, score)
}

/// A task that waits for `calls` calls without helping.
fn blocked(pool: &ThreadPool, calls: usize) -> (mpsc::Sender<()>, JoinHandle<()>) {
    let (call, hear) = mpsc::channel();
    let blocked = pool.spawn(move || (0..calls).for_each(|_| hear.recv().expect("a call")));
    (call, blocked)
}

/// All but one of the workers are blocked on tasks queued behind theirs.
#[test]
fn a_task_blocked_on_one_queued_behind_it_finishes() {
    rounds(|dice, score| {
        let pool = some_pool(2, dice, score);
        let most = pool.num_threads() - 1;
        for _ in 0..ROUNDS {
            let (call, first) = blocked(&pool, most);
            let others = (1..most).map(|_| {
                let call = call.clone();
                pool.spawn(move || call.send(()).expect("it hears"))
            });
            let others: Vec<_> = others.collect();
            let last = pool.spawn(move || call.send(()).expect("it hears"));
            first.join().unwrap();
            others.into_iter().chain([last]).for_each(|task| task.join().unwrap());
            score.tasks += most as u64 + 1;
        }
    });
}

/// The same with all of them in the deque of a worker that is blocked itself.
#[test]
fn a_task_blocked_on_its_own_child_finishes() {
    rounds(|dice, score| {
        let pool = some_pool(2, dice, score);
        for _ in 0..ROUNDS {
            let children = 1 + dice.below(4);
            let parent = pool.spawn(move || {
                let (call, hear) = mpsc::channel();
                for child in 0..children {
                    let call = call.clone();
                    drop(heist::spawn(move || call.send(child).expect("it hears")));
                }
                (0..children).map(|_| hear.recv().expect("a call")).sum::<usize>()
            });
            assert_eq!(parent.join().unwrap(), (0..children).sum());
            score.tasks += 1 + children as u64;
        }
    });
}

/// A task that spawns itself again until it is told to stop.
fn respawn(stop: Arc<AtomicBool>, runs: Arc<AtomicUsize>) {
    runs.fetch_add(1, SeqCst);
    if !stop.load(SeqCst) {
        drop(heist::spawn(move || respawn(stop, runs)));
    }
}

#[test]
fn tasks_that_respawn_themselves_starve_nobody() {
    rounds(|dice, score| {
        let pool = some_pool(1, dice, score);
        for _ in 0..ROUNDS / 10 {
            let (stop, runs) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
            for _ in 0..pool.num_threads() {
                let (stop, runs) = (stop.clone(), runs.clone());
                drop(pool.spawn(move || respawn(stop, runs)));
            }
            until(|| runs.load(SeqCst) >= pool.num_threads());
            // From outside, for a worker in person, and from outside again.
            pool.spawn(|| ()).join().unwrap();
            pool.install(|| ());
            let last = stop.clone();
            pool.spawn(move || last.store(true, SeqCst)).join().unwrap();
            until(|| pool.metrics().tasks_completed() == pool.metrics().tasks_spawned());
        }
        score.tasks += pool.metrics().tasks_completed();
    });
}

#[test]
fn after_any_number_of_panics_all_workers_work() {
    rounds(|dice, score| {
        let pool = some_pool(1, dice, score);
        for _ in 0..ROUNDS / 10 {
            let tasks: Vec<_> = (0..20_usize)
                .map(|number| {
                    pool.spawn(move || {
                        heist::join(|| (), || panic::resume_unwind(Box::new(number)));
                    })
                })
                .collect();
            for (number, task) in tasks.into_iter().enumerate() {
                let payload = task.join().unwrap_err().into_panic();
                assert_eq!(payload.downcast_ref(), Some(&number));
            }
            // Each waits for all the others: it takes every worker to end it.
            let meeting = std::sync::Barrier::new(pool.num_threads());
            assert_eq!(pool.broadcast(|_| _ = meeting.wait()).len(), pool.num_threads());
        }
        assert_eq!(pool.metrics().tasks_panicked(), pool.metrics().tasks_spawned());
        score.tasks += pool.metrics().tasks_panicked();
    });
}
