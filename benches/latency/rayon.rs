//! rayon.

use ::rayon::{ThreadPool, ThreadPoolBuilder};

pub(crate) fn new() -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(2).build().expect("threads")
}

impl crate::Spawn for ThreadPool {
    fn spawn(&self, task: impl FnOnce() + Send + 'static) {
        self.spawn(task);
    }
}
