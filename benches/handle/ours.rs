//! heist's tasks, spawned and run on one worker of a pool of one.

use std::{sync::mpsc, time::Instant};

use heist::{CancellationToken, JoinHandle, ThreadPool};

use crate::{SUM, TASKS, harness::Runner};

const BACKLOG: usize = 100_000;

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

/// Tasks that wait behind the only worker of a pool.
pub(crate) struct Backlog {
    token: CancellationToken,
    /// The worker waits until it is dropped.
    gate: mpsc::Sender<()>,
    last: JoinHandle<()>,
}

/// Times what `end` times of a backlog.
pub(crate) fn backlog(end: fn(Backlog) -> f64) -> Runner {
    let builder = ThreadPool::builder().num_threads(1).injector_capacity(BACKLOG + 1);
    let pool = builder.door_patience(None).build().expect("threads");
    Box::new(move |runs| (0..runs).map(|_| end(Backlog::wait(&pool))).sum())
}

impl Backlog {
    fn wait(pool: &ThreadPool) -> Backlog {
        let (gate, opened) = mpsc::channel();
        drop(pool.spawn(move || opened.recv()));
        let token = CancellationToken::new();
        for _ in 0..BACKLOG {
            drop(pool.task().cancel_token(&token).spawn(|| ()));
        }
        Backlog { token, gate, last: pool.spawn(|| ()) }
    }
}

/// Nanoseconds until the worker has come to the last.
pub(crate) fn clear(Backlog { gate, last, .. }: Backlog) -> f64 {
    let start = Instant::now();
    drop(gate);
    last.join().expect("not cancelled");
    start.elapsed().as_nanos() as f64
}

pub(crate) fn clear_cancelled(backlog: Backlog) -> f64 {
    backlog.token.cancel();
    clear(backlog)
}

pub(crate) fn cancel(backlog: Backlog) -> f64 {
    let start = Instant::now();
    backlog.token.cancel();
    start.elapsed().as_nanos() as f64 + clear(backlog)
}
