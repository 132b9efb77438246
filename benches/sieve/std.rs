//! Threads of the standard library, an equal part each.

use crate::{
    harness::{Runner, flat},
    work::{self, SEGMENT},
};

pub(crate) fn runner(threads: usize) -> Runner {
    work::runner(move |primes, numbers| {
        flat::divided(threads, SEGMENT, numbers, |first, part| {
            let segments = (first / SEGMENT..).zip(part.chunks_mut(SEGMENT));
            segments.for_each(|(segment, numbers)| primes.cross_out(segment, numbers));
        });
    })
}
