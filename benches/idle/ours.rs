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

impl crate::Burst for ThreadPool {
    fn burst(&self, pieces: usize, piece: impl Fn() + Send + Sync + Copy + 'static) {
        self.for_each(0..pieces, |_| piece());
    }
}
