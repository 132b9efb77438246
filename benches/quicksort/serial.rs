//! Plain calls.

use crate::{
    harness::Runner,
    work::{self, GRAIN},
};

pub(crate) fn runner() -> Runner {
    work::runner(sort)
}

fn sort(items: &mut [u32]) {
    if items.len() <= GRAIN {
        return work::insertion_sort(items);
    }
    let (less, rest) = work::partition(items);
    sort(less);
    sort(rest);
}
