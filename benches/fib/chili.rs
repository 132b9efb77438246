//! chili. It counts the calling thread as one of its threads.

use std::num::NonZero;

use chili::{Config, Scope, ThreadPool};

pub(crate) fn with_pool(threads: usize, body: impl FnOnce(&dyn Fn(u64) -> u64)) {
    let config = Config { thread_count: NonZero::new(threads), ..Config::default() };
    let pool = ThreadPool::with_config(config);
    body(&|n| fib(&mut pool.scope(), n));
}

fn fib(scope: &mut Scope<'_>, n: u64) -> u64 {
    if n < 2 {
        return n;
    }
    let (a, b) = scope.join(|scope| fib(scope, n - 1), |scope| fib(scope, n - 2));
    a + b
}
