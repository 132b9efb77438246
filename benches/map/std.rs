//! Threads of the standard library, an equal part each.

use crate::{
    harness::{Runner, flat},
    work::{self, Function},
};

pub(crate) fn runner(items: usize, threads: usize, f: impl Function) -> Runner {
    work::runner(items, f, move |items| {
        let mut results = vec![0; items.len()];
        flat::divided(threads, 1, &mut results, |first, part| {
            part.iter_mut().zip(&items[first..]).for_each(|(result, item)| *result = f(item));
        });
        results
    })
}
