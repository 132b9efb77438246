//! One thread with a queue for each worker; a key belongs to one of them.

use std::{
    hash::{BuildHasher, RandomState},
    sync::mpsc::{self, Sender},
    thread::{self, JoinHandle},
};

use crate::{Keyed, WORKERS};

type Task = Box<dyn FnOnce() + Send>;

pub(crate) struct Shards {
    senders: Vec<Sender<Task>>,
    threads: Vec<JoinHandle<()>>,
    hasher: RandomState,
}

impl Shards {
    pub(crate) fn new() -> Shards {
        let shard = |_| {
            let (sender, receiver) = mpsc::channel::<Task>();
            (sender, thread::spawn(move || receiver.iter().for_each(|task| task())))
        };
        let (senders, threads) = (0..WORKERS).map(shard).unzip();
        Shards { senders, threads, hasher: RandomState::new() }
    }
}

impl Keyed for Shards {
    fn spawn(&self, key: usize, task: impl FnOnce() + Send + 'static) {
        let shard = self.hasher.hash_one(key) as usize % WORKERS;
        self.senders[shard].send(Box::new(task)).expect("the thread lives");
    }
}

impl Drop for Shards {
    fn drop(&mut self) {
        self.senders.clear();
        for thread in self.threads.drain(..) {
            thread.join().expect("no panic");
        }
    }
}
