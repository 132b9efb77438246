//! A whole pool, as small as it may be.

use std::time::Duration;

use crate::{ThreadPool, ThreadPoolBuilder};

/// Stacks of the threads, in words under loom.
const STACK: usize = 1 << 14;

pub(super) fn builder(workers: usize, guests: usize) -> ThreadPoolBuilder {
    ThreadPool::builder()
        .num_threads(workers)
        .max_guests(guests)
        .injector_capacity(2)
        .idle_spin(Duration::ZERO)
        .door_patience(None)
        .stack_size(STACK)
}

#[test]
fn loom_try() {
    super::explore::explore(super::explore::Preemptions { quick: 1, full: 2 }, || {
        let pool = builder(1, 0).build().unwrap();
        let handle = pool.spawn(|| 7);
        assert_eq!(handle.join().unwrap(), 7);
        pool.shutdown();
    });
}
