//! Panics in what a user hands over, where `tests/it` does not look: hooks, writers,
//! handlers of handlers.

use std::any::Any;
use std::fmt::{self, Write};
use std::panic::{self, AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::atomic::{AtomicIsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::thread;

use heist::ThreadPool;

use crate::process::{alone, assert_settled, fork, rounds};
use crate::support::{Bomb, Count, assert_whole, builder, payload, pool, threads, until};

#[test]
fn a_panic_hook_may_spawn() {
    alone(|| {
        for threads in [1, 2, 4] {
            static POOL: Mutex<Weak<ThreadPool>> = Mutex::new(Weak::new());
            static HOOKED: AtomicIsize = AtomicIsize::new(0);
            let pool = Arc::new(builder(threads).injector_capacity(1000).build().unwrap());
            *POOL.lock().unwrap() = Arc::downgrade(&pool);
            let before = HOOKED.load(Ordering::Relaxed);
            panic::set_hook(Box::new(|_| {
                let pool = POOL.lock().unwrap().upgrade();
                drop(
                    pool.expect("alive")
                        .try_spawn(|| HOOKED.fetch_add(1, Ordering::Relaxed))
                        .expect("room"),
                );
                // On the pool it works for, else on the global one.
                heist::spawn(|| ()).join().unwrap();
                assert_eq!(heist::join(|| 1, || 2), (1, 2));
            }));
            let tasks: Vec<_> = (0..100).map(|_| pool.spawn(|| panic!("a task"))).collect();
            assert!(tasks.into_iter().all(|task| task.join().unwrap_err().is_panic()));
            payload(|| pool.join(|| panic!("a"), || panic!("b")));
            payload(|| pool.scope(|s| (0..8).for_each(|_| s.spawn(|_| panic!("a job")))));
            drop(panic::take_hook());
            assert_settled(&pool);
            assert_eq!(HOOKED.load(Ordering::Relaxed) - before, 110);
            assert_whole(&pool);
        }
    });
}

#[test]
fn after_many_panics_every_worker_is_there() {
    alone(|| {
        panic::set_hook(Box::new(|_| ()));
        for threads in [1, 2, 4] {
            let heard = Count::shared();
            let hear = heard.clone();
            let handler = move |payload| {
                hear.add();
                drop(payload);
                panic!("the handler");
            };
            let pool = builder(threads).panic_handler(handler).build().unwrap();
            let many = rounds(5000);
            for turn in 0..many {
                let task = pool.spawn(move || match turn % 2 {
                    0 => panic_any(Bomb),
                    _ => panic!("a task"),
                });
                if turn % 3 == 0 {
                    std::mem::forget(task.join().unwrap_err().into_panic());
                }
            }
            assert_settled(&pool);
            assert_eq!(pool.metrics().tasks_panicked(), many as u64);
            until(|| heard.get() == many - many.div_ceil(3));
            assert_whole(&pool);
        }
    });
}

/// A panic handler that lets go of what it is told, which panics when dropped, and
/// panics with another such thing.
pub(crate) fn explode(payload: Box<dyn Any + Send>) {
    std::mem::forget(payload);
    panic_any(Bomb);
}

#[test]
fn handlers_that_panic_with_what_panics_again_cost_no_worker() {
    alone(|| {
        let before = threads();
        for size in [1, 2, 4] {
            let pool = builder(size)
                .start_handler(|_| panic_any(Bomb))
                .exit_handler(|_| panic_any(Bomb))
                .panic_handler(explode)
                .build()
                .unwrap();
            drop(pool.spawn(|| panic_any(Bomb)));
            assert_whole(&pool);
            assert_settled(&pool);
            pool.shutdown();
        }
        until(|| threads() == before);
    });
}

/// Takes so many bytes, and panics, or refuses, at the next.
struct Narrow {
    room: usize,
    panics: bool,
}

impl Write for Narrow {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if text.len() <= self.room {
            self.room -= text.len();
            return Ok(());
        }
        assert!(!self.panics, "no room");
        Err(fmt::Error)
    }
}

#[test]
fn metrics_may_be_shown_at_any_time_to_a_writer_that_fails() {
    alone(|| {
        for threads in [1, 2, 4] {
            let pool = pool(threads);
            thread::scope(|s| {
                let passed = Count::shared();
                let (pool, passing) = (&pool, passed.clone());
                s.spawn(move || {
                    for n in 0..rounds(2000) {
                        drop(pool.spawn(move || heist::join(|| n, || n)));
                    }
                    passing.add();
                });
                let mut room = 0;
                while passed.get() == 0 || room < 1000 {
                    let metrics = pool.metrics();
                    assert!(
                        write!(Narrow { room, panics: false }, "{metrics}").is_err() || room > 0
                    );
                    let shown = || write!(Narrow { room, panics: true }, "{metrics} {pool:?}");
                    let _ = catch_unwind(AssertUnwindSafe(shown));
                    room = (room + 7) % 2000;
                }
            });
            assert_settled(&pool);
            assert_whole(&pool);
        }
    });
}

#[test]
fn a_panic_with_a_pool_in_a_static_ends_the_thread_and_no_more() {
    alone(|| {
        static POOL: OnceLock<ThreadPool> = OnceLock::new();
        fork(|| {
            let pool = POOL.get_or_init(|| pool(2));
            assert!(
                thread::spawn(|| POOL.get().unwrap().install(|| panic!("there"))).join().is_err()
            );
            assert_whole(pool);
        })
        .well();
    });
}
