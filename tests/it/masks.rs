//! Threads that a pool starts later, on whatever thread: they may use the CPUs that its builder
//! might.

use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

use heist::ThreadPool;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::support::{Gate, builder, poll, until, within_a_minute};

fn may_use() -> CpuSet {
    sched_getaffinity(None).unwrap()
}

/// A pool of one worker, which may use one CPU.
fn pinned() -> ThreadPool {
    let pin = |_| {
        let mut first = CpuSet::new();
        let all = may_use();
        first.set((0..CpuSet::MAX_CPU).find(|&cpu| all.is_set(cpu)).unwrap());
        sched_setaffinity(None, &first).unwrap();
    };
    builder(1).start_handler(pin).build().unwrap()
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

#[test]
fn nor_are_the_clocks_that_one_sets_first() {
    within_a_minute(|| {
        let pool = pinned();
        let woken = Arc::<Woken>::default();
        pool.install(|| {
            let soon = Instant::now() + Duration::from_millis(5);
            let late = pool.task().deadline(soon).spawn(|| unreachable!("the worker is busy"));
            let waker = Waker::from(woken.clone());
            let mut late = std::pin::pin!(late);
            assert!(poll(late.as_mut(), &waker).is_pending());
            until(|| woken.0.lock().unwrap().is_some());
        });
        assert!(woken.0.lock().unwrap().take().unwrap() == may_use());
    });
}
