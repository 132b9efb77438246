//! Destructors of what a user hands over that call back, wait, or end pools.

use std::panic::panic_any;
use std::sync::{Arc, Mutex};
use std::thread;

use heist::ThreadPool;

use crate::panics::explode;
use crate::process::{alone, assert_settled};
use crate::support::{
    Bomb, Count, Gate, assert_whole, builder, hold, message, pool, threads, until,
};

/// Does something when it is dropped.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// How a task comes to its end: run, cancelled, refused, dropped by the pool.
const WAYS: usize = 4;

/// Sends `value` with a task that ends in the way asked for.
fn end_with<V: Send + 'static>(pool: ThreadPool, way: usize, value: V) {
    let held = hold(&pool);
    match way {
        0 => {
            let task = pool.spawn(move || drop(value));
            held.release();
            task.join().unwrap();
        }
        1 => {
            assert!(pool.spawn(move || drop(value)).cancel());
            held.release();
        }
        2 => {
            pool.close();
            assert!(pool.spawn(move || drop(value)).join().unwrap_err().is_cancelled());
            held.release();
        }
        _ => {
            let task = pool.spawn(move || drop(value));
            thread::scope(|s| {
                let ending = s.spawn(|| pool.shutdown_now());
                assert!(task.join().unwrap_err().is_cancelled());
                held.release();
                assert_eq!(ending.join().unwrap(), 1);
            });
            return;
        }
    }
    assert_settled(&pool);
    assert_eq!(pool.broadcast(|cx| cx.index()).len(), pool.num_threads());
    pool.shutdown();
}

#[test]
fn a_captured_value_may_use_or_end_other_pools_when_it_is_dropped() {
    alone(|| {
        let before = threads();
        for size in [1, 2, 4] {
            for way in 0..WAYS {
                let other = Arc::new(pool(size));
                let (inner, told) = (other.clone(), Count::shared());
                let tell = told.clone();
                let value = OnDrop(move || {
                    assert_eq!(inner.install(|| 5), 5);
                    assert_whole(&inner);
                    tell.add();
                });
                end_with(pool(size), way, value);
                assert_eq!(told.get(), 1);
                let mut other = Arc::into_inner(other);
                end_with(pool(size), way, OnDrop(move || drop(other.take())));
                let mut other = Some(pool(size));
                let value =
                    OnDrop(move || assert_eq!(other.take().map_or(0, ThreadPool::shutdown_now), 0));
                end_with(pool(size), way, value);
            }
        }
        until(|| threads() == before);
    });
}

#[test]
fn a_captured_value_may_wait_for_a_lock_when_it_is_dropped() {
    alone(|| {
        for size in [1, 2, 4] {
            for way in 0..WAYS {
                let (lock, dropping) = (Arc::new(Mutex::new(())), Gate::shared());
                let (inner, begin) = (lock.clone(), dropping.clone());
                let value = OnDrop(move || {
                    begin.open();
                    drop(inner.lock().unwrap());
                });
                let pool = builder(size).injector_capacity(2).build().unwrap();
                let locked = lock.lock().unwrap();
                let ending = thread::spawn(move || end_with(pool, way, value));
                dropping.pass();
                drop(locked);
                ending.join().unwrap();
            }
        }
    });
}

#[test]
fn a_worker_blocked_in_a_destructor_blocks_no_caller() {
    alone(|| {
        for size in [1, 2, 4] {
            let pool = pool(size);
            let (dropping, gate) = (Gate::shared(), Gate::shared());
            let (begin, pass) = (dropping.clone(), gate.clone());
            let value = OnDrop(move || {
                begin.open();
                pass.pass();
            });
            // A detached result is dropped by the worker.
            let held = hold(&pool);
            drop(pool.spawn(move || value));
            held.release();
            dropping.pass();
            let queued = pool.try_spawn(|| 1).expect("room");
            let cancelled = pool.spawn(|| 2);
            cancelled.cancel();
            assert_eq!(pool.join(|| 1, || 2), (1, 2));
            assert!(!format!("{} {pool:?} {queued:?}", pool.metrics()).is_empty());
            pool.close();
            assert!(pool.try_spawn(|| ()).unwrap_err().is_closed());
            gate.open();
            assert_eq!(queued.join().unwrap(), 1);
            assert_settled(&pool);
        }
    });
}

#[test]
fn a_pool_dropped_by_a_panic_in_another_pools_task_ends_and_nothing_aborts() {
    alone(|| {
        let before = threads();
        for size in [1, 2, 4] {
            let outer = pool(size);
            for way in 0..2 {
                let ran = Count::shared();
                let count = ran.clone();
                let said = message(|| {
                    outer.install(|| {
                        let inner = builder(size)
                            .exit_handler(|_| panic_any(Bomb))
                            .panic_handler(explode)
                            .build()
                            .unwrap();
                        let mut inner = Some(inner);
                        let _guard = OnDrop(move || match (way, inner.take()) {
                            (0, inner) => drop(inner),
                            (_, inner) => assert_eq!(inner.map_or(0, ThreadPool::shutdown_now), 0),
                        });
                        for _ in 0..10 {
                            let count = count.clone();
                            drop(outer.spawn(move || count.add()));
                        }
                        panic!("with a pool in hand");
                    })
                });
                assert_eq!(said, "with a pool in hand");
                assert_whole(&outer);
                until(|| ran.get() == 10);
            }
        }
        until(|| threads() == before);
    });
}
