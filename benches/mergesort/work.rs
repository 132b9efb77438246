//! What sorting is made of, apart from the recursion.

use std::time::{Duration, Instant};

use crate::harness::Runner;

/// So few numbers are sorted by insertion: fewer would not be faster for a
/// single thread either.
pub(crate) const GRAIN: usize = 32;

// Not inlined, here and below: all contenders run the same code, wherever it lies.
#[inline(never)]
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

/// Two sorted slices, and room for both.
pub(crate) struct Merge<'a> {
    pub(crate) left: &'a [u32],
    pub(crate) right: &'a [u32],
    pub(crate) to: &'a mut [u32],
}

impl<'a> Merge<'a> {
    /// Not worth a search for where to cut.
    pub(crate) fn is_small(&self) -> bool {
        self.to.len() <= 2048
    }

    /// The merge of the lesser numbers and that of the greater.
    pub(crate) fn cut(self) -> (Merge<'a>, Merge<'a>) {
        let (long, short) = if self.left.len() < self.right.len() {
            (self.right, self.left)
        } else {
            (self.left, self.right)
        };
        let (low, high) = long.split_at(long.len() / 2);
        let (short_low, short_high) = short.split_at(short.partition_point(|&item| item < high[0]));
        let (to_low, to_high) = self.to.split_at_mut(low.len() + short_low.len());
        (
            Merge { left: low, right: short_low, to: to_low },
            Merge { left: high, right: short_high, to: to_high },
        )
    }

    #[inline(never)]
    pub(crate) fn run(self) {
        let Merge { mut left, mut right, to } = self;
        let mut free = to.iter_mut();
        while !left.is_empty() && !right.is_empty() {
            // Without a branch, which would be mispredicted every other time.
            let from_left = left[0] <= right[0];
            let least = if from_left { left[0] } else { right[0] };
            left = &left[usize::from(from_left)..];
            right = &right[usize::from(!from_left)..];
            *free.next().expect("room for both") = least;
        }
        let rest = if left.is_empty() { right } else { left };
        free.into_slice().copy_from_slice(rest);
    }
}

/// A runner of `sort`, which gets the numbers twice and is to sort the second;
/// numbers and results are made and compared unmeasured.
pub(crate) fn runner(mut sort: impl FnMut(&mut [u32], &mut [u32]) + 'static) -> Runner {
    let numbers: Vec<u32> = random().take(crate::size()).collect();
    let mut sorted = numbers.clone();
    sorted.sort_unstable();
    let (mut from, mut to) = (numbers.clone(), numbers.clone());
    Box::new(move |runs| {
        let mut time = Duration::ZERO;
        for _ in 0..runs {
            from.copy_from_slice(&numbers);
            to.copy_from_slice(&numbers);
            let start = Instant::now();
            sort(&mut from, &mut to);
            time += start.elapsed();
            assert!(to == sorted);
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
