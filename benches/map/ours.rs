//! heist.

use crate::{
    harness::Runner,
    work::{self, Function},
};

pub(crate) fn runner(items: usize, threads: usize, f: impl Function) -> Runner {
    let pool = heist::ThreadPool::builder().num_threads(threads).build().expect("threads");
    work::runner(items, f, move |items| pool.map(items, f))
}
