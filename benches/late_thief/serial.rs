//! Plain calls.

use crate::{
    Job, SPINE,
    harness::{Runner, timed},
};

pub(crate) fn runner(job: Job) -> Runner {
    timed(move || {
        assert_eq!(fib(job.fib).wrapping_add(spine(job, SPINE)), job.result);
    })
}

fn fib(n: u64) -> u64 {
    if n < 2 {
        return n;
    }
    // Else the compiler turns one of the two calls into a loop.
    std::hint::black_box(fib(n - 1)) + fib(n - 2)
}

fn spine(job: Job, left: u32) -> u64 {
    if left == 0 {
        return job.long.run();
    }
    spine(job, left - 1).wrapping_add(job.short.run())
}
