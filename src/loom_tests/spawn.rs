//! Tasks reach a worker, whatever it is about to do.

use super::{
    explore::{Preemptions, Tracked, explore},
    house::{gate, pool},
};
use crate::sync::{Arc, AtomicBool, Ordering};

#[test]
fn loom_spawn_wakes_the_only_worker() {
    explore(Preemptions { quick: 3, full: 4 }, || {
        let pool = pool(1, 0);
        let tracked = Tracked::default();
        let task = pool.spawn(move || drop(tracked));
        // Before the end begins, which wakes everybody.
        task.join().unwrap();
    });
}

#[test]
fn loom_spawn_counts_a_task_before_it_runs() {
    explore(Preemptions { quick: 2, full: 3 }, || {
        let pool = pool(1, 0);
        let home = Arc::clone(pool.registry());
        let task = pool.spawn(move || home.unfinished());
        assert_eq!(task.join().unwrap(), 1);
    });
}

#[test]
fn loom_spawn_is_heard_by_a_worker_that_goes_idle() {
    explore(Preemptions { quick: 2, full: 3 }, || {
        let pool = pool(1, 0);
        let first = pool.spawn(|| 1);
        assert_eq!(first.join().unwrap(), 1);
        let second = pool.spawn(|| 2);
        assert_eq!(second.join().unwrap(), 2);
    });
}

#[test]
fn loom_spawn_takes_both_workers_if_both_are_needed() {
    explore(Preemptions { quick: 0, full: 0 }, || {
        let pool = pool(2, 0);
        let (first_is_here, first) = gate();
        let (second_is_here, second) = gate();
        let tasks = [
            pool.spawn(move || (first_is_here(), second()).0),
            pool.spawn(move || (second_is_here(), first()).0),
        ];
        tasks.into_iter().for_each(|task| task.join().unwrap());
    });
}

#[test]
fn loom_spawn_inside_reaches_another_worker() {
    explore(Preemptions { quick: 0, full: 1 }, || {
        let pool = pool(2, 0);
        let parent = pool.spawn(|| {
            let (open, wait) = gate();
            let child = crate::spawn(open);
            wait();
            child
        });
        parent.join().unwrap().join().unwrap();
    });
}

/// A task that follows itself until `done`, at most so many times.
fn follow(done: &Arc<AtomicBool>, most: u32) {
    if !done.load(Ordering::Relaxed) {
        let (done, left) = (Arc::clone(done), most.checked_sub(1).expect("the other starves"));
        crate::spawn(move || follow(&done, left));
    }
}

#[test]
fn loom_spawn_a_task_that_follows_itself_starves_none_that_waits() {
    explore(Preemptions { quick: 1, full: 2 }, || {
        let pool = pool(1, 0);
        let (open, wait) = gate();
        let done = Arc::new(AtomicBool::new(false));
        let follows = Arc::clone(&done);
        let first = pool.spawn(move || {
            wait();
            // One in two turns of three looks is for what waits elsewhere.
            follow(&follows, 6);
        });
        let second = pool.spawn(move || done.store(true, Ordering::Relaxed));
        open();
        [first, second].into_iter().for_each(|task| task.join().unwrap());
        pool.shutdown();
    });
}

#[test]
fn loom_spawn_inside_runs_at_once_what_would_be_too_many() {
    explore(Preemptions { quick: 0, full: 1 }, || {
        let pool = pool(1, 0);
        let parent = pool.spawn(|| {
            // The third runs here, and may leave two more.
            let children = [0, 1, 2].map(|n| {
                crate::spawn(move || {
                    if n == 2 { (0..3).map(|_| crate::spawn(|| ())).collect() } else { Vec::new() }
                })
            });
            assert!(children[2].is_finished());
            children
        });
        for child in parent.join().unwrap() {
            child.join().unwrap().into_iter().for_each(|task| task.join().unwrap());
        }
    });
}
