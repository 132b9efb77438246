//! heist.

use crate::{
    harness::Runner,
    work::{self, Step},
};

pub(crate) fn runner(items: usize, threads: usize, step: impl Step) -> Runner {
    let pool = heist::ThreadPool::builder().num_threads(threads).build().expect("threads");
    work::runner(items, step, move |items| pool.for_each_mut(items, step))
}
