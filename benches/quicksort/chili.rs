//! chili. It counts the calling thread as one of its threads.

use chili::Scope;

use crate::{
    harness::{self, Runner},
    work::{self, GRAIN},
};

pub(crate) fn runner(threads: usize) -> Runner {
    let pool = harness::chili(threads);
    work::runner(move |items| sort(&mut pool.scope(), items))
}

fn sort(scope: &mut Scope<'_>, items: &mut [u32]) {
    if items.len() <= GRAIN {
        return work::insertion_sort(items);
    }
    let (less, rest) = work::partition(items);
    scope.join(|scope| sort(scope, less), |scope| sort(scope, rest));
}
