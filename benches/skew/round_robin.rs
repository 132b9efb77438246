//! A queue for each of two threads; the items are dealt to them in turns.

use crate::{
    harness::Runner,
    work::{self, Measure, WORKERS},
};

pub(crate) fn runner(measure: Measure) -> Runner {
    work::runner(measure, |items| {
        let mut queues = vec![Vec::new(); WORKERS];
        for (turn, item) in work::producers().flatten().enumerate() {
            queues[turn % WORKERS].push(item);
        }
        work::on_threads(items, queues.into_iter(), |queue| {
            queue.into_iter().for_each(|item| items.process(item));
        });
    })
}
