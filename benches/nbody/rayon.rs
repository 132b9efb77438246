//! rayon.

use ::rayon::prelude::*;

use crate::{harness::Runner, work};

pub(crate) fn runner(threads: usize) -> Runner {
    let pool = ::rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    work::runner(move |bodies| {
        pool.install(|| bodies.par_iter().map(|body| body.moved(bodies)).collect())
    })
}
