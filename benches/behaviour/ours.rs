//! heist, waiting by default or in an isolated section.

use std::sync::Arc;

use heist::ThreadPool;

use crate::{Job, Pool, Size};

struct Ours {
    pool: ThreadPool,
    isolated: bool,
}

pub(crate) fn new(size: Size, isolated: bool) -> Box<dyn Pool> {
    let builder = ThreadPool::builder().num_threads(size.workers).stack_size(size.stack);
    let pool = builder.injector_capacity(size.capacity).build().expect("threads");
    Box::new(Ours { pool, isolated })
}

impl Ours {
    fn wait(&self, wait: impl FnOnce()) {
        if self.isolated { heist::isolated(wait) } else { wait() }
    }
}

impl Pool for Ours {
    fn spawn(&self, job: Job) {
        drop(self.pool.spawn(job));
    }

    fn join(&self, a: Job, b: Job) {
        self.wait(|| _ = self.pool.join(a, b));
    }

    fn both(&self, item: Arc<dyn Fn(usize) + Send + Sync>) {
        self.wait(|| self.pool.for_each(0..2, |index| item(index)));
    }

    fn spawn_and_wait(&self, job: Job) -> Option<()> {
        let task = self.pool.spawn(job);
        self.wait(|| task.join().expect("no panic"));
        Some(())
    }
}
