//! A mutex for each key, on the pools of rayon and of tokio.

use std::sync::{Arc, Mutex};

use ::rayon::{ThreadPool, ThreadPoolBuilder};
use ::tokio::runtime::{Builder, Runtime};

use crate::{KEYS, Keyed, WORKERS};

pub(crate) struct Mutexes<P> {
    pool: P,
    keys: Arc<Vec<Mutex<()>>>,
}

fn keys() -> Arc<Vec<Mutex<()>>> {
    Arc::new((0..KEYS).map(|_| Mutex::new(())).collect())
}

pub(crate) fn rayon() -> Mutexes<ThreadPool> {
    let pool = ThreadPoolBuilder::new().num_threads(WORKERS).build().expect("threads");
    Mutexes { pool, keys: keys() }
}

pub(crate) fn tokio() -> Mutexes<Runtime> {
    let pool = Builder::new_multi_thread().worker_threads(WORKERS).build().expect("threads");
    Mutexes { pool, keys: keys() }
}

impl Keyed for Mutexes<ThreadPool> {
    fn spawn(&self, key: usize, task: impl FnOnce() + Send + 'static) {
        let keys = self.keys.clone();
        self.pool.spawn_fifo(move || {
            let _lock = keys[key].lock().expect("no panic");
            task();
        });
    }
}

impl Keyed for Mutexes<Runtime> {
    fn spawn(&self, key: usize, task: impl FnOnce() + Send + 'static) {
        let keys = self.keys.clone();
        drop(self.pool.spawn(async move {
            let _lock = keys[key].lock().expect("no panic");
            task();
        }));
    }
}
