//! rayon.

use ::rayon::{ThreadPool, ThreadPoolBuilder};

use crate::{Classes, WORKERS};

pub(crate) struct Rayon(ThreadPool);

pub(crate) fn new() -> Rayon {
    Rayon(ThreadPoolBuilder::new().num_threads(WORKERS).build().expect("threads"))
}

impl Classes for Rayon {
    fn spawn_a(&self, task: impl FnOnce() + Send + 'static) {
        // First in first out, or B would wait for all of A.
        self.0.spawn_fifo(task);
    }

    fn spawn_b(&self, task: impl FnOnce() + Send + 'static) {
        self.0.spawn_fifo(task);
    }
}
