//! heist, with and without a stand-in at the door.

use heist::{ThreadPool, ThreadPoolBuilder};

pub(crate) fn new() -> ThreadPool {
    build(ThreadPool::builder())
}

pub(crate) fn without_stand_in() -> ThreadPool {
    build(ThreadPool::builder().door_patience(None))
}

fn build(builder: ThreadPoolBuilder) -> ThreadPool {
    builder.num_threads(2).build().expect("threads")
}

impl crate::Pool for ThreadPool {
    fn compute(&self, leaves: usize, leaf: impl Fn() + Send + Sync + Clone + 'static) {
        self.install(|| crate::tree(leaves, &leaf, |a, b| _ = heist::join(a, b)));
    }

    fn spawn(&self, task: impl FnOnce() + Send + 'static) {
        drop(self.spawn(task));
    }
}
