//! Threads and processes that end while a pool lives, and stacks that are small.

use std::cell::RefCell;
use std::hint::black_box;
use std::panic;
use std::process::{abort, exit};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use heist::ThreadPool;

use crate::process::{alone, assert_settled, doomed, fork, rounds};
use crate::support::{Count, Gate, assert_whole, builder, hold, pool, threads, until};

#[test]
fn a_process_with_busy_workers_exits_when_told() {
    alone(|| {
        for threads in [1, 2, 4] {
            for who in 0..4 {
                let ended = fork(|| {
                    let pool = pool(threads);
                    let global = hold(heist::global());
                    let waiting: Vec<_> = (0..100).map(|n| pool.spawn(move || n)).collect();
                    match who {
                        0 => {
                            let _held = hold(&pool);
                            exit(7)
                        }
                        1 => drop(pool.spawn(|| exit(7)).join()),
                        2 => drop(pool.join(|| exit(7), || ())),
                        _ => pool.scope(|s| s.spawn(|_| exit(7))),
                    }
                    drop((waiting, global));
                });
                assert_eq!(ended.status.code(), Some(7), "{}", ended.cried);
            }
        }
    });
}

/// Calls what it holds when its thread ends.
struct LastWords(Box<dyn Fn()>);

impl Drop for LastWords {
    fn drop(&mut self) {
        (self.0)();
    }
}

thread_local! {
    static LAST_WORDS: RefCell<Option<LastWords>> = const { RefCell::new(None) };
}

/// When this thread ends, does so.
fn at_last(words: impl Fn() + 'static) {
    LAST_WORDS.set(Some(LastWords(Box::new(words))));
}

/// Every verb from outside.
fn use_from_outside(pool: &ThreadPool) {
    assert_whole(pool);
    assert_eq!(pool.install(|| 5), 5);
    let sum = AtomicUsize::new(0);
    pool.scope(|s| {
        for n in 0..10 {
            let sum = &sum;
            s.spawn(move |_| {
                sum.fetch_add(n, Ordering::Relaxed);
            });
        }
    });
    assert_eq!(sum.into_inner(), 45);
    assert!(pool.try_spawn(|| ()).is_ok());
}

#[test]
fn a_thread_that_is_being_taken_down_may_use_a_pool() {
    alone(|| {
        for threads in [1, 2, 4] {
            let pool = Arc::new(pool(threads));
            let told = Count::shared();
            for turn in 0..rounds(20) {
                let (last, tell) = (pool.clone(), told.clone());
                let body = move || {
                    // Set before the thread's first use of a pool, and after it:
                    // destructors run in some order.
                    if turn % 2 == 0 {
                        assert_whole(&last);
                    }
                    at_last(move || {
                        use_from_outside(&last);
                        assert_eq!(heist::join(|| 1, || 2), (1, 2));
                        tell.add();
                    });
                };
                thread::spawn(body).join().unwrap();
            }
            assert_eq!(told.get(), rounds(20));
            assert_settled(&pool);
            assert_whole(&pool);
        }
    });
}

#[test]
fn a_worker_that_is_being_taken_down_is_outside_its_pool() {
    alone(|| {
        for threads in [1, 2, 4] {
            let told = Count::shared();
            let own = Arc::new(pool(threads));
            let other = Arc::new(pool(threads));
            own.broadcast(|_| {
                let (own, other) = (Arc::downgrade(&own), other.clone());
                let tell = told.clone();
                at_last(move || {
                    assert!(own.upgrade().is_none());
                    assert_eq!(heist::current_thread_index(), None);
                    use_from_outside(&other);
                    assert_eq!(heist::spawn(|| 3).join().unwrap(), 3);
                    tell.add();
                });
            });
            Arc::into_inner(own).unwrap().shutdown();
            assert_eq!(told.get(), threads);
            assert_settled(&other);
            assert_whole(&other);
        }
    });
}

#[test]
fn a_pool_may_be_dropped_when_its_owners_thread_ends() {
    alone(|| {
        let before = threads();
        for size in [1, 2, 4] {
            let ran = Count::shared();
            for turn in 0..rounds(20) {
                let count = ran.clone();
                let owner = thread::spawn(move || {
                    let owned = pool(size);
                    let held = hold(&owned);
                    for _ in 0..10 {
                        let count = count.clone();
                        drop(owned.spawn(move || count.add()));
                    }
                    let owned = RefCell::new(Some((owned, held)));
                    at_last(move || {
                        let (owned, held) = owned.take().unwrap();
                        held.release();
                        match turn % 3 {
                            0 => drop(owned),
                            1 => owned.shutdown(),
                            _ => owned.shutdown_timeout(std::time::Duration::MAX).unwrap(),
                        }
                    });
                });
                owner.join().unwrap();
                assert_eq!(ran.get(), (turn + 1) * 10);
            }
            // And by a worker of another, as its thread ends.
            let (outer, inner) = (pool(1), RefCell::new(Some(pool(size))));
            let inner = std::sync::Mutex::new(inner);
            outer.install(|| {
                let inner = inner.lock().unwrap().take();
                at_last(move || assert_whole(inner.as_ref().unwrap()));
            });
            outer.shutdown();
            until(|| threads() == before);
        }
    });
}

#[test]
fn a_thread_with_a_small_stack_may_send_much() {
    alone(|| {
        for size in [1, 2, 4] {
            let pool = Arc::new(pool(size));
            let inner = pool.clone();
            let body = move || {
                let large = vec![1_u8; 1 << 20];
                let task = pool.spawn(move || large.len());
                assert_eq!(task.join().unwrap(), 1 << 20);
                // As much by value as fits, a few times over: it is moved.
                let some = black_box([1_u8; 2 << 10]);
                assert_eq!(pool.spawn(move || some.len()).join().unwrap(), 2 << 10);
                assert_eq!(pool.install(move || some.len()), 2 << 10);
                assert_eq!(pool.join(|| some.len(), move || some[7]), (2 << 10, 1));
                pool.scope(|s| s.spawn(move |_| assert_eq!(some[8], 1)));
                assert_whole(&pool);
            };
            thread::Builder::new().stack_size(64 << 10).spawn(body).unwrap().join().unwrap();
            assert_settled(&inner);
        }
    });
}

#[test]
fn a_closure_of_a_mebibyte_is_sent_by_value() {
    alone(|| {
        for size in [1, 2, 4] {
            let pool = builder(size).stack_size(32 << 20).build().unwrap();
            let body = move || {
                let large = black_box([1_u8; 1 << 20]);
                let sum = move || large.iter().map(|&one| usize::from(one)).sum::<usize>();
                assert_eq!(pool.spawn(sum).join().unwrap(), 1 << 20);
                assert_eq!(pool.install(sum), 1 << 20);
                assert_eq!(pool.join(sum, sum), (1 << 20, 1 << 20));
                pool.scope(|s| s.spawn(move |_| assert_eq!(sum(), 1 << 20)));
                let refused = {
                    pool.close();
                    pool.try_spawn(sum).unwrap_err()
                };
                assert_eq!(refused.into_inner()(), 1 << 20);
                assert_settled(&pool);
            };
            thread::Builder::new().stack_size(64 << 20).spawn(body).unwrap().join().unwrap();
        }
    });
}

#[test]
fn a_stack_overflow_in_a_task_kills_the_process_and_says_so() {
    fn eat(n: usize) -> usize {
        let here = black_box([n; 128]);
        if n == usize::MAX { 0 } else { eat(n + 1) + here[n % 128] }
    }
    let ended = doomed(|| {
        let pool = builder(2).thread_name(|n| format!("glutton-{n}")).build().unwrap();
        drop(pool.spawn(|| eat(0)).join());
    });
    if let Some(ended) = ended {
        ended.aborted("glutton-");
    }
}

#[test]
fn where_panics_abort_the_process_ends_at_once() {
    let ended = doomed(|| {
        // What `panic = "abort"` does, once the message is out.
        let hook = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            hook(info);
            abort()
        }));
        let pool = pool(4);
        let gate = Gate::shared();
        let pass = gate.clone();
        drop(pool.spawn(move || pass.pass()));
        drop(pool.spawn(|| panic!("the last word")).join());
        gate.open();
    });
    if let Some(ended) = ended {
        ended.aborted("the last word");
    }
}

#[test]
fn a_worker_that_is_taken_out_of_a_task_ends_the_process() {
    for threads in [1, 2, 4] {
        let ended = doomed(|| {
            let pool = pool(threads);
            // Unwinds the worker's stack, past everything that catches panics.
            // SAFETY: it is not: the frames of Rust that it goes through may not be
            // left so. The process is stopped, by whom and with what words is not
            // ours to say.
            let task = pool.spawn(|| unsafe { libc::pthread_exit(std::ptr::null_mut()) });
            drop(task.join());
        });
        if let Some(ended) = ended {
            assert!(!ended.status.success(), "{ended:?}");
        }
    }
}

#[test]
fn a_pool_that_was_never_used_comes_and_goes() {
    alone(|| {
        let before = threads();
        for size in [1, 2, 4] {
            (0..rounds(100)).for_each(|_| drop(pool(size)));
        }
        until(|| threads() == before);
    });
}
