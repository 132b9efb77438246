//! What is made of an item, and the check that it was.

use std::{hint::black_box, mem};

use crate::harness::{self, Runner};

/// Makes a result of an item; item number i is i.
pub(crate) trait Function: Fn(&u64) -> u64 + Copy + Send + Sync + 'static {}
impl<F: Fn(&u64) -> u64 + Copy + Send + Sync + 'static> Function for F {}

pub(crate) fn cheap(item: &u64) -> u64 {
    item.wrapping_mul(3).wrapping_add(1)
}

/// The second half costs three times as much as the first.
pub(crate) fn growing(item: &u64) -> u64 {
    stirred(*item, 4 * item)
}

/// One item in a hundred costs a thousand times as much as another.
pub(crate) fn few_heavy(item: &u64) -> u64 {
    // Fibonacci hashing: the heavy ones are anywhere, but always the same.
    let hash = item.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    stirred(*item, if hash % 100 == 0 { 10_000 } else { 10 })
}

/// Computes for so many rounds, about 2 ns each.
fn stirred(mut item: u64, rounds: u64) -> u64 {
    for _ in 0..rounds {
        item ^= item << 13;
        item ^= item >> 7;
        item ^= item << 17;
    }
    item
}

/// A runner of `map`, which is to give back the results of `f` in order.
pub(crate) fn runner(
    items: usize,
    f: impl Function,
    mut map: impl FnMut(&[u64]) -> Vec<u64> + 'static,
) -> Runner {
    let items: Vec<u64> = (0..items as u64).collect();
    Box::new(move |runs| {
        let mut results = Vec::new();
        let time = harness::time(runs, || {
            // First, so that the allocator may hand out the same memory again.
            drop(mem::take(&mut results));
            results = map(black_box(&items));
        });
        assert!(results.iter().copied().eq(items.iter().map(f)));
        time
    })
}
