//! How a pool ends: nothing accepted is lost, nobody is left waiting.

use std::time::Duration;

use super::{
    explore::{ANY, Preemptions, Tracked, explore},
    house::{block_on, builder, gate, pool},
};
use crate::{
    JoinHandle, ThreadPool, TrySpawnError,
    config::Config,
    parker::Parker,
    registry::{Phase, Registry},
    sync::{Arc, AtomicUsize, Ordering, thread},
};

type Counted = Box<dyn FnOnce() + Send>;
type Refused = TrySpawnError<Counted>;

/// A task that comes while a pool of so many `workers` goes on to `phase` runs, or its
/// closure comes back.
fn spawn_meets(phase: Phase, workers: usize) {
    let pool = Arc::new(pool(workers, 0));
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
    explore(Preemptions { quick: 1, full: 2 }, || spawn_meets(Phase::Closed, 1));
}

#[test]
fn loom_ending_a_spawn_beside_the_end_gets_a_definite_answer() {
    explore(Preemptions { quick: 1, full: 2 }, || spawn_meets(Phase::Ending, 1));
}

#[test]
fn loom_ending_a_spawn_beside_the_end_of_two_workers_gets_a_definite_answer() {
    explore(Preemptions { quick: 1, full: 2 }, || spawn_meets(Phase::Ending, 2));
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
        closure_waits(|pool, task| block_on(pool.spawn_async(task)));
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

/// What the threads of a pool share, without threads, and so many tasks accepted.
fn books(workers: usize, tasks: u32) -> Arc<Registry<()>> {
    let (max_guests, max_stand_ins, door_patience) = (0, 0, None);
    let config = Config { max_guests, max_stand_ins, door_patience, ..Config::default() };
    let registry = Registry::new(workers, config).0;
    (0..tasks).for_each(|_| _ = registry.beside.accept());
    registry
}

/// ORDERING(close): of two threads that each count one of the last two tasks, one sees that
/// the pool is over.
#[test]
fn loom_close_of_two_who_count_the_last_tasks_one_sees_the_end() {
    explore(Preemptions { quick: ANY, full: ANY }, || {
        let registry = books(2, 2);
        registry.advance(Phase::Ending);
        let counts = |registry: &Registry<()>, index| {
            registry.slot(index).counters.tasks_completed.add(1);
            registry.is_over()
        };
        let other = {
            let registry = Arc::clone(&registry);
            thread::spawn(move || counts(&registry, 1))
        };
        let sees = counts(&registry, 0);
        assert!(other.join().unwrap() || sees, "both sleep");
    });
}

/// ORDERING(close): a worker off duty, which has no fence between two looks, hears of the last
/// task that another thread cancels while the pool begins to end.
#[test]
fn loom_close_a_worker_at_rest_hears_that_the_last_task_is_cancelled() {
    explore(Preemptions { quick: 3, full: ANY }, || {
        let registry = books(1, 1);
        let worker = {
            let registry = Arc::clone(&registry);
            thread::spawn(move || {
                let parker = Arc::new(Parker::new());
                while !registry.is_over() {
                    registry.sleep.lie_down(0, &parker);
                    if !registry.is_over() {
                        parker.park();
                    }
                }
            })
        };
        let cancels = {
            let registry = Arc::clone(&registry);
            thread::spawn(move || registry.beside.cancel())
        };
        registry.advance(Phase::Ending);
        worker.join().unwrap();
        cancels.join().unwrap();
    });
}

/// ORDERING(close): what a guest spawns while the last worker is given up runs, or is dropped.
#[test]
fn loom_close_a_task_beside_the_last_worker_given_up_is_decided() {
    explore(Preemptions { quick: 2, full: 3 }, || {
        let mut threads = Vec::new();
        let keep = |thread| Ok(threads.push(thread));
        let pool = builder(1, 1).spawn_handler(keep).build().unwrap();
        let gives_up = thread::spawn(move || drop(threads));
        let tracked = Tracked::default();
        let task = pool.scope(|_| crate::spawn(move || drop(tracked)));
        let _ = task.join();
        gives_up.join().unwrap();
    });
}
