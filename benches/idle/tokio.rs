//! tokio: a future for every task and for every piece of a burst.

use ::tokio::runtime::{Builder, Runtime};

pub(crate) fn new() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).build().expect("threads")
}

impl crate::Spawn for Runtime {
    fn spawn(&self, task: impl FnOnce() + Send + 'static) {
        drop(self.spawn(async { task() }));
    }
}

impl crate::Burst for Runtime {
    fn burst(&self, pieces: usize, piece: impl Fn() + Send + Sync + Copy + 'static) {
        let tasks: Vec<_> = (0..pieces).map(|_| self.spawn(async move { piece() })).collect();
        self.block_on(async {
            for task in tasks {
                task.await.expect("no panic");
            }
        });
    }
}
