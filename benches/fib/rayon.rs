//! rayon.

use crate::harness::{Runner, timed};

pub(crate) fn runner(threads: usize) -> Runner {
    let (n, result) = crate::size();
    let pool = ::rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    timed(move || assert_eq!(pool.install(|| fib(n)), result))
}

fn fib(n: u64) -> u64 {
    if n < 2 {
        return n;
    }
    let (a, b) = ::rayon::join(|| fib(n - 1), || fib(n - 2));
    a + b
}
