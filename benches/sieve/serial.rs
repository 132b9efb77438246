//! A loop.

use crate::{
    harness::Runner,
    work::{self, SEGMENT},
};

pub(crate) fn runner() -> Runner {
    work::runner(|primes, numbers| {
        let segments = numbers.chunks_mut(SEGMENT).enumerate();
        segments.for_each(|(segment, numbers)| primes.cross_out(segment, numbers));
    })
}
