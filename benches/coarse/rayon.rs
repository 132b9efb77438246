//! rayon. From outside `install` hands the joins to a worker.

use ::rayon::{ThreadPool, ThreadPoolBuilder};

use crate::{
    Heat,
    harness::{self, Runner, work::Work},
};

pub(crate) fn outside(leaves: usize, heat: Heat) -> Runner {
    let pool = pool();
    crate::timed(heat, leaves, move |work| pool.install(|| join(leaves, work)))
}

pub(crate) fn inside(leaves: usize, heat: Heat) -> Runner {
    let pool = pool();
    let runner =
        move |runs| pool.install(|| crate::time(heat, leaves, runs, |work| join(leaves, work)));
    harness::warm(2, Box::new(runner))
}

fn pool() -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(2).build().expect("threads")
}

fn join(leaves: usize, work: Work) -> u64 {
    if leaves == 1 {
        return work.run();
    }
    let half = || join(leaves / 2, work);
    let (a, b) = ::rayon::join(half, half);
    a.wrapping_add(b)
}
