//! rayon.

use ::rayon::prelude::*;

use crate::{harness::Runner, work};

pub(crate) fn runner(threads: usize) -> Runner {
    let pool = ::rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    work::runner(move |factors, size, product| {
        pool.install(|| {
            let rows = product.par_chunks_mut(size).enumerate();
            rows.for_each(|(number, row)| factors.row(number, row));
        });
    })
}
