//! heist, with a bulkhead for each class and without.

use heist::{Bulkhead, ThreadPool};

use crate::{Classes, FLOOD, LIMIT, WORKERS};

pub(crate) struct Without(ThreadPool);

/// The pool is there as long as the bulkheads are used.
pub(crate) struct With {
    a: Bulkhead,
    b: Bulkhead,
    _pool: ThreadPool,
}

fn pool() -> ThreadPool {
    ThreadPool::builder().num_threads(WORKERS).build().expect("threads")
}

pub(crate) fn without() -> Without {
    Without(pool())
}

pub(crate) fn with() -> With {
    let pool = pool();
    let class = |name| pool.bulkhead(name).limit(LIMIT).queue(FLOOD).build().expect("options");
    let (a, b) = (class("a"), class("b"));
    With { a, b, _pool: pool }
}

impl Classes for Without {
    fn spawn_a(&self, task: impl FnOnce() + Send + 'static) {
        drop(self.0.spawn(task));
    }

    fn spawn_b(&self, task: impl FnOnce() + Send + 'static) {
        drop(self.0.spawn(task));
    }
}

impl Classes for With {
    fn spawn_a(&self, task: impl FnOnce() + Send + 'static) {
        drop(self.a.spawn(task));
    }

    fn spawn_b(&self, task: impl FnOnce() + Send + 'static) {
        drop(self.b.spawn(task));
    }
}
