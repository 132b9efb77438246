//! heist.

use crate::{
    harness::Runner,
    work::{self, GRAIN},
};

pub(crate) fn runner(threads: usize) -> Runner {
    let pool = heist::ThreadPool::builder().num_threads(threads).build().expect("threads");
    work::runner(move |items| pool.install(|| sort(items)))
}

fn sort(items: &mut [u32]) {
    if items.len() <= GRAIN {
        return work::insertion_sort(items);
    }
    let (less, rest) = work::partition(items);
    heist::join(|| sort(less), || sort(rest));
}
