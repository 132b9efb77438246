//! Guests: outside threads that work inside the pool.

use std::sync::Arc;
use std::thread;

use heist::Yield;

use crate::support::{
    Count, Gate, Meeting, assert_whole, builder, hold, message, pool, until, within_a_minute,
};

#[test]
fn the_first_closure_runs_on_the_calling_thread() {
    within_a_minute(|| {
        let pool = pool(2);
        let here = thread::current().id();
        let (there, ()) = pool.join(|| thread::current().id(), || ());
        assert_eq!(there, here);
        assert_eq!(pool.scope(|_| thread::current().id()), here);
    });
}

#[test]
fn a_guest_has_no_index_but_is_inside() {
    within_a_minute(|| {
        let pool = pool(3);
        assert_eq!(heist::current_thread_index(), None);
        assert!(heist::yield_now().is_none());
        pool.scope(|_| {
            assert_eq!(heist::current_thread_index(), None);
            assert_eq!(heist::current_num_threads(), 3);
            assert!(heist::yield_now().is_some());
        });
        assert!(heist::yield_now().is_none());
    });
}

#[test]
fn a_guest_is_outside_again_after_a_panic() {
    within_a_minute(|| {
        let pool = pool(1);
        for _ in 0..100 {
            assert_eq!(message(|| pool.scope(|_| panic!("inside"))), "inside");
            assert!(heist::yield_now().is_none());
            assert_eq!(message(|| pool.join(|| (), || panic!("inside"))), "inside");
            assert!(heist::yield_now().is_none());
        }
        assert_whole(&pool);
    });
}

#[test]
fn a_guest_whose_workers_are_all_busy_does_the_work_alone() {
    within_a_minute(|| {
        let pool = pool(2);
        let _held = hold(&pool);
        let here = thread::current().id();
        let ids = pool.join(|| thread::current().id(), || thread::current().id());
        assert_eq!(ids, (here, here));
        let ran = Count::default();
        pool.scope(|s| (0..1000).for_each(|_| s.spawn(|_| ran.add())));
        assert_eq!(ran.get(), 1000);
        assert_eq!(pool.map(&[1, 2, 3], |n| n + 1), [2, 3, 4]);
    });
}

#[test]
fn a_guest_in_a_guest_is_the_same_guest() {
    within_a_minute(|| {
        // One slot: a second one would have to be a worker's.
        let pool = builder(1).max_guests(1).build().unwrap();
        let here = thread::current().id();
        pool.scope(|_| {
            let ids = pool.join(|| pool.scope(|_| thread::current().id()), || ());
            assert_eq!(ids.0, here);
        });
    });
}

#[test]
fn with_no_guests_allowed_the_caller_hands_over() {
    within_a_minute(|| {
        let pool = builder(2).max_guests(0).build().unwrap();
        let (index, ()) = pool.join(heist::current_thread_index, || ());
        assert!(index.is_some());
        assert!(pool.scope(|_| heist::current_thread_index()).is_some());
        assert_whole(&pool);
    });
}

#[test]
fn who_finds_all_slots_taken_hands_over_and_who_comes_later_does_not() {
    within_a_minute(|| {
        let pool = builder(1).max_guests(2).build().unwrap();
        let (inside, gate) = (Count::default(), Gate::default());
        thread::scope(|threads| {
            for _ in 0..2 {
                threads.spawn(|| {
                    pool.scope(|_| {
                        assert_eq!(heist::current_thread_index(), None);
                        inside.add();
                        gate.pass();
                    });
                });
            }
            until(|| inside.get() == 2);
            assert_eq!(pool.scope(|_| heist::current_thread_index()), Some(0));
            assert_eq!(pool.join(heist::current_thread_index, || ()).0, Some(0));
            gate.open();
        });
        assert_eq!(pool.scope(|_| heist::current_thread_index()), None);
    });
}

#[test]
fn sixty_four_threads_work_at_once_over_eight_slots() {
    fn sum(from: usize, to: usize) -> usize {
        if to - from < 4 {
            return (from..to).sum();
        }
        let middle = from.midpoint(to);
        let (low, high) = heist::join(|| sum(from, middle), || sum(middle, to));
        low + high
    }
    within_a_minute(|| {
        for workers in [1, 2] {
            let pool = builder(workers).max_guests(8).build().unwrap();
            let start = Meeting::of(64);
            thread::scope(|threads| {
                for _ in 0..64 {
                    threads.spawn(|| {
                        start.wait();
                        for _ in 0..10 {
                            assert_eq!(pool.join(|| sum(0, 100), || sum(0, 10)), (4950, 45));
                            let ran = Count::default();
                            pool.scope(|s| (0..10).for_each(|_| s.spawn(|_| ran.add())));
                            assert_eq!(ran.get(), 10);
                        }
                    });
                }
            });
            assert_whole(&pool);
        }
    });
}

#[test]
fn workers_steal_from_a_guest() {
    within_a_minute(|| {
        let pool = pool(1);
        for _ in 0..500 {
            let gate = Gate::default();
            let (index, ()) = pool.join(
                || {
                    gate.pass();
                    heist::current_thread_index()
                },
                || {
                    assert_eq!(heist::current_thread_index(), Some(0));
                    gate.open();
                },
            );
            assert_eq!(index, None);
        }
    });
}

#[test]
fn what_a_guest_spawns_and_leaves_behind_still_runs() {
    within_a_minute(|| {
        for workers in [1, 2] {
            let pool = pool(workers);
            let ran = Count::shared();
            let held = hold(&pool);
            pool.scope(|_| {
                for _ in 0..100 {
                    let ran = ran.clone();
                    drop(pool.spawn(move || ran.add()));
                }
            });
            held.release();
            until(|| ran.get() == 100);
        }
    });
}

#[test]
fn what_a_guest_left_behind_runs_before_shutdown_returns() {
    within_a_minute(|| {
        for _ in 0..200 {
            let pool = pool(2);
            let ran = Count::shared();
            pool.scope(|_| {
                for _ in 0..20 {
                    let ran = ran.clone();
                    drop(pool.spawn(move || ran.add()));
                }
            });
            pool.shutdown();
            assert_eq!(ran.get(), 20);
        }
    });
}

#[test]
fn a_slot_left_with_work_in_it_serves_the_next_guest() {
    within_a_minute(|| {
        let pool = builder(1).max_guests(1).build().unwrap();
        let ran = Count::shared();
        let held = hold(&pool);
        for _ in 0..10 {
            pool.scope(|s| {
                let task = ran.clone();
                drop(pool.spawn(move || task.add()));
                s.spawn(|_| ran.add());
            });
        }
        held.release();
        until(|| ran.get() == 20);
    });
}

#[test]
fn a_guest_helps_with_its_own_jobs_while_it_waits_for_a_stolen_one() {
    within_a_minute(|| {
        let pool = pool(1);
        for _ in 0..100 {
            let (stolen, helped) = (Gate::default(), Gate::default());
            pool.scope(|s| {
                // The worker takes the first; only the guest can run the second.
                s.spawn(|_| {
                    stolen.open();
                    helped.pass();
                });
                stolen.pass();
                s.spawn(|_| helped.open());
            });
        }
    });
}

#[test]
fn a_worker_that_waits_for_a_guest_runs_what_the_guest_installs() {
    within_a_minute(|| {
        let pool = pool(1);
        for _ in 0..20 {
            let (taken, stolen) = (Gate::default(), Gate::default());
            let install_there = || {
                stolen.open();
                assert_eq!(pool.install(heist::current_thread_index), Some(0));
            };
            pool.scope(|s| {
                // The worker takes this; then the guest steals its second half.
                s.spawn(|_| {
                    taken.open();
                    heist::join(|| stolen.pass(), install_there);
                });
                taken.pass();
            });
        }
    });
}

#[test]
fn what_a_guest_leaves_behind_is_run_although_every_worker_is_busy() {
    within_a_minute(|| {
        let pool = heist::ThreadPool::builder().num_threads(1).build().unwrap();
        let (say, heard) = std::sync::mpsc::channel();
        let begun = Count::shared();
        let count = begun.clone();
        let busy = pool.spawn(move || {
            count.add();
            heard.recv().unwrap()
        });
        until(|| begun.get() == 1);
        pool.scope(|_| drop(pool.spawn(move || say.send("served").unwrap())));
        assert_eq!(busy.join().unwrap(), "served");
        assert_whole(&pool);
    });
}

#[test]
fn a_guest_that_yields_inside_what_a_yield_runs_runs_its_own_tasks() {
    within_a_minute(|| {
        fn yields(levels: usize, ran: &Arc<Count>) {
            if levels > 0 {
                let count = ran.clone();
                drop(heist::spawn(move || yields(levels - 1, &count)));
                assert_eq!(heist::yield_now(), Some(Yield::Executed));
                ran.add();
            }
        }
        let (pool, ran) = (pool(1), Count::shared());
        let held = hold(&pool);
        pool.scope(|_| yields(100, &ran));
        assert_eq!(ran.get(), 100);
        held.release();
    });
}
