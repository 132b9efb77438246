//! Threads of the standard library, an equal part each.

use crate::{
    harness::{Runner, flat},
    work,
};

pub(crate) fn runner(threads: usize) -> Runner {
    work::runner(move |factors, size, product| {
        flat::divided(threads, size, product, |first, part| {
            let rows = (first / size..).zip(part.chunks_mut(size));
            rows.for_each(|(number, row)| factors.row(number, row));
        });
    })
}
