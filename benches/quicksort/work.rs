//! What sorting is made of, apart from the recursion.

use std::time::{Duration, Instant};

use crate::harness::Runner;

/// So few numbers are sorted by insertion: fewer would not be faster for a
/// single thread either.
pub(crate) const GRAIN: usize = 32;

pub(crate) fn insertion_sort(items: &mut [u32]) {
    for sorted in 1..items.len() {
        let item = items[sorted];
        let mut hole = sorted;
        while hole > 0 && items[hole - 1] > item {
            items[hole] = items[hole - 1];
            hole -= 1;
        }
        items[hole] = item;
    }
}

/// Moves a pivot to its place; what is before and behind it.
pub(crate) fn partition(items: &mut [u32]) -> (&mut [u32], &mut [u32]) {
    let (middle, last) = (items.len() / 2, items.len() - 1);
    let mut three = [0, middle, last];
    three.sort_by_key(|&index| items[index]);
    items.swap(0, three[1]);

    let pivot = items[0];
    let mut less = 1;
    for index in 1..items.len() {
        // Without a branch, which would be mispredicted every other time.
        let item = items[index];
        items.swap(less, index);
        less += usize::from(item < pivot);
    }
    items.swap(0, less - 1);
    let (front, behind) = items.split_at_mut(less);
    (&mut front[..less - 1], behind)
}

/// A runner of `sort`; numbers and results are made and compared unmeasured.
pub(crate) fn runner(mut sort: impl FnMut(&mut [u32]) + 'static) -> Runner {
    let numbers: Vec<u32> = random().take(crate::size()).collect();
    let mut sorted = numbers.clone();
    sorted.sort_unstable();
    let mut items = numbers.clone();
    Box::new(move |runs| {
        let mut time = Duration::ZERO;
        for _ in 0..runs {
            items.copy_from_slice(&numbers);
            let start = Instant::now();
            sort(&mut items);
            time += start.elapsed();
            assert!(items == sorted);
        }
        time.as_nanos() as f64
    })
}

/// The same numbers every time (xorshift64).
fn random() -> impl Iterator<Item = u32> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u32
    })
}
