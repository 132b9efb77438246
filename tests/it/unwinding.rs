//! What a thread does while a panic is on its way through a `join`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use crate::support::{Count, pool, until, within_a_minute};

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

/// To such a task the panic would seem its own, and a lock that it holds would not be
/// poisoned by one that is.
#[test]
fn a_second_half_that_waits_runs_no_strangers_task() {
    within_a_minute(|| {
        let pool = Arc::new(pool(2));
        let (begun, seen) = (Count::shared(), Arc::new(Mutex::new(None)));
        let (own, count) = (pool.clone(), begun.clone());
        let other = pool.spawn(move || {
            count.add();
            until(|| own.metrics().workers.iter().any(|worker| worker.parks > worker.wakes));
        });
        until(|| begun.get() == 1);
        let (told, other) = (seen.clone(), Mutex::new(Some(other)));
        let stranger = move || *told.lock().unwrap() = Some(std::thread::panicking());
        let first_half = || {
            drop(pool.spawn(stranger));
            std::panic::panic_any("of the first half");
        };
        let second_half = || other.lock().unwrap().take().expect("once").join().unwrap();
        panics(|| pool.install(|| pool.join(first_half, second_half)));
        until(|| seen.lock().unwrap().is_some());
        assert_eq!(*seen.lock().unwrap(), Some(false));
    });
}
