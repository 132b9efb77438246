//! chili. It counts the calling thread as one of its threads.

use chili::Scope;

use crate::harness::{self, Runner, timed};

pub(crate) fn runner(threads: usize) -> Runner {
    let (n, result) = crate::size();
    let pool = harness::chili(threads);
    timed(move || assert_eq!(fib(&mut pool.scope(), n), result))
}

fn fib(scope: &mut Scope<'_>, n: u64) -> u64 {
    if n < 2 {
        return n;
    }
    let (a, b) = scope.join(|scope| fib(scope, n - 1), |scope| fib(scope, n - 2));
    a + b
}
