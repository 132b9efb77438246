//! rayon.

use ::rayon::prelude::*;

use crate::{
    harness::Runner,
    work::{self, Step},
};

pub(crate) fn runner(items: usize, threads: usize, step: impl Step) -> Runner {
    let pool = ::rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    work::runner(items, step, move |items| {
        pool.install(|| {
            items.par_iter_mut().enumerate().for_each(|(index, item)| step(index, item));
        });
    })
}
