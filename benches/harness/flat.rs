//! Flat loops for the contenders that have none: what their users write.

use std::thread;

use chili::{Scope, ThreadPool};

/// Parts that chili halves a loop into for each thread, as fine as heist's pieces are.
const PARTS_PER_THREAD: usize = 32;

/// Calls `f` with the index of the first of them and the items, for parts of whole units of
/// `unit` items, halved by chili's joins.
pub(crate) fn halved<T: Send>(
    pool: &ThreadPool,
    threads: usize,
    unit: usize,
    items: &mut [T],
    f: impl Fn(usize, &mut [T]) + Sync,
) {
    let units = items.len().div_ceil(unit);
    let most = (units / (threads * PARTS_PER_THREAD)).max(1) * unit;
    halve(&mut pool.scope(), most, unit, 0, items, &f);
}

fn halve<T: Send>(
    scope: &mut Scope<'_>,
    most: usize,
    unit: usize,
    first: usize,
    items: &mut [T],
    f: &(impl Fn(usize, &mut [T]) + Sync),
) {
    if items.len() <= most {
        return f(first, items);
    }
    let mid = items.len().div_ceil(unit).div_ceil(2) * unit;
    let (left, right) = items.split_at_mut(mid);
    scope.join(
        |scope| halve(scope, most, unit, first, left, f),
        |scope| halve(scope, most, unit, first + mid, right, f),
    );
}

/// The same in one part for each of so many new threads.
pub(crate) fn divided<T: Send>(
    threads: usize,
    unit: usize,
    items: &mut [T],
    f: impl Fn(usize, &mut [T]) + Sync,
) {
    let most = items.len().div_ceil(unit).div_ceil(threads).max(1) * unit;
    let f = &f;
    thread::scope(|scope| {
        for (number, part) in items.chunks_mut(most).enumerate() {
            scope.spawn(move || f(number * most, part));
        }
    });
}
