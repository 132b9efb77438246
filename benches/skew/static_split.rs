//! Five producers for each of two threads.

use std::ops::Range;

use crate::{
    harness::Runner,
    work::{self, Measure, WORKERS},
};

pub(crate) fn runner(measure: Measure) -> Runner {
    let producers: Vec<Range<usize>> = work::producers().collect();
    work::runner(measure, move |items| {
        let shares = producers.chunks(producers.len().div_ceil(WORKERS));
        work::on_threads(items, shares, |share| {
            share.iter().cloned().flatten().for_each(|item| items.process(item));
        });
    })
}
