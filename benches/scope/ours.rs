//! heist.

use std::sync::atomic::{AtomicUsize, Ordering};

use heist::ThreadPool;

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
    ThreadPool::builder().num_threads(2).build().expect("threads")
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
