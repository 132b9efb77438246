//! Tasks of the pool that flood a bulkhead or a key that stands still.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;
use std::time::Duration;

use heist::{Bulkhead, JoinHandle, ThreadPool, TrySpawnError};

use crate::bulkhead::{class, occupy};
use crate::support::{Count, Gate, poll, pool, within_a_minute};

/// Tasks that wait before one inside is `Full`.
const MOST: usize = 65_536;

type Spawned = Result<JoinHandle<()>, TrySpawnError<fn()>>;

fn nothing() {}

/// Spawns, on a thread of the pool, until there is no room; how many were accepted.
fn flood(try_spawn: impl Fn() -> Spawned) -> usize {
    let accepted = (0..2 * MOST).map(|_| try_spawn()).take_while(Result::is_ok).count();
    assert!(try_spawn().unwrap_err().is_full(), "not for a moment");
    accepted
}

#[test]
fn a_bulkhead_that_stands_still_is_full_at_last_inside_the_pool() {
    within_a_minute(|| {
        let pool = pool(2);
        let class = class(&pool, 1, 3);
        let (gate, slow) = occupy(&class);
        let verbs = |class: &Bulkhead| {
            assert_eq!(flood(|| class.try_spawn(nothing as fn())), MOST);
            assert!(class.spawn_timeout(nothing, Duration::MAX).unwrap_err().is_full());
            assert!(class.task().name("a").try_spawn(nothing).unwrap_err().is_full());
            // It waits for a place, as from outside.
            let mut later = pin!(class.spawn_async(|| 1));
            assert!(poll(later.as_mut(), Waker::noop()).is_pending());
            // And this one has no bound.
            class.spawn(|| 7)
        };
        let last = pool.install(|| verbs(&class));
        let metrics = class.metrics();
        assert_eq!((metrics.queued, metrics.running), (MOST + 1, 1), "{metrics}");
        assert_eq!(metrics.rejected, 4, "{metrics}");
        gate.open();
        slow.join().unwrap();
        assert_eq!(last.join().unwrap(), 7);
        // As soon as there is room again.
        assert!(pool.install(|| class.try_spawn(nothing)).is_ok());
        pool.shutdown();
        assert_eq!(class.metrics().completed, class.metrics().accepted);
    });
}

#[test]
fn a_key_that_stands_still_is_full_at_last_inside_the_pool() {
    within_a_minute(|| {
        let pool = pool(2);
        let (begun, gate) = (Gate::shared(), Gate::shared());
        let (begin, pass) = (begun.clone(), gate.clone());
        let slow = pool.spawn_keyed(1, move || {
            begin.open();
            pass.pass();
        });
        begun.pass();
        let verbs = |pool: &ThreadPool| {
            assert_eq!(flood(|| pool.try_spawn_keyed(1, nothing as fn())), MOST);
            let timed = pool.task().spawn_keyed_timeout(1, nothing, Duration::MAX);
            assert!(timed.unwrap_err().is_full());
            assert!(pool.try_spawn_keyed(2, nothing).is_ok(), "another key");
            pool.spawn_keyed(1, || 7)
        };
        let last = pool.install(|| verbs(&pool));
        gate.open();
        slow.join().unwrap();
        assert_eq!(last.join().unwrap(), 7);
        assert!(pool.install(|| pool.try_spawn_keyed(1, nothing)).is_ok());
    });
}

#[test]
fn a_key_that_nobody_is_at_is_worked_off_by_who_floods_it() {
    within_a_minute(|| {
        let pool = pool(1);
        let ran = Count::shared();
        pool.install(|| {
            for n in 0..MOST + 10 {
                let seen = ran.clone();
                let task = pool.try_spawn_keyed(1, move || seen.add());
                drop(task.expect("there is room"));
                assert_eq!(ran.get() > 0, n >= MOST, "{n}");
            }
        });
        pool.shutdown();
        assert_eq!(ran.get(), MOST + 10);
    });
}

#[test]
fn in_an_isolated_section_nothing_is_worked_off() {
    within_a_minute(|| {
        let pool = pool(1);
        let class = class(&pool, 1, 0);
        pool.install(|| {
            let ran = Count::shared();
            let task = || {
                let ran = ran.clone();
                move || ran.add()
            };
            (0..MOST).for_each(|_| drop(class.spawn(task())));
            (0..MOST).for_each(|_| drop(pool.spawn_keyed(1, task())));
            assert_eq!(ran.get(), 0);
            heist::isolated(|| {
                assert!(class.try_spawn(task()).unwrap_err().is_full());
                assert!(pool.try_spawn_keyed(1, task()).unwrap_err().is_full());
                drop(class.spawn(task()));
                drop(pool.spawn_keyed(1, task()));
            });
            assert_eq!(ran.get(), 0, "any of them might want a lock held there");
            drop(class.try_spawn(task()).unwrap());
            assert!(ran.get() > 0);
        });
    });
}

/// One of the key that brings the next.
fn tick(pool: &Arc<ThreadPool>, stop: &Arc<AtomicBool>, ran: &Arc<Count>) {
    ran.add();
    if !stop.load(Ordering::Relaxed) {
        let (next, stop, ran) = (Arc::clone(pool), Arc::clone(stop), ran.clone());
        drop(pool.spawn_keyed(1, move || tick(&next, &stop, &ran)));
    }
}

#[test]
fn who_works_a_key_off_goes_on_when_there_is_room() {
    within_a_minute(|| {
        let pool = Arc::new(pool(1));
        let (stop, ran) = (Arc::<AtomicBool>::default(), Count::shared());
        pool.install(|| {
            tick(&pool, &stop, &ran);
            (0..MOST).for_each(|_| drop(pool.spawn_keyed(1, nothing)));
            assert_eq!(ran.get(), 2, "the first of those in the key");
            stop.store(true, Ordering::Relaxed);
        });
        pool.spawn_keyed(1, nothing).join().unwrap();
    });
}
