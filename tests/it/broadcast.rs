//! `broadcast`: once on every worker, the results in index order.

use std::panic;
use std::thread;

use crate::support::{
    Count, Meeting, Token, assert_whole, everywhere, fall_asleep, hold_some, message, payload,
    pool, until, within_a_minute,
};

#[test]
fn every_worker_runs_it_once_and_results_are_in_index_order() {
    within_a_minute(|| {
        everywhere(|pool| {
            let threads = pool.num_threads();
            let ran = Count::default();
            let seen = pool.broadcast(|at| {
                ran.add();
                assert_eq!(at.num_threads(), threads);
                assert_eq!(heist::current_thread_index(), Some(at.index()));
                at.index()
            });
            assert_eq!(seen, (0..threads).collect::<Vec<_>>());
            assert_eq!(ran.get(), threads);
        });
    });
}

#[test]
fn all_workers_are_in_it_at_the_same_time() {
    within_a_minute(|| {
        everywhere(|pool| {
            let meeting = Meeting::of(pool.num_threads());
            assert_eq!(pool.broadcast(|_| meeting.wait()).len(), pool.num_threads());
        });
    });
}

#[test]
fn a_broadcast_waits_for_workers_that_are_busy() {
    within_a_minute(|| {
        let pool = pool(3);
        let held = hold_some(&pool, 2);
        let (begun, released) = (Count::default(), Count::default());
        thread::scope(|threads| {
            let seen = threads.spawn(|| {
                pool.broadcast(|at| {
                    begun.add();
                    (at.index(), released.get())
                })
            });
            // By the one that is free.
            until(|| begun.get() == 1);
            released.add();
            held.release();
            let seen = seen.join().unwrap();
            assert_eq!([seen[0].0, seen[1].0, seen[2].0], [0, 1, 2]);
            assert_eq!(seen.iter().filter(|(_, released)| *released == 0).count(), 1);
        });
    });
}

#[test]
fn two_workers_broadcast_at_the_same_time() {
    within_a_minute(|| {
        let pool = pool(2);
        for _ in 0..100 {
            let meeting = Meeting::of(2);
            let seen = pool.broadcast(|_| {
                meeting.wait();
                pool.broadcast(|at| at.index())
            });
            assert_eq!(seen, [[0, 1], [0, 1]]);
        }
    });
}

#[test]
fn many_threads_broadcast_at_the_same_time() {
    within_a_minute(|| {
        let pool = pool(4);
        let ran = Count::default();
        thread::scope(|threads| {
            for _ in 0..8 {
                threads.spawn(|| {
                    for _ in 0..50 {
                        assert_eq!(pool.broadcast(|_| ran.add()).len(), 4);
                    }
                });
            }
        });
        assert_eq!(ran.get(), 8 * 50 * 4);
    });
}

#[test]
fn a_broadcast_wakes_workers_that_sleep() {
    within_a_minute(|| {
        let pool = pool(3);
        for _ in 0..50 {
            fall_asleep(&pool);
            assert_eq!(pool.broadcast(|at| at.index()), [0, 1, 2]);
        }
    });
}

#[test]
fn a_broadcast_inside_forks_and_inside_a_broadcast_ends() {
    within_a_minute(|| {
        everywhere(|pool| {
            let both = pool.join(|| pool.broadcast(|_| 1).len(), || pool.broadcast(|_| 1).len());
            assert_eq!(both, (pool.num_threads(), pool.num_threads()));
            let nested = pool.broadcast(|_| pool.broadcast(|_| pool.broadcast(|_| 1).len()).len());
            assert_eq!(nested, vec![pool.num_threads(); pool.num_threads()]);
        });
    });
}

#[test]
fn workers_may_fork_inside_a_broadcast() {
    within_a_minute(|| {
        everywhere(|pool| {
            let sums = pool.broadcast(|at| heist::join(|| at.index(), || 1));
            let expected: Vec<_> = (0..pool.num_threads()).map(|index| (index, 1)).collect();
            assert_eq!(sums, expected);
        });
    });
}

#[test]
fn a_panic_on_one_worker_is_raised_after_all_have_run_it() {
    within_a_minute(|| {
        everywhere(|pool| {
            let (ran, dropped) = (Count::default(), Count::shared());
            let said = message(|| {
                pool.broadcast(|at| {
                    let token = Token(dropped.clone());
                    ran.add();
                    assert!(at.index() != 0, "from worker 0");
                    token
                })
            });
            assert_eq!(said, "from worker 0");
            assert_eq!(ran.get(), pool.num_threads());
            assert_eq!(dropped.get(), pool.num_threads());
            assert_whole(pool);
        });
    });
}

#[test]
fn when_all_workers_panic_one_payload_is_raised() {
    within_a_minute(|| {
        everywhere(|pool| {
            let got = payload(|| pool.broadcast(|at| panic::resume_unwind(Box::new(at.index()))));
            assert!(*got.downcast_ref::<usize>().expect("an index") < pool.num_threads());
            assert_whole(pool);
        });
    });
}
