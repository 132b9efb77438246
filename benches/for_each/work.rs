//! What happens to an item, and the check that it did.

use std::hint::black_box;

use crate::harness::{self, Runner};

/// Changes the item with this index.
pub(crate) trait Step: Fn(usize, &mut u64) + Copy + Send + Sync + 'static {}
impl<F: Fn(usize, &mut u64) + Copy + Send + Sync + 'static> Step for F {}

pub(crate) fn cheap(_index: usize, item: &mut u64) {
    *item = item.wrapping_mul(3).wrapping_add(1);
}

/// The second half costs three times as much as the first.
pub(crate) fn growing(index: usize, item: &mut u64) {
    stir(item, 4 * index);
}

/// One item in a hundred costs a thousand times as much as another.
pub(crate) fn few_heavy(index: usize, item: &mut u64) {
    // Fibonacci hashing: the heavy ones are anywhere, but always the same.
    let hash = (index as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    stir(item, if hash % 100 == 0 { 10_000 } else { 10 });
}

/// Computes for so many rounds, about 2 ns each.
fn stir(item: &mut u64, rounds: usize) {
    for _ in 0..rounds {
        *item ^= *item << 13;
        *item ^= *item >> 7;
        *item ^= *item << 17;
    }
}

/// Items that are followed by hand, evenly spaced; in a test it is all of them.
const WITNESSES: usize = 50;

/// A runner of `step_all`, which is to take one step with every item.
pub(crate) fn runner(
    items: usize,
    step: impl Step,
    mut step_all: impl FnMut(&mut [u64]) + 'static,
) -> Runner {
    let mut items: Vec<u64> = (1..=items as u64).collect();
    let gaps = if harness::is_test() { items.len() - 1 } else { WITNESSES };
    let indices = (0..=gaps).map(|nth| nth * (items.len() - 1) / gaps);
    let mut witnesses: Vec<(usize, u64)> = indices.map(|index| (index, items[index])).collect();
    Box::new(move |runs| {
        let time = harness::time(runs, || step_all(black_box(&mut items)));
        for (index, witness) in &mut witnesses {
            (0..runs).for_each(|_| step(*index, witness));
            assert_eq!(items[*index], *witness, "item {index}");
        }
        time
    })
}
