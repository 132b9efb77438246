//! Destructors of thread-locals that use a pool. Each test is a process of its
//! own, since a panic there aborts.

use std::cell::RefCell;
use std::sync::{Arc, mpsc};
use std::thread;

use heist::ThreadPool;

use crate::support::{Count, alone, block_on, builder, hold, pool};

thread_local! {
    static LAST: RefCell<Option<Last>> = const { RefCell::new(None) };
}

/// Runs a closure when the thread ends.
struct Last(Box<dyn FnOnce()>);

impl Drop for Last {
    fn drop(&mut self) {
        std::mem::replace(&mut self.0, Box::new(|| ()))();
    }
}

fn at_the_end(last: impl FnOnce() + 'static) {
    LAST.set(Some(Last(Box::new(last))));
}

/// Runs `last` when a thread ends that registered it before, or after, the pool
/// came to have thread-locals of its own there.
fn on_a_dying_thread(pool: Arc<ThreadPool>, last: fn(Arc<ThreadPool>)) {
    for early in [true, false] {
        let (pool, ended) = (pool.clone(), Count::shared());
        let end = ended.clone();
        let thread = thread::spawn(move || {
            let inner = pool.clone();
            let last = move || {
                last(inner);
                end.add();
            };
            if early {
                at_the_end(last);
                assert_eq!(pool.join(|| 1, || 2), (1, 2));
                pool.spawn(|| ()).join().unwrap();
            } else {
                assert_eq!(pool.join(|| 1, || 2), (1, 2));
                pool.spawn(|| ()).join().unwrap();
                at_the_end(last);
            }
        });
        thread.join().unwrap();
        assert_eq!(ended.get(), 1);
    }
}

#[test]
fn a_dying_thread_may_fork() {
    alone("locals::a_dying_thread_may_fork", || {
        on_a_dying_thread(Arc::new(pool(2)), |pool| {
            assert_eq!(pool.join(|| 1, || 2), (1, 2));
            pool.scope(|s| s.spawn(|_| ()));
            assert_eq!(pool.install(|| 5), 5);
            assert_eq!(pool.broadcast(|_| ()).len(), 2);
            assert_eq!(heist::current_thread_index(), None);
            assert!(heist::yield_now().is_none());
        });
    });
}

#[test]
fn a_dying_thread_may_spawn() {
    alone("locals::a_dying_thread_may_spawn", || {
        let pool = builder(2).injector_capacity(1).build().unwrap();
        on_a_dying_thread(Arc::new(pool), |pool| {
            for _ in 0..100 {
                drop(pool.spawn(|| ()));
            }
            assert_eq!(pool.spawn(|| 5).join().unwrap(), 5);
            assert_eq!(block_on(pool.spawn(|| 5)).unwrap(), 5);
        });
    });
}

#[test]
fn a_dying_thread_may_join_what_has_a_limit_or_a_key() {
    alone("locals::a_dying_thread_may_join_what_has_a_limit_or_a_key", || {
        let pool = Arc::new(pool(1));
        let class = pool.bulkhead("one at a time").limit(1).build().unwrap();
        // Who joins runs it: nobody else is there for it.
        let held = hold(&pool);
        let inner = pool.clone();
        let join = move || {
            let task = || {
                let own = class.clone();
                // It lends its place to the one that it waits for.
                class.spawn(move || own.spawn(|| 5).join().unwrap())
            };
            assert_eq!(inner.scope(|_| task().join().unwrap()), 5);
            assert_eq!(inner.scope(|_| inner.spawn_keyed("key", || 6).join().unwrap()), 6);
        };
        let thread = thread::spawn(move || {
            at_the_end(join.clone());
            join();
        });
        thread.join().unwrap();
        held.release();
    });
}

#[test]
fn a_dying_thread_may_drop_the_pool() {
    alone("locals::a_dying_thread_may_drop_the_pool", || {
        for early in [true, false] {
            let ran = Count::shared();
            let task = ran.clone();
            let thread = thread::spawn(move || {
                let pool = Arc::new(pool(2));
                let inner = pool.clone();
                if early {
                    at_the_end(move || drop(inner));
                }
                for _ in 0..1000 {
                    let task = task.clone();
                    drop(pool.spawn(move || task.add()));
                }
                if !early {
                    at_the_end(move || drop(pool));
                }
            });
            thread.join().unwrap();
            assert_eq!(ran.get(), 1000);
        }
    });
}

#[test]
fn a_dying_worker_may_use_another_pool() {
    alone("locals::a_dying_worker_may_use_another_pool", || {
        let other = Arc::new(pool(1));
        let (send, receive) = mpsc::channel();
        let dying = pool(2);
        let inner = other.clone();
        dying.broadcast(move |_| {
            let (other, send) = (inner.clone(), send.clone());
            at_the_end(move || {
                assert_eq!(heist::current_thread_index(), None);
                let sum = other.join(|| 1, || 2);
                send.send((sum, other.spawn(|| 5).join().unwrap())).unwrap();
            });
        });
        dying.shutdown();
        assert_eq!([receive.recv().unwrap(), receive.recv().unwrap()], [((1, 2), 5); 2]);
    });
}

#[test]
fn a_dying_worker_is_refused_by_its_own_pool() {
    alone("locals::a_dying_worker_is_refused_by_its_own_pool", || {
        let (send, receive) = mpsc::channel();
        let pool = Arc::new(pool(1));
        let inner = Arc::downgrade(&pool);
        pool.broadcast(move |_| {
            let (pool, send) = (inner.clone(), send.clone());
            at_the_end(move || {
                // The pool is being dropped: nobody can have it any more.
                send.send(pool.upgrade().is_none()).unwrap();
            });
        });
        drop(pool);
        assert!(receive.recv().unwrap());
    });
}
