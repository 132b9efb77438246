//! heist's tasks, spawned and run on one worker of a pool of one.

use std::time::{Duration, Instant};

pub(crate) fn with_pool(body: impl FnOnce() + Send) {
    let pool = heist::ThreadPool::builder().num_threads(1).build().expect("threads");
    pool.install(body);
}

pub(crate) fn join_all(tasks: u64) -> u64 {
    let handles: Vec<_> = (0..tasks).map(|n| heist::spawn(move || n)).collect();
    while heist::yield_now() == Some(heist::Yield::Executed) {}
    handles.into_iter().map(|handle| handle.join().expect("no panic")).sum()
}

pub(crate) fn join_oldest(tasks: u64) -> Duration {
    let mut handles = (0..tasks).map(|n| heist::spawn(move || n)).collect::<Vec<_>>().into_iter();
    let oldest = handles.next().expect("more than none");
    let start = Instant::now();
    assert_eq!(oldest.join().expect("no panic"), 0);
    let time = start.elapsed();
    while heist::yield_now() == Some(heist::Yield::Executed) {}
    time
}
