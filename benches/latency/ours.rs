//! heist.

use heist::ThreadPool;

pub(crate) fn new() -> ThreadPool {
    ThreadPool::builder().num_threads(2).build().expect("threads")
}

impl crate::Spawn for ThreadPool {
    fn spawn(&self, task: impl FnOnce() + Send + 'static) {
        drop(self.spawn(task));
    }
}
