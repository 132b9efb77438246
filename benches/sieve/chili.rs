//! chili: segments halved by joins.

use crate::{
    harness::{self, Runner, flat},
    work::{self, SEGMENT},
};

pub(crate) fn runner(threads: usize) -> Runner {
    let pool = harness::chili(threads);
    work::runner(move |primes, numbers| {
        flat::halved(&pool, threads, SEGMENT, numbers, |first, part| {
            let segments = (first / SEGMENT..).zip(part.chunks_mut(SEGMENT));
            segments.for_each(|(segment, numbers)| primes.cross_out(segment, numbers));
        });
    })
}
