//! The tasks that nobody has a handle of.

use std::sync::{
    Arc, Condvar, Mutex,
    atomic::{AtomicU64, Ordering},
};

/// Tasks of one outside thread that have yet to run.
pub(crate) struct Count {
    left: AtomicU64,
    is_zero: Mutex<bool>,
    change: Condvar,
}

impl Count {
    pub(crate) fn new(tasks: u64) -> Arc<Count> {
        let is_zero = Mutex::new(tasks == 0);
        Arc::new(Count { left: AtomicU64::new(tasks), is_zero, change: Condvar::new() })
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
