//! rayon.

use ::rayon::{ThreadPool, ThreadPoolBuilder};

pub(crate) fn new() -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(2).build().expect("threads")
}

impl crate::Pool for ThreadPool {
    fn compute(&self, task: impl FnOnce() + Send + 'static) {
        self.spawn(task);
    }

    fn sleep(&self, mut task: impl FnMut() -> bool + Send + 'static) {
        self.spawn(move || while task() {});
    }
}
