//! chili: items halved by joins.

use crate::{
    harness::{Runner, flat},
    work::{self, Step},
};

pub(crate) fn runner(items: usize, step: impl Step) -> Runner {
    let pool = flat::chili(2);
    work::runner(items, step, move |items| {
        flat::halved(&pool, 2, 1, items, |first, part| {
            (first..).zip(part).for_each(|(index, item)| step(index, item));
        });
    })
}
