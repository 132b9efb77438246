//! Threads that a pool starts later, on whatever thread: they may use the CPUs that its builder
//! might.

use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

use heist::{ThreadPool, ThreadPoolBuilder};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::support::{Gate, builder, hold, poll, until, within_a_minute};

fn may_use() -> CpuSet {
    sched_getaffinity(None).unwrap()
}

/// From now on this thread may use one CPU.
fn pin() {
    let (all, mut first) = (may_use(), CpuSet::new());
    first.set((0..CpuSet::MAX_CPU).find(|&cpu| all.is_set(cpu)).unwrap());
    sched_setaffinity(None, &first).unwrap();
}

/// A pool of one worker, which may use one CPU.
fn pinned() -> ThreadPool {
    builder(1).start_handler(|_| pin()).build().unwrap()
}

#[test]
fn a_stand_in_that_a_pinned_worker_calls_is_not_pinned() {
    within_a_minute(|| {
        let pool = pinned();
        let (own, all) = pool.install(|| {
            let (done, pass) = (Gate::shared(), Arc::new(Mutex::new(None)));
            let (open, tell) = (done.clone(), pass.clone());
            // Called for it by who steps aside.
            drop(heist::spawn(move || {
                *tell.lock().unwrap() = Some(may_use());
                open.open();
            }));
            heist::blocking(|| done.pass());
            (may_use(), pass.lock().unwrap().take().unwrap())
        });
        assert_eq!(own.count(), 1);
        assert!(all == may_use());
    });
}

/// Says which CPUs the thread may use that wakes it.
#[derive(Default)]
struct Woken(Mutex<Option<CpuSet>>);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        *self.0.lock().unwrap() = Some(may_use());
    }
}

/// What the clocks of `pool` may use, which this thread may be the first to set.
fn clocks_may_use(pool: &ThreadPool) -> CpuSet {
    let woken = Arc::<Woken>::default();
    let soon = Instant::now() + Duration::from_millis(5);
    let late = pool.task().deadline(soon).spawn(|| unreachable!("the worker is busy"));
    let waker = Waker::from(woken.clone());
    let mut late = std::pin::pin!(late);
    assert!(poll(late.as_mut(), &waker).is_pending());
    until(|| woken.0.lock().unwrap().is_some());
    let may_use = woken.0.lock().unwrap().take();
    may_use.unwrap()
}

#[test]
fn nor_are_the_clocks_that_one_sets_first() {
    within_a_minute(|| {
        let pool = pinned();
        assert!(pool.install(|| clocks_may_use(&pool)) == may_use());
    });
}

/// A pool that was built on one CPU, and that CPU; the thread that asks may use all again.
fn confined(builder: ThreadPoolBuilder) -> (ThreadPool, CpuSet) {
    let all = may_use();
    pin();
    let (pool, one) = (builder.build().unwrap(), may_use());
    assert_eq!(one.count(), 1, "where the builder is kept, too");
    sched_setaffinity(None, &all).unwrap();
    (pool, one)
}

#[test]
fn a_stand_in_that_an_unpinned_thread_calls_stays_where_the_pool_is_confined() {
    within_a_minute(|| {
        let (pool, one) = confined(ThreadPool::builder().num_threads(1));
        let held = hold(&pool);
        assert!(pool.spawn(may_use).join().unwrap() == one);
        held.release();
    });
}

#[test]
fn and_so_do_the_clocks_that_one_sets_first() {
    within_a_minute(|| {
        let (pool, one) = confined(builder(1));
        let held = hold(&pool);
        assert!(clocks_may_use(&pool) == one);
        held.release();
    });
}
