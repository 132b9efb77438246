//! tokio: arithmetic in futures, sleep in one of two ways.

use ::tokio::{
    runtime::{Builder, Runtime},
    task::block_in_place,
};

pub(crate) struct InPlace(Runtime);
pub(crate) struct Elsewhere(Runtime);

pub(crate) fn in_place() -> InPlace {
    InPlace(runtime())
}

pub(crate) fn elsewhere() -> Elsewhere {
    Elsewhere(runtime())
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).build().expect("threads")
}

impl crate::Pool for InPlace {
    fn compute(&self, task: impl FnOnce() + Send + 'static) {
        drop(self.0.spawn(async { task() }));
    }

    fn sleep(&self, mut task: impl FnMut() -> bool + Send + 'static) {
        drop(self.0.spawn(async move { while block_in_place(&mut task) {} }));
    }
}

impl crate::Pool for Elsewhere {
    fn compute(&self, task: impl FnOnce() + Send + 'static) {
        drop(self.0.spawn(async { task() }));
    }

    fn sleep(&self, mut task: impl FnMut() -> bool + Send + 'static) {
        drop(self.0.spawn_blocking(move || while task() {}));
    }
}
