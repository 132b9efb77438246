//! heist.

use crate::{
    harness::Runner,
    work::{self, GRAIN, Merge},
};

pub(crate) fn runner(threads: usize) -> Runner {
    let pool = heist::ThreadPool::builder().num_threads(threads).build().expect("threads");
    work::runner(move |from, to| pool.install(|| sort(from, to)))
}

/// Sorts `to`, whose contents `from` has too.
fn sort(from: &mut [u32], to: &mut [u32]) {
    if to.len() <= GRAIN {
        return work::insertion_sort(to);
    }
    let (from_left, from_right) = from.split_at_mut(to.len() / 2);
    let (to_left, to_right) = to.split_at_mut(from_left.len());
    heist::join(|| sort(to_left, from_left), || sort(to_right, from_right));
    merge(Merge { left: from_left, right: from_right, to });
}

fn merge(whole: Merge<'_>) {
    if whole.is_small() {
        return whole.run();
    }
    let (low, high) = whole.cut();
    heist::join(|| merge(low), || merge(high));
}
