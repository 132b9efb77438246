//! Threads, started when there is something to do.

use std::thread;

pub(crate) struct Threads;

impl crate::Pool for Threads {
    fn compute(&self, leaves: usize, leaf: impl Fn() + Send + Sync + Clone + 'static) {
        thread::scope(|threads| {
            threads.spawn(|| (0..leaves / 2).for_each(|_| leaf()));
            (0..leaves / 2).for_each(|_| leaf());
        });
    }

    fn spawn(&self, task: impl FnOnce() + Send + 'static) {
        drop(thread::spawn(task));
    }
}
