//! rayon, whose spawn gives no handle.

use crate::{count::Count, harness::Runner};

pub(crate) fn runner(threads: u64) -> Runner {
    let pool = ::rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("threads");
    crate::from_outside(threads, move |tasks| {
        let count = Count::new(tasks);
        for _ in 0..tasks {
            pool.spawn(move || count.down());
        }
        count.wait();
    })
}
