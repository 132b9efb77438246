//! Is a task handle of our own worth it, against the `async-task` crate?
//!
//! Both make tasks, pass them through the same kind of queue, run them and take
//! their results on one thread. `all` joins every task after all have run: the
//! price of a task (heist's includes what a pool does around it: counts, fences,
//! a look at who sleeps). `oldest` joins the one that was spawned first while
//! the others are still queued above it: heist runs just that one, a queue of
//! runnables has to be worked off first.

mod async_task;
mod ours;

use criterion::{Criterion, criterion_group, criterion_main};

const TASKS: u64 = 1000;
const SUM: u64 = TASKS * (TASKS - 1) / 2;

fn handle(criterion: &mut Criterion) {
    let mut all = criterion.benchmark_group("handle/all of 1000");
    all.bench_function("async-task", |bench| {
        bench.iter(|| assert_eq!(async_task::join_all(TASKS), SUM));
    });
    all.bench_function("heist", |bench| {
        ours::with_pool(|| bench.iter(|| assert_eq!(ours::join_all(TASKS), SUM)));
    });
    all.finish();
    let mut oldest = criterion.benchmark_group("handle/oldest of 1000");
    oldest.bench_function("async-task", |bench| {
        bench.iter_custom(|rounds| (0..rounds).map(|_| async_task::join_oldest(TASKS)).sum());
    });
    oldest.bench_function("heist", |bench| {
        ours::with_pool(|| {
            bench.iter_custom(|rounds| (0..rounds).map(|_| ours::join_oldest(TASKS)).sum());
        });
    });
    oldest.finish();
}

criterion_group!(benches, handle);
criterion_main!(benches);
