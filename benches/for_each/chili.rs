//! chili: items halved by joins.

use crate::{
    harness::{self, Runner, flat},
    work::{self, Step},
};

pub(crate) fn runner(items: usize, threads: usize, step: impl Step) -> Runner {
    let pool = harness::chili(threads);
    work::runner(items, step, move |items| {
        flat::halved(&pool, threads, 1, items, |first, part| {
            (first..).zip(part).for_each(|(index, item)| step(index, item));
        });
    })
}
