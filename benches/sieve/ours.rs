//! heist.

use crate::{
    harness::Runner,
    work::{self, SEGMENT},
};

pub(crate) fn runner(threads: usize) -> Runner {
    let pool = heist::ThreadPool::builder().num_threads(threads).build().expect("threads");
    work::runner(move |primes, numbers| {
        pool.for_each_chunk_mut(numbers, SEGMENT, |segment, numbers| {
            primes.cross_out(segment, numbers);
        });
    })
}
