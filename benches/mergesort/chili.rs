//! chili. It counts the calling thread as one of its threads.

use chili::Scope;

use crate::{
    harness::{self, Runner},
    work::{self, GRAIN, Merge},
};

pub(crate) fn runner(threads: usize) -> Runner {
    let pool = harness::chili(threads);
    work::runner(move |from, to| sort(&mut pool.scope(), from, to))
}

/// Sorts `to`, whose contents `from` has too.
fn sort(scope: &mut Scope<'_>, from: &mut [u32], to: &mut [u32]) {
    if to.len() <= GRAIN {
        return work::insertion_sort(to);
    }
    let (from_left, from_right) = from.split_at_mut(to.len() / 2);
    let (to_left, to_right) = to.split_at_mut(from_left.len());
    scope.join(|scope| sort(scope, to_left, from_left), |scope| sort(scope, to_right, from_right));
    merge(scope, Merge { left: from_left, right: from_right, to });
}

fn merge(scope: &mut Scope<'_>, whole: Merge<'_>) {
    if whole.is_small() {
        return whole.run();
    }
    let (low, high) = whole.cut();
    scope.join(|scope| merge(scope, low), |scope| merge(scope, high));
}
