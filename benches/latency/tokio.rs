//! tokio: a future that is ready at its first poll.

use ::tokio::runtime::{Builder, Runtime};

pub(crate) fn new() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).build().expect("threads")
}

impl crate::Spawn for Runtime {
    fn spawn(&self, task: impl FnOnce() + Send + 'static) {
        drop(self.spawn(async { task() }));
    }
}
