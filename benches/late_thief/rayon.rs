//! rayon.

use crate::{
    Job, SPINE,
    harness::{Runner, time},
};

pub(crate) fn runner(job: Job) -> Runner {
    let pool = ::rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("threads");
    Box::new(move |runs| {
        pool.install(|| {
            time(runs, || {
                assert_eq!(fib(job.fib).wrapping_add(spine(job, SPINE)), job.result);
            })
        })
    })
}

fn fib(n: u64) -> u64 {
    if n < 2 {
        return n;
    }
    let (a, b) = ::rayon::join(|| fib(n - 1), || fib(n - 2));
    a + b
}

fn spine(job: Job, left: u32) -> u64 {
    if left == 0 {
        return job.long.run();
    }
    let (rest, leaf) = ::rayon::join(|| spine(job, left - 1), || job.short.run());
    rest.wrapping_add(leaf)
}
