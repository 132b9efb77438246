//! How a pool ends: nothing accepted is lost, nobody is left waiting.

use std::{
    pin::pin,
    task::{Context, Poll},
    time::Duration,
};

use super::{
    explore::{Preemptions, Tracked, explore},
    house::{builder, gate, pool},
};
use crate::{
    JoinHandle, ThreadPool, TrySpawnError,
    parker::Parker,
    registry::Phase,
    sync::{Arc, AtomicUsize, Ordering, thread},
};

type Counted = Box<dyn FnOnce() + Send>;
type Refused = TrySpawnError<Counted>;

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

/// A closure that waits for room with `bring` while the pool is closed runs, or comes back.
fn closure_waits(bring: impl FnOnce(&ThreadPool, Counted) -> Result<JoinHandle<()>, Refused>) {
    let pool = Arc::new(builder(1, 0).injector_capacity(1).build().unwrap());
    let (open, wait) = gate();
    let busy = pool.spawn(wait);
    let runs = Arc::new(AtomicUsize::new(0));
    // By another thread: so the first schedules are those in which this one waits.
    let closer = {
        let pool = Arc::clone(&pool);
        thread::spawn(move || {
            pool.close();
            open();
        })
    };
    let (ran, tracked) = (Arc::clone(&runs), Tracked::default());
    let task: Counted = Box::new(move || {
        ran.fetch_add(1, Ordering::Relaxed);
        drop(tracked);
    });
    match bring(&pool, task) {
        Ok(task) => task.join().unwrap(),
        Err(refused) => {
            assert!(refused.is_closed());
            refused.into_inner()();
        }
    }
    assert_eq!(runs.load(Ordering::Relaxed), 1);
    closer.join().unwrap();
    busy.join().unwrap();
}

#[test]
fn loom_ending_gives_a_closure_back_that_waits_for_room() {
    explore(Preemptions { quick: 1, full: 2 }, || {
        closure_waits(|pool, task| pool.spawn_timeout(task, Duration::MAX));
    });
}

#[test]
fn loom_ending_gives_a_closure_back_whose_future_waits_for_room() {
    explore(Preemptions { quick: 1, full: 2 }, || {
        closure_waits(|pool, task| {
            let parker = Parker::current();
            let waker = parker.waker();
            let mut spawn = pin!(pool.spawn_async(task));
            loop {
                match spawn.as_mut().poll(&mut Context::from_waker(&waker)) {
                    Poll::Ready(spawned) => break spawned,
                    Poll::Pending => parker.park(),
                }
            }
        });
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
