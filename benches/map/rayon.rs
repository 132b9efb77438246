//! rayon.

use ::rayon::prelude::*;

use crate::{
    harness::Runner,
    work::{self, Function},
};

pub(crate) fn runner(items: usize, threads: usize, f: impl Function) -> Runner {
    let pool = ::rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    work::runner(items, f, move |items| pool.install(|| items.par_iter().map(f).collect()))
}
