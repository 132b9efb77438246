//! rayon.

use std::sync::Arc;

use ::rayon::{
    ThreadPool, ThreadPoolBuilder,
    iter::{IntoParallelIterator, ParallelIterator},
};

use crate::{Job, Pool, Size};

pub(crate) fn new(size: Size) -> Box<dyn Pool> {
    let builder = ThreadPoolBuilder::new().num_threads(size.workers).stack_size(size.stack);
    Box::new(builder.build().expect("threads"))
}

impl Pool for ThreadPool {
    fn spawn(&self, job: Job) {
        ThreadPool::spawn(self, job);
    }

    fn join(&self, a: Job, b: Job) {
        ThreadPool::join(self, a, b);
    }

    fn both(&self, item: Arc<dyn Fn(usize) + Send + Sync>) {
        self.install(|| (0..2_usize).into_par_iter().for_each(|index| item(index)));
    }

    fn spawn_and_wait(&self, _: Job) -> Option<()> {
        None
    }
}
