//! heist: `spawn_keyed`.

use heist::ThreadPool;

use crate::{Keyed, WORKERS};

pub(crate) fn new() -> ThreadPool {
    ThreadPool::builder().num_threads(WORKERS).build().expect("threads")
}

impl Keyed for ThreadPool {
    fn spawn(&self, key: usize, task: impl FnOnce() + Send + 'static) {
        drop(self.spawn_keyed(key, task));
    }
}
