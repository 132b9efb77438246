//! What a thread does while a panic is on its way through a `join`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use heist::WorkerMetrics;

use crate::support::{Count, hold_some, pool, pool_without, until, within_a_minute};

/// Runs `join`, whose first closure panics.
fn panics<R>(join: impl FnOnce() -> R) {
    let payload = catch_unwind(AssertUnwindSafe(join)).map(drop).expect_err("a panic");
    assert_eq!(payload.downcast_ref(), Some(&"of the first half"));
}

/// The first half, which somebody has to have taken the second from.
fn first_half(taken: &Count) {
    until(|| taken.get() == 1);
    std::panic::panic_any("of the first half");
}

#[test]
fn the_stolen_half_may_broadcast() {
    within_a_minute(|| {
        let (pool, taken, ran) = (pool(2), Count::default(), Count::default());
        let second_half = || {
            taken.add();
            pool.broadcast(|_| ran.add());
        };
        panics(|| pool.install(|| pool.join(|| first_half(&taken), second_half)));
        assert_eq!(ran.get(), 2);
    });
}

#[test]
fn the_stolen_half_may_call_the_pool_whose_only_worker_waits_for_it() {
    within_a_minute(|| {
        let (home, abroad) = (pool(1), pool(1));
        let (taken, ran) = (Count::default(), Count::default());
        let second_half = || {
            taken.add();
            home.install(|| ran.add());
        };
        panics(|| home.install(|| abroad.join(|| first_half(&taken), second_half)));
        assert_eq!(ran.get(), 1);
    });
}

#[test]
fn the_stolen_half_may_wait_for_what_the_first_has_spawned() {
    within_a_minute(|| {
        let (pool, taken) = (pool(2), &Count::default());
        let (say, heard) = mpsc::channel();
        let task = move || say.send(std::thread::panicking()).unwrap();
        let first_half = || {
            until(|| taken.get() == 1);
            drop(heist::spawn(task));
            first_half(taken);
        };
        let second_half = move || {
            taken.add();
            assert_eq!(heard.recv(), Ok(false));
        };
        panics(|| pool.install(|| pool.join(first_half, second_half)));
    });
}

/// Its place is open while it sleeps so, but it does sleep.
#[test]
fn and_the_worker_sleeps_meanwhile_and_is_in_no_blocking_section() {
    within_a_minute(|| {
        let (pool, taken) = (&pool(2), &Count::default());
        let (say, heard) = mpsc::channel();
        let first_half = || {
            until(|| taken.get() == 1);
            drop(heist::spawn(move || say.send(()).unwrap()));
            first_half(taken);
        };
        let second_half = move || {
            taken.add();
            // By a stand-in, so the worker is at it.
            heard.recv().unwrap();
            let still = |worker: &WorkerMetrics| worker.parked + worker.blocked;
            let before = pool.metrics().workers;
            until(|| {
                let now = pool.metrics().workers;
                let sleeps = |now: &WorkerMetrics| now.parks > now.wakes;
                now.iter()
                    .zip(&before)
                    .any(|(now, before)| sleeps(now) && still(now) > still(before))
            });
        };
        panics(|| pool.install(|| pool.join(first_half, second_half)));
        let workers = pool.metrics().workers;
        assert!(workers.iter().all(|worker| worker.blocked.is_zero()), "{workers:?}");
    });
}

#[test]
fn of_a_threads_two_workers_the_one_with_tasks_steps_aside_and_comes_back() {
    within_a_minute(|| {
        let (pool, unrun) = pool_without(3, 1);
        let (sent, taken) = (Count::default(), &Count::default());
        let (say, heard) = mpsc::channel();
        let (say, heard) = (Mutex::new(Some(say)), Mutex::new(heard));
        let first_half = || {
            until(|| taken.get() == 1);
            let say = say.lock().unwrap().take().unwrap();
            drop(heist::spawn(move || say.send(()).unwrap()));
            first_half(taken);
        };
        let second_half = || {
            taken.add();
            heard.lock().unwrap().recv().unwrap();
        };
        let unwinds = |index| {
            sent.add();
            if index == 1 {
                heist::join(first_half, second_half);
            }
        };
        thread::scope(|threads| {
            threads.spawn(|| panics(|| pool.broadcast(|cx| unwinds(cx.index()))));
            // The worker that is given up has its job when another has begun its own.
            pool.install(|| {
                until(|| sent.get() > 0);
                drop(unrun);
            });
        });
    });
}

#[test]
fn in_an_isolated_section_the_wait_runs_no_task_either() {
    within_a_minute(|| {
        let (pool, taken) = (Arc::new(pool(2)), Count::default());
        let seen = Arc::new(Mutex::new(None));
        let told = seen.clone();
        let task = move || *told.lock().unwrap() = Some(std::thread::panicking());
        let sleeps = || pool.metrics().workers.iter().any(|worker| worker.parks > worker.wakes);
        let second_half = || {
            taken.add();
            until(|| sleeps() || seen.lock().unwrap().is_some());
        };
        let section = || {
            let first_half = || {
                until(|| taken.get() == 1);
                drop(heist::spawn(task));
                first_half(&taken);
            };
            heist::join(first_half, second_half);
        };
        panics(|| pool.install(|| heist::isolated(section)));
        until(|| seen.lock().unwrap().is_some());
        assert_eq!(*seen.lock().unwrap(), Some(false));
    });
}

/// To such a task the panic would seem its own, and a lock that it holds would not be
/// poisoned by one that is.
#[test]
fn a_second_half_that_joins_runs_no_strangers_task() {
    within_a_minute(|| {
        let pool = Arc::new(pool(2));
        let held = hold_some(&pool, 1);
        let (taken, seen) = (Count::default(), Arc::new(Mutex::new(None)));
        let told = seen.clone();
        let stranger = move || *told.lock().unwrap() = Some(std::thread::panicking());
        let sleeps = || pool.metrics().workers.iter().any(|worker| worker.parks > worker.wakes);
        let joins = || {
            held.release();
            let inner = || {
                until(|| taken.get() == 1);
                drop(pool.spawn(stranger));
            };
            let stolen = || {
                taken.add();
                until(sleeps);
            };
            pool.join(inner, stolen)
        };
        let first_half = || std::panic::panic_any("of the first half");
        panics(|| pool.install(|| pool.join(first_half, joins)));
        until(|| seen.lock().unwrap().is_some());
        assert_eq!(*seen.lock().unwrap(), Some(false));
    });
}
