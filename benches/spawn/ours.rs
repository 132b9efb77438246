//! heist, a handle for every task.

use std::thread;

use heist::{JoinHandle, ThreadPool, TrySpawnError};

use crate::harness::Runner;

pub(crate) fn spawn(threads: u64) -> Runner {
    let pool = pool();
    crate::from_outside(threads, move |tasks| {
        join((0..tasks).map(|n| pool.spawn(move || n)), tasks);
    })
}

pub(crate) fn try_spawn(threads: u64) -> Runner {
    let pool = pool();
    crate::from_outside(threads, move |tasks| {
        join((0..tasks).map(|n| until_taken(&pool, move || n)), tasks);
    })
}

pub(crate) fn pool() -> ThreadPool {
    ThreadPool::builder().num_threads(2).build().expect("threads")
}

/// Asks until there is room.
pub(crate) fn until_taken<T, F>(pool: &ThreadPool, mut task: F) -> JoinHandle<T>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    loop {
        match pool.try_spawn(task) {
            Ok(handle) => break handle,
            Err(TrySpawnError::Full(refused)) => task = refused,
            Err(TrySpawnError::Closed(_)) => unreachable!("nobody closes the pool"),
        }
        thread::yield_now();
    }
}

fn join(spawns: impl Iterator<Item = JoinHandle<u64>>, tasks: u64) {
    let mut handles = Vec::with_capacity(tasks as usize);
    handles.extend(spawns);
    let sum: u64 = handles.into_iter().map(|handle| handle.join().expect("no panic")).sum();
    assert_eq!(sum, crate::sum(tasks));
}
