//! tokio, with a semaphore for A.

use std::sync::Arc;

use ::tokio::{
    runtime::{Builder, Runtime},
    sync::Semaphore,
};

use crate::{Classes, LIMIT, WORKERS};

pub(crate) struct Tokio(Runtime, Arc<Semaphore>);

pub(crate) fn new() -> Tokio {
    let runtime = Builder::new_multi_thread().worker_threads(WORKERS).build().expect("threads");
    Tokio(runtime, Arc::new(Semaphore::new(LIMIT)))
}

impl Classes for Tokio {
    fn spawn_a(&self, task: impl FnOnce() + Send + 'static) {
        let semaphore = self.1.clone();
        drop(self.0.spawn(async move {
            let _permit = semaphore.acquire().await.expect("open");
            task();
        }));
    }

    fn spawn_b(&self, task: impl FnOnce() + Send + 'static) {
        drop(self.0.spawn(async { task() }));
    }
}
