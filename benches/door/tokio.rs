//! tokio: two tasks that compute and await nothing.

use ::tokio::runtime::{Builder, Runtime};

pub(crate) fn new() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).build().expect("threads")
}

impl crate::Pool for Runtime {
    fn compute(&self, leaves: usize, leaf: impl Fn() + Send + Sync + Clone + 'static) {
        let half = || {
            let leaf = leaf.clone();
            self.spawn(async move { (0..leaves / 2).for_each(|_| leaf()) })
        };
        for half in [half(), half()] {
            self.block_on(half).expect("no panic");
        }
    }

    fn spawn(&self, task: impl FnOnce() + Send + 'static) {
        drop(self.spawn(async { task() }));
    }
}
