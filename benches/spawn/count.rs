//! The tasks that nobody has a handle of.

use std::sync::{
    Condvar, Mutex,
    atomic::{AtomicU64, Ordering},
};

use crossbeam_utils::CachePadded;

/// Tasks of one outside thread that have yet to run.
pub(crate) struct Count {
    left: CachePadded<AtomicU64>,
    is_zero: Mutex<bool>,
    change: Condvar,
}

impl Count {
    /// Leaked, so that no task pays for a share of it.
    pub(crate) fn new(tasks: u64) -> &'static Count {
        let (left, is_zero) = (AtomicU64::new(tasks).into(), Mutex::new(tasks == 0));
        Box::leak(Box::new(Count { left, is_zero, change: Condvar::new() }))
    }

    /// One less; the last one wakes who waits.
    pub(crate) fn down(&self) {
        // Wraps if a task ran twice, and then the wait has no end.
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            *self.is_zero.lock().expect("no panic") = true;
            self.change.notify_one();
        }
    }

    pub(crate) fn wait(&self) {
        let is_zero = self.is_zero.lock().expect("no panic");
        drop(self.change.wait_while(is_zero, |is_zero| !*is_zero).expect("no panic"));
        assert_eq!(self.left.load(Ordering::Relaxed), 0, "each task runs once");
    }
}
