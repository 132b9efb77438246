//! rayon.

pub(crate) fn with_pool(threads: usize, body: impl FnOnce(&dyn Fn(u64) -> u64)) {
    let pool = ::rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    body(&|n| pool.install(|| fib(n)));
}

fn fib(n: u64) -> u64 {
    if n < 2 {
        return n;
    }
    let (a, b) = ::rayon::join(|| fib(n - 1), || fib(n - 2));
    a + b
}
