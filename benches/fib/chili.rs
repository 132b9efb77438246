//! chili. It counts the calling thread as one of its threads.

use std::num::NonZero;

use chili::{Config, Scope, ThreadPool};

use crate::harness::{Runner, timed};

pub(crate) fn runner(threads: usize) -> Runner {
    let (n, result) = crate::size();
    let config = Config { thread_count: NonZero::new(threads), ..Config::default() };
    let pool = ThreadPool::with_config(config);
    timed(move || assert_eq!(fib(&mut pool.scope(), n), result))
}

fn fib(scope: &mut Scope<'_>, n: u64) -> u64 {
    if n < 2 {
        return n;
    }
    let (a, b) = scope.join(|scope| fib(scope, n - 1), |scope| fib(scope, n - 2));
    a + b
}
