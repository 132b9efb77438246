//! Plain calls.

use crate::harness::{Runner, timed};

pub(crate) fn runner() -> Runner {
    let (n, result) = crate::size();
    timed(move || assert_eq!(fib(n), result))
}

fn fib(n: u64) -> u64 {
    if n < 2 {
        return n;
    }
    // Else the compiler turns one of the two calls into a loop.
    std::hint::black_box(fib(n - 1)) + fib(n - 2)
}
