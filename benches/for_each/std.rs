//! Threads of the standard library, an equal part each.

use crate::{
    harness::{Runner, flat},
    work::{self, Step},
};

pub(crate) fn runner(items: usize, threads: usize, step: impl Step) -> Runner {
    work::runner(items, step, move |items| {
        flat::divided(threads, 1, items, |first, part| {
            (first..).zip(part).for_each(|(index, item)| step(index, item));
        });
    })
}
