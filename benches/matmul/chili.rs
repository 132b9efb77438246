//! chili: rows halved by joins.

use crate::{
    harness::{self, Runner, flat},
    work,
};

pub(crate) fn runner(threads: usize) -> Runner {
    let pool = harness::chili(threads);
    work::runner(move |factors, size, product| {
        flat::halved(&pool, threads, size, product, |first, part| {
            let rows = (first / size..).zip(part.chunks_mut(size));
            rows.for_each(|(number, row)| factors.row(number, row));
        });
    })
}
