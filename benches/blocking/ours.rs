//! heist, told and not told that a task blocks.

use heist::ThreadPool;

pub(crate) struct Told(ThreadPool);
pub(crate) struct NotTold(ThreadPool);

pub(crate) fn told() -> Told {
    Told(pool())
}

pub(crate) fn not_told() -> NotTold {
    NotTold(pool())
}

fn pool() -> ThreadPool {
    ThreadPool::builder().num_threads(2).build().expect("threads")
}

impl crate::Pool for Told {
    fn compute(&self, task: impl FnOnce() + Send + 'static) {
        drop(self.0.spawn(task));
    }

    fn sleep(&self, mut task: impl FnMut() -> bool + Send + 'static) {
        drop(self.0.spawn(move || while heist::blocking(&mut task) {}));
    }
}

impl crate::Pool for NotTold {
    fn compute(&self, task: impl FnOnce() + Send + 'static) {
        drop(self.0.spawn(task));
    }

    fn sleep(&self, mut task: impl FnMut() -> bool + Send + 'static) {
        drop(self.0.spawn(move || while task() {}));
    }
}
