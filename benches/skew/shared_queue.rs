//! One queue with a lock, for two threads.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use crate::{
    harness::Runner,
    work::{self, Measure, WORKERS},
};

pub(crate) fn runner(measure: Measure) -> Runner {
    work::runner(measure, |items| {
        let queue: Mutex<VecDeque<usize>> = Mutex::new(work::producers().flatten().collect());
        let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        work::on_threads(items, 0..WORKERS, |_| {
            while let Some(item) = next() {
                items.process(item);
            }
        });
    })
}
