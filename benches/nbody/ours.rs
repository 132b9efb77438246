//! heist.

use crate::{harness::Runner, work};

pub(crate) fn runner(threads: usize) -> Runner {
    let pool = heist::ThreadPool::builder().num_threads(threads).build().expect("threads");
    work::runner(move |bodies| pool.map(bodies, |body| body.moved(bodies)))
}
