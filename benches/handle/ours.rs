//! heist's tasks, spawned and run on one worker of a pool of one.

use std::time::Instant;

use crate::{SUM, TASKS, harness::Runner};

/// Runs on a worker, which has nobody to steal from it.
pub(crate) fn on_a_worker(runs: impl Fn(u64) -> f64 + Send + Sync + 'static) -> Runner {
    let pool = heist::ThreadPool::builder().num_threads(1).build().expect("threads");
    Box::new(move |n| pool.install(|| runs(n)))
}

pub(crate) fn join_all() {
    let handles: Vec<_> = (0..TASKS).map(|n| heist::spawn(move || n)).collect();
    while heist::yield_now() == Some(heist::Yield::Executed) {}
    let sum: u64 = handles.into_iter().map(|handle| handle.join().expect("no panic")).sum();
    assert_eq!(sum, SUM);
}

/// Nanoseconds to join the first of them, with the others queued above it.
pub(crate) fn join_oldest() -> f64 {
    let mut handles = (0..TASKS).map(|n| heist::spawn(move || n)).collect::<Vec<_>>().into_iter();
    let oldest = handles.next().expect("more than none");
    let start = Instant::now();
    assert_eq!(oldest.join().expect("no panic"), 0);
    let time = start.elapsed();
    while heist::yield_now() == Some(heist::Yield::Executed) {}
    time.as_nanos() as f64
}
