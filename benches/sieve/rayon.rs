//! rayon.

use ::rayon::prelude::*;

use crate::{
    harness::Runner,
    work::{self, SEGMENT},
};

pub(crate) fn runner(threads: usize) -> Runner {
    let pool = ::rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    work::runner(move |primes, numbers| {
        pool.install(|| {
            let segments = numbers.par_chunks_mut(SEGMENT).enumerate();
            segments.for_each(|(segment, numbers)| primes.cross_out(segment, numbers));
        });
    })
}
