//! heist, handles dropped at once.

use crate::{count::Count, harness::Runner, ours};

pub(crate) fn spawn(threads: u64) -> Runner {
    let pool = ours::pool();
    crate::from_outside(threads, move |tasks| {
        let count = Count::new(tasks);
        for _ in 0..tasks {
            drop(pool.spawn(move || count.down()));
        }
        count.wait();
    })
}

pub(crate) fn try_spawn(threads: u64) -> Runner {
    let pool = ours::pool();
    crate::from_outside(threads, move |tasks| {
        let count = Count::new(tasks);
        for _ in 0..tasks {
            drop(ours::until_taken(&pool, move || count.down()));
        }
        count.wait();
    })
}
