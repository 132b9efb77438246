//! Threads behind a bounded channel.

use std::{
    sync::{
        Arc, Mutex,
        mpsc::{SyncSender, sync_channel},
    },
    thread,
};

use crate::{Job, Pool, Size};

struct Channel(SyncSender<Job>);

pub(crate) fn new(size: Size) -> Box<dyn Pool> {
    let (sender, receiver) = sync_channel::<Job>(size.capacity);
    let receiver = Arc::new(Mutex::new(receiver));
    for _ in 0..size.workers {
        let receiver = receiver.clone();
        let next = move || receiver.lock().expect("no panic").recv();
        let run = move || {
            while let Ok(job) = next() {
                job()
            }
        };
        thread::Builder::new().stack_size(size.stack).spawn(run).expect("a thread");
    }
    Box::new(Channel(sender))
}

impl Pool for Channel {
    fn spawn(&self, job: Job) {
        self.0.send(job).expect("the threads stay");
    }

    fn join(&self, a: Job, b: Job) {
        let (say, done) = sync_channel(1);
        self.spawn(Box::new(move || {
            b();
            say.send(()).expect("somebody waits");
        }));
        a();
        done.recv().expect("no panic");
    }

    fn spawn_and_wait(&self, job: Job) -> Option<()> {
        self.join(Box::new(|| ()), job);
        Some(())
    }
}
