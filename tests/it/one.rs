//! A pool of one worker does everything, from outside, as a guest and within.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use heist::ThreadPool;

use crate::support::{Count, block_on, builder, hold, message, pool, until, within_a_minute};

/// Every verb that forks; each must end with nobody there to help.
fn fork_everything(pool: &ThreadPool) {
    let ran = Count::default();
    assert_eq!(pool.join(|| 1, || 2), (1, 2));
    assert_eq!(pool.join(|| pool.join(|| 1, || 2), || pool.install(|| 3)), ((1, 2), 3));
    pool.scope(|s| {
        s.spawn(|s| s.spawn(|_| ran.add()));
        pool.scope(|s| s.spawn(|_| ran.add()));
        pool.install(|| s.spawn(|_| ran.add()));
    });
    assert_eq!(ran.get(), 3);
    assert_eq!(pool.install(|| pool.install(heist::current_thread_index)), Some(0));
    assert_eq!(pool.broadcast(|at| pool.broadcast(|_| at.index())), [[0]]);
    pool.for_each(0..10, |_| pool.for_each(0..10, |_| ran.add()));
    assert_eq!(ran.get(), 103);
    let mut numbers = [1, 2, 3];
    pool.for_each_mut(&mut numbers, |index, number| *number += index);
    pool.for_each_chunk_mut(&mut numbers, 2, |index, chunk| chunk[0] += index);
    assert_eq!(numbers, [1, 3, 6]);
    assert_eq!(pool.map(&numbers, |number| pool.install(|| number + 1)), [2, 4, 7]);
    assert_eq!(pool.map_reduce(&numbers, |number| *number, || 0, |a, b| a + b), 10);
    assert_eq!(message(|| pool.install(|| pool.join(|| panic!("a"), || ()))), "a");
}

/// Every verb that spawns; each handle is joined where it was made.
fn spawn_everything(pool: &ThreadPool) {
    assert_eq!(pool.spawn(|| 1).join().unwrap(), 1);
    assert_eq!(pool.try_spawn(|| 2).unwrap().join().unwrap(), 2);
    assert_eq!(pool.spawn_timeout(|| 3, Duration::MAX).unwrap().join().unwrap(), 3);
    assert_eq!(block_on(pool.spawn_async(|| 4)).unwrap().join().unwrap(), 4);
    let nested = pool.spawn(|| heist::spawn(|| heist::spawn(|| 5).join().unwrap()).join().unwrap());
    assert_eq!(nested.join().unwrap(), 5);
    let timed = pool.spawn(|| heist::join(|| 6, || 7)).join_timeout(Duration::MAX);
    assert_eq!(timed.unwrap().unwrap(), (6, 7));
    assert!(pool.spawn(|| panic!("a task")).join().unwrap_err().is_panic());
    let cancelled = pool.spawn(|| 8);
    let won = cancelled.cancel();
    assert_eq!(cancelled.join().is_err(), won);
}

#[test]
fn every_verb_works_from_outside() {
    within_a_minute(|| {
        for guests in [0, 1, 8] {
            let pool = builder(1).max_guests(guests).injector_capacity(1).build().unwrap();
            for _ in 0..20 {
                fork_everything(&pool);
                spawn_everything(&pool);
            }
        }
    });
}

#[test]
fn every_verb_works_on_the_worker() {
    within_a_minute(|| {
        for guests in [0, 8] {
            let pool = builder(1).max_guests(guests).injector_capacity(1).build().unwrap();
            for _ in 0..20 {
                pool.install(|| {
                    fork_everything(&pool);
                    spawn_everything(&pool);
                });
            }
        }
    });
}

#[test]
fn every_verb_works_as_a_guest() {
    within_a_minute(|| {
        let pool = builder(1).injector_capacity(1).build().unwrap();
        for _ in 0..20 {
            pool.scope(|_| {
                fork_everything(&pool);
                spawn_everything(&pool);
            });
        }
    });
}

#[test]
fn every_verb_works_in_a_job_of_each_kind() {
    within_a_minute(|| {
        let pool = Arc::new(builder(1).injector_capacity(2).build().unwrap());
        let everything = || {
            fork_everything(&pool);
            spawn_everything(&pool);
        };
        pool.join(everything, everything);
        pool.scope(|s| s.spawn(|_| everything()));
        pool.for_each(0..3, |_| everything());
        pool.broadcast(|_| everything());
        let inner = pool.clone();
        let task = pool.spawn(move || {
            fork_everything(&inner);
            spawn_everything(&inner);
        });
        task.join().unwrap();
    });
}

#[test]
fn yield_now_runs_one_waiting_job() {
    within_a_minute(|| {
        let pool = pool(1);
        pool.install(|| {
            let ran = Count::default();
            heist::scope(|s| {
                (0..3).for_each(|_| s.spawn(|_| ran.add()));
                for done in 1..=3 {
                    assert_eq!(heist::yield_now(), Some(heist::Yield::Executed));
                    assert_eq!(ran.get(), done);
                }
                assert_eq!(heist::yield_now(), Some(heist::Yield::Idle));
            });
        });
    });
}

#[test]
fn a_worker_may_wait_for_a_task_by_yielding() {
    within_a_minute(|| {
        let pool = pool(1);
        let ended = pool.install(|| {
            let task = heist::spawn(|| heist::spawn(|| ()).join());
            while !task.is_finished() {
                heist::yield_now();
            }
            task.join().is_ok()
        });
        assert!(ended);
    });
}

#[test]
fn a_yielding_worker_serves_the_entrance() {
    within_a_minute(|| {
        let pool = pool(1);
        let (yielding, stop) = (Count::shared(), Count::shared());
        let (here, end) = (yielding.clone(), stop.clone());
        let busy = pool.spawn(move || {
            while end.get() == 0 {
                here.add();
                heist::yield_now();
            }
        });
        until(|| yielding.get() > 0);
        assert_eq!(pool.spawn(|| 5).join().unwrap(), 5);
        assert_eq!(pool.install(|| 6), 6);
        stop.add();
        busy.join().unwrap();
    });
}

/// Spawns itself again until it is told to stop.
fn ticker(stop: Arc<AtomicBool>) {
    if !stop.load(Ordering::SeqCst) {
        drop(heist::spawn(move || ticker(stop)));
    }
}

#[test]
fn a_wait_reaches_what_lies_behind_tasks_that_follow_each_other() {
    let tick = |stop: &Arc<AtomicBool>| {
        let stop = stop.clone();
        drop(heist::spawn(move || ticker(stop)));
    };
    within_a_minute(move || {
        let (home, abroad) = (pool(1), pool(1));
        // An older job of the thread's own.
        let stop = Arc::new(AtomicBool::new(false));
        home.install(|| {
            home.scope(|s| {
                s.spawn(|_| stop.store(true, Ordering::SeqCst));
                tick(&stop);
            });
        });
        // The same in an isolated section.
        let stop = Arc::new(AtomicBool::new(false));
        let section = || {
            heist::scope(|s| {
                s.spawn(|_| stop.store(true, Ordering::SeqCst));
                tick(&stop);
            });
        };
        home.install(|| heist::isolated(section));
        // And a guest's, whose pool has no time for it, while it waits abroad.
        let (held, stop) = (hold(&home), Arc::new(AtomicBool::new(false)));
        home.scope(|s| {
            s.spawn(|_| stop.store(true, Ordering::SeqCst));
            tick(&stop);
            abroad.install(|| until(|| stop.load(Ordering::SeqCst)));
        });
        held.release();
        // What is lent to the pool, and what is sent to the thread, while it waits abroad.
        for sent in [false, true] {
            let stop = Arc::new(AtomicBool::new(false));
            let end = || stop.store(true, Ordering::SeqCst);
            home.install(|| {
                tick(&stop);
                abroad.install(|| {
                    if sent { drop(home.broadcast(|_| end())) } else { home.install(end) }
                });
            });
        }
    });
}
