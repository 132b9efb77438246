//! rayon. From outside a worker runs the body, and the caller waits.

use std::sync::atomic::{AtomicUsize, Ordering};

use ::rayon::{ThreadPool, ThreadPoolBuilder};

use crate::harness::{Runner, time, timed};

pub(crate) fn outside(spawns: usize) -> Runner {
    let pool = pool();
    check(&pool);
    timed(move || spawn(&pool, spawns))
}

pub(crate) fn inside(spawns: usize) -> Runner {
    let pool = pool();
    check(&pool);
    Box::new(move |runs| pool.install(|| time(runs, || spawn(&pool, spawns))))
}

fn pool() -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(2).build().expect("threads")
}

fn spawn(pool: &ThreadPool, spawns: usize) {
    pool.scope(|scope| (0..spawns).for_each(|_| scope.spawn(|_| crate::nothing())));
}

/// Every job runs; unmeasured, since those that are measured are empty.
fn check(pool: &ThreadPool) {
    let count = AtomicUsize::new(0);
    pool.scope(|scope| {
        let job = || _ = count.fetch_add(1, Ordering::Relaxed);
        (0..1000).for_each(|_| scope.spawn(move |_| job()));
    });
    assert_eq!(count.into_inner(), 1000);
}
