//! tokio: jobs on the threads for blocking, or in place on the workers.

use ::tokio::{
    runtime::{Builder, Runtime},
    task::block_in_place,
};

use crate::{Job, Pool, Size};

struct Blocking(Runtime);
struct InPlace(Runtime);

pub(crate) fn blocking(size: Size, threads: usize) -> Box<dyn Pool> {
    Box::new(Blocking(builder(size).max_blocking_threads(threads).build().expect("threads")))
}

pub(crate) fn in_place(size: Size) -> Box<dyn Pool> {
    Box::new(InPlace(builder(size).build().expect("threads")))
}

fn builder(size: Size) -> Builder {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(size.workers).thread_stack_size(size.stack);
    builder
}

impl Pool for Blocking {
    fn spawn(&self, job: Job) {
        drop(self.0.spawn_blocking(job));
    }

    fn join(&self, a: Job, b: Job) {
        let b = self.0.spawn_blocking(b);
        a();
        self.0.handle().block_on(b).expect("no panic");
    }

    fn spawn_and_wait(&self, job: Job) -> Option<()> {
        let task = self.0.spawn_blocking(job);
        self.0.handle().block_on(task).expect("no panic");
        Some(())
    }
}

impl Pool for InPlace {
    fn spawn(&self, job: Job) {
        drop(self.0.spawn(async { block_in_place(job) }));
    }

    fn join(&self, a: Job, b: Job) {
        let b = self.0.spawn(async { block_in_place(b) });
        a();
        self.0.handle().block_on(b).expect("no panic");
    }

    fn spawn_and_wait(&self, job: Job) -> Option<()> {
        let task = self.0.spawn(async { block_in_place(job) });
        self.0.handle().block_on(task).expect("no panic");
        Some(())
    }
}
