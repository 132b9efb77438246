//! chili: results halved by joins.

use crate::{
    harness::{self, Runner, flat},
    work::{self, Function},
};

pub(crate) fn runner(items: usize, threads: usize, f: impl Function) -> Runner {
    let pool = harness::chili(threads);
    work::runner(items, f, move |items| {
        let mut results = vec![0; items.len()];
        flat::halved(&pool, threads, 1, &mut results, |first, part| {
            part.iter_mut().zip(&items[first..]).for_each(|(result, item)| *result = f(item));
        });
        results
    })
}
