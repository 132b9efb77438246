//! `set_active_threads`: a pool that is smaller for a while, and loses nothing.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use heist::ThreadPool;

use crate::support::{
    Count, Gate, Meeting, alone, assert_whole, builder, hold, hold_some, pool, threads, until,
    within_a_minute,
};

/// Waits until all workers are at rest or asleep.
fn settle(pool: &ThreadPool) {
    until(|| {
        let before = pool.metrics();
        let now = pool.metrics().since(&before);
        now.workers.iter().all(|worker| worker.busy.is_zero() && worker.searching.is_zero())
    });
}

/// The workers that many tasks at once run on.
fn who_works(pool: &ThreadPool) -> HashSet<Option<usize>> {
    let seen = Arc::new(Mutex::new(HashSet::new()));
    let tasks: Vec<_> = (0..500)
        .map(|_| {
            let seen = seen.clone();
            pool.spawn(move || {
                seen.lock().unwrap().insert(heist::current_thread_index());
                heist::join(std::thread::yield_now, || ());
            })
        })
        .collect();
    tasks.into_iter().for_each(|task| task.join().unwrap());
    let seen = seen.lock().unwrap();
    seen.clone()
}

#[test]
fn workers_beyond_the_number_rest_and_come_again() {
    within_a_minute(|| {
        let pool = pool(4);
        for n in [1, 3, 2, 4, 1] {
            pool.set_active_threads(n).unwrap();
            assert_eq!((pool.active_threads(), pool.num_threads()), (n, 4));
            settle(&pool);
            let seen = who_works(&pool);
            assert!(seen.iter().all(|index| index.unwrap() < n), "{seen:?} of {n}");
            // As many tasks at once as there are workers: each has to take one.
            let held = hold_some(&pool, n);
            let queued = pool.spawn(heist::current_thread_index);
            assert_eq!(pool.metrics().lanes[1].depth, 1, "nobody else comes");
            held.release();
            assert!(queued.join().unwrap().unwrap() < n);
        }
    });
}

#[test]
fn a_number_out_of_range_is_refused_and_changes_nothing() {
    let pool = pool(2);
    pool.set_active_threads(1).unwrap();
    for n in [0, 3, usize::MAX] {
        let refused = pool.set_active_threads(n).unwrap_err();
        assert_eq!((refused.value(), refused.allowed()), (n, 1..=2));
        assert_eq!(refused.to_string(), format!("active_threads is {n}, allowed is 1..=2"));
        assert_eq!(pool.active_threads(), 1);
    }
}

#[test]
fn what_a_worker_has_queued_is_run_by_others_when_it_rests() {
    within_a_minute(|| {
        let pool = Arc::new(pool(2));
        let ran = Count::shared();
        for _ in 0..20 {
            pool.set_active_threads(2).unwrap();
            let (gate, met) = (Gate::shared(), Count::shared());
            let parents: Vec<_> = (0..2)
                .map(|_| {
                    let (pool, ran) = (pool.clone(), ran.clone());
                    let (gate, met) = (gate.clone(), met.clone());
                    pool.clone().spawn(move || {
                        met.add();
                        gate.pass();
                        if heist::current_thread_index() == Some(1) {
                            (0..50).for_each(|_| {
                                let ran = ran.clone();
                                drop(heist::spawn(move || ran.add()));
                            });
                            pool.set_active_threads(1).unwrap();
                        }
                    })
                })
                .collect();
            until(|| met.get() == 2);
            gate.open();
            parents.into_iter().for_each(|task| task.join().unwrap());
        }
        until(|| ran.get() == 1000);
    });
}

#[test]
fn a_resting_worker_has_its_share_in_a_broadcast() {
    within_a_minute(|| {
        let pool = pool(3);
        for n in [1, 2, 3] {
            pool.set_active_threads(n).unwrap();
            settle(&pool);
            for _ in 0..10 {
                let all = pool.broadcast(|_| heist::current_thread_index());
                assert_eq!(all, [Some(0), Some(1), Some(2)]);
            }
        }
        // What a share spawns is not lost either.
        pool.set_active_threads(1).unwrap();
        settle(&pool);
        let tasks = pool.broadcast(|at| heist::spawn(move || at.index()));
        let sum: usize = tasks.into_iter().map(|task| task.join().unwrap()).sum();
        assert_eq!(sum, 3);
        assert_whole(&pool);
    });
}

#[test]
fn every_verb_works_on_a_pool_that_changes_all_the_time() {
    within_a_minute(|| {
        for guests in [0, 8] {
            let pool = builder(4).max_guests(guests).build().unwrap();
            let over = Gate::shared();
            std::thread::scope(|threads| {
                let (shared, stop) = (&pool, Arc::downgrade(&over));
                threads.spawn(move || {
                    for n in (1..=4).cycle() {
                        if stop.upgrade().is_none() {
                            break;
                        }
                        shared.set_active_threads(n).unwrap();
                        std::thread::yield_now();
                    }
                });
                for round in 0..200 {
                    assert_whole(&pool);
                    let tasks: Vec<_> = (0..50).map(|n| pool.spawn(move || n)).collect();
                    pool.scope(|s| (0..20).for_each(|_| s.spawn(|s| s.spawn(|_| ()))));
                    let sum: i32 = tasks.into_iter().map(|task| task.join().unwrap()).sum();
                    assert_eq!(sum, 1225, "{round}");
                }
                drop(over);
            });
            pool.shutdown();
        }
    });
}

#[test]
fn a_pool_shuts_down_with_workers_at_rest() {
    within_a_minute(|| {
        for end in 0..3 {
            let pool = pool(4);
            pool.set_active_threads(1).unwrap();
            let held = hold_some(&pool, 1);
            let waiting: Vec<_> = (0..100).map(|n| pool.spawn(move || n)).collect();
            std::thread::scope(|threads| {
                threads.spawn(|| held.release());
                match end {
                    0 => pool.shutdown(),
                    1 => drop(pool),
                    _ => drop(pool.shutdown_now()),
                }
            });
            assert!(waiting.iter().all(|task| task.is_finished()));
            let ran = waiting.into_iter().filter_map(|task| task.join().ok()).count();
            assert!(ran == 100 || end == 2, "{ran} have run");
        }
    });
}

#[test]
fn a_task_may_change_its_own_pool_and_goes_on() {
    within_a_minute(|| {
        let pool = Arc::new(pool(2));
        let inner = pool.clone();
        let done = pool.broadcast(|at| {
            if at.index() == 1 {
                inner.set_active_threads(1).unwrap();
                // One too many now; but it is at work, and helps itself.
                return heist::join(|| 1, || heist::spawn(|| 1).join().unwrap());
            }
            (1, 1)
        });
        assert_eq!(done, [(1, 1), (1, 1)]);
        assert_eq!(pool.active_threads(), 1);
        assert_whole(&pool);
    });
}

#[test]
fn a_worker_that_blocks_is_replaced_although_others_rest() {
    within_a_minute(|| {
        let pool = pool(2);
        pool.set_active_threads(1).unwrap();
        settle(&pool);
        let gate = Gate::shared();
        let pass = gate.clone();
        let blocked = pool.spawn(move || heist::blocking(|| pass.pass()));
        assert_eq!(pool.spawn(heist::current_thread_index).join().unwrap(), None);
        gate.open();
        blocked.join().unwrap();
        assert_whole(&pool);
    });
}

#[test]
fn a_worker_that_is_called_back_finds_what_waits() {
    within_a_minute(|| {
        let pool = pool(2);
        for _ in 0..100 {
            pool.set_active_threads(1).unwrap();
            settle(&pool);
            let held = hold_some(&pool, 1);
            let queued = pool.spawn(heist::current_thread_index);
            pool.set_active_threads(2).unwrap();
            // The other one is held.
            assert_eq!(queued.join().unwrap(), Some(1));
            held.release();
        }
        drop(hold(&pool));
    });
}

#[test]
fn the_place_of_a_worker_that_blocks_counts_only_while_it_is_on_duty() {
    alone("elastic::the_place_of_a_worker_that_blocks_counts_only_while_it_is_on_duty", || {
        let pool = pool(2);
        let (gate, away) = (Gate::shared(), Gate::shared());
        let met = Arc::new(Meeting::of(2));
        let both: Vec<_> = (0..2)
            .map(|_| {
                let (gate, away, met) = (gate.clone(), away.clone(), met.clone());
                pool.spawn(move || {
                    met.wait();
                    if heist::current_thread_index() == Some(0) {
                        return gate.pass();
                    }
                    heist::blocking(|| {
                        away.open();
                        gate.pass();
                    });
                })
            })
            .collect();
        away.pass();
        pool.set_active_threads(1).unwrap();
        let before = threads();
        let waits = pool.spawn(heist::current_thread_index);
        // It is not to work, so nobody works for it.
        assert_eq!((threads(), pool.metrics().lanes[1].depth), (before, 1));
        pool.set_active_threads(2).unwrap();
        assert_eq!(waits.join().unwrap(), None);
        gate.open();
        both.into_iter().for_each(|task| task.join().unwrap());
        assert_whole(&pool);
    });
}
