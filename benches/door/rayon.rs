//! rayon.

use ::rayon::{ThreadPool, ThreadPoolBuilder};

pub(crate) fn new() -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(2).build().expect("threads")
}

impl crate::Pool for ThreadPool {
    fn compute(&self, leaves: usize, leaf: impl Fn() + Send + Sync + Clone + 'static) {
        self.install(|| crate::tree(leaves, &leaf, |a, b| _ = ::rayon::join(a, b)));
    }

    fn spawn(&self, task: impl FnOnce() + Send + 'static) {
        self.spawn(task);
    }
}
