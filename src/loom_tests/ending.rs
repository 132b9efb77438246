//! How a pool ends: nothing accepted is lost, nobody is left waiting.

use super::{
    explore::{Preemptions, Tracked, explore},
    house::{builder, gate, pool},
};
use crate::{
    registry::Phase,
    sync::{Arc, thread},
};

/// A task that comes while the pool goes on to `phase` runs, or its closure
/// comes back.
fn spawn_meets(phase: Phase) {
    let pool = Arc::new(pool(1, 0));
    let tracked = Tracked::default();
    let ender = {
        let pool = Arc::clone(&pool);
        thread::spawn(move || pool.registry().advance(phase))
    };
    match pool.try_spawn(move || drop(tracked)) {
        Ok(task) => task.join().unwrap(),
        Err(refused) => {
            assert!(refused.is_closed());
            refused.into_inner()();
        }
    }
    ender.join().unwrap();
}

#[test]
fn loom_ending_a_spawn_beside_close_gets_a_definite_answer() {
    explore(Preemptions { quick: 1, full: 2 }, || spawn_meets(Phase::Closed));
}

#[test]
fn loom_ending_a_spawn_beside_the_end_gets_a_definite_answer() {
    explore(Preemptions { quick: 1, full: 2 }, || spawn_meets(Phase::Ending));
}

#[test]
fn loom_ending_waits_for_what_was_accepted() {
    explore(Preemptions { quick: 2, full: 3 }, || {
        let pool = pool(1, 0);
        let tracked = Tracked::default();
        let child = Tracked::clone(&tracked);
        let task = pool.spawn(move || (tracked, crate::spawn(move || drop(child))));
        pool.shutdown();
        assert!(task.is_finished());
        let (_tracked, child) = task.join().unwrap();
        // Run, or refused because it came after the close.
        assert!(child.is_finished());
        assert!(child.join().map_or_else(|error| error.is_cancelled(), |()| true));
    });
}

#[test]
fn loom_ending_sends_a_blocked_spawner_away() {
    explore(Preemptions { quick: 1, full: 1 }, || {
        let pool = Arc::new(builder(1, 0).injector_capacity(1).build().unwrap());
        let (open, wait) = gate();
        let busy = pool.spawn(wait);
        let spawner = {
            let pool = Arc::clone(&pool);
            thread::spawn(move || {
                let tracked = Tracked::default();
                pool.spawn(move || drop(tracked))
            })
        };
        pool.close();
        open();
        let late = spawner.join().unwrap();
        busy.join().unwrap();
        assert!(late.join().map_or_else(|error| error.is_cancelled(), |()| true));
    });
}

#[test]
fn loom_ending_now_counts_what_it_drops_at_the_entrance() {
    explore(Preemptions { quick: 1, full: 1 }, || {
        let pool = pool(1, 0);
        let tracked = Tracked::default();
        let task = pool.spawn(move || drop(tracked));
        let dropped = pool.shutdown_now();
        match task.join() {
            Ok(()) => assert_eq!(dropped, 0),
            Err(error) => assert!(dropped == 1 && error.is_cancelled()),
        }
    });
}

#[test]
fn loom_ending_now_counts_what_workers_drop() {
    explore(Preemptions { quick: 1, full: 1 }, || {
        let pool = pool(1, 0);
        let tracked = Tracked::default();
        let child = Tracked::clone(&tracked);
        let task = pool.spawn(move || (tracked, crate::spawn(move || drop(child))).1);
        let dropped = pool.shutdown_now();
        match task.join().map(|child| child.join()) {
            Ok(Ok(())) => assert_eq!(dropped, 0),
            // The child was dropped, or came after the close.
            Ok(Err(error)) => assert!(dropped <= 1 && error.is_cancelled()),
            Err(error) => assert!(dropped == 1 && error.is_cancelled()),
        }
    });
}

#[test]
fn loom_ending_reaches_a_worker_that_sleeps_beside_the_last_task() {
    explore(Preemptions { quick: 1, full: 1 }, || {
        let pool = pool(2, 0);
        let task = pool.spawn(|| 7);
        pool.shutdown();
        assert_eq!(task.join().unwrap(), 7);
    });
}

#[test]
fn loom_ending_keeps_a_worker_for_the_child_of_a_task_that_blocks() {
    explore(Preemptions { quick: 1, full: 1 }, || {
        let pool = pool(2, 0);
        let task = pool.spawn(|| {
            let (open, wait) = gate();
            let child = crate::spawn(open);
            // Refused if it came after the close, and finished at once.
            if !child.is_finished() {
                wait();
            }
        });
        pool.shutdown();
        task.join().unwrap();
    });
}

#[test]
fn loom_ending_begins_on_a_worker_and_comes_by_itself() {
    explore(Preemptions { quick: 3, full: 4 }, || {
        let pool = Arc::new(pool(1, 0));
        let inside = Arc::clone(&pool);
        let task = pool.spawn(move || drop(inside));
        drop(pool);
        task.join().unwrap();
    });
}

/// ORDERING(close): who cancels it sees that the pool ends, or the worker that nothing is left.
#[test]
fn loom_ending_hears_of_the_last_task_that_another_thread_cancels() {
    explore(Preemptions { quick: 2, full: 3 }, || {
        let pool = pool(1, 0);
        let task = pool.spawn(|| ());
        let cancels = thread::spawn(move || {
            task.cancel();
        });
        pool.shutdown();
        cancels.join().unwrap();
    });
}
