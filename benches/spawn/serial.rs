//! Plain calls, on the threads that else would spawn.

use std::hint::black_box;

use crate::harness::Runner;

pub(crate) fn runner(threads: u64) -> Runner {
    crate::from_outside(threads, |tasks| {
        let results = (0..tasks).map(|n| black_box(move || n)());
        assert_eq!(results.fold(0, |sum, n| black_box(sum + n)), crate::sum(tasks));
    })
}
