//! heist.

use crate::{harness::Runner, work};

pub(crate) fn runner(threads: usize) -> Runner {
    let pool = heist::ThreadPool::builder().num_threads(threads).build().expect("threads");
    work::runner(move |factors, size, product| {
        pool.for_each_chunk_mut(product, size, |number, row| factors.row(number, row));
    })
}
