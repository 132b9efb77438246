//! rayon.

use ::rayon::{ThreadPool, ThreadPoolBuilder, prelude::*};

pub(crate) fn new() -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(2).build().expect("threads")
}

impl crate::Spawn for ThreadPool {
    fn spawn(&self, task: impl FnOnce() + Send + 'static) {
        self.spawn(task);
    }
}

impl crate::Burst for ThreadPool {
    fn burst(&self, pieces: usize, piece: impl Fn() + Send + Sync + Copy + 'static) {
        self.install(|| (0..pieces).into_par_iter().for_each(|_| piece()));
    }
}
