//! What does one join cost, and does it still run in parallel?
//!
//! The classic worst case: a join around nothing. `serial` is the same
//! recursion with plain calls, so the difference to it, divided by the number
//! of joins, is the price of a fork.

mod chili;
mod ours;
mod rayon;
mod serial;

use criterion::{Criterion, criterion_group, criterion_main};

/// fib(30): 1.3 million joins, a few milliseconds.
const N: u64 = 30;
const RESULT: u64 = 832_040;

fn fib(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fib");
    group.sample_size(20);
    group.bench_function("serial", |bench| {
        bench.iter(|| assert_eq!(serial::fib(N), RESULT));
    });
    for threads in [1, 2] {
        group.bench_function(format!("heist/{threads}"), |bench| {
            ours::with_pool(threads, |run| bench.iter(|| assert_eq!(run(N), RESULT)));
        });
        group.bench_function(format!("rayon/{threads}"), |bench| {
            rayon::with_pool(threads, |run| bench.iter(|| assert_eq!(run(N), RESULT)));
        });
        group.bench_function(format!("chili/{threads}"), |bench| {
            chili::with_pool(threads, |run| bench.iter(|| assert_eq!(run(N), RESULT)));
        });
    }
    group.finish();
}

criterion_group!(benches, fib);
criterion_main!(benches);
