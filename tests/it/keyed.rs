//! `ThreadPool::spawn_keyed`: tasks of one key one at a time, in their order.

use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use heist::JoinHandle;

use crate::support::{
    Count, Gate, Meeting, NORMAL, Token, assert_whole, builder, hold, message, pool, text, until,
    within_a_minute,
};

#[test]
fn tasks_of_a_key_run_one_at_a_time_in_their_order_under_stealing() {
    within_a_minute(|| {
        let pool = pool(4);
        let keys: Vec<_> = (0..16).map(|_| Arc::new(Mutex::new(Vec::new()))).collect();
        let busy: Vec<_> = keys.iter().map(|_| Arc::new(AtomicBool::new(false))).collect();
        thread::scope(|threads| {
            for part in 0..2 {
                let (pool, keys, busy) = (&pool, &keys, &busy);
                threads.spawn(move || {
                    for n in 0..500 {
                        for key in (0..16).filter(|key| key % 2 == part) {
                            let (log, busy) = (keys[key].clone(), busy[key].clone());
                            let task = pool.spawn_keyed(key, move || {
                                assert!(!busy.swap(true, Ordering::Relaxed), "two at once");
                                log.lock().unwrap().push(n);
                                if n % 50 == 0 {
                                    thread::yield_now();
                                }
                                busy.store(false, Ordering::Relaxed);
                                assert!(n % 100 != 7, "some panic");
                            });
                            match n % 3 {
                                // Those that it cancels are not in the log.
                                0 if n % 2 == 0 => drop(task.cancel()),
                                _ => drop(task),
                            }
                        }
                    }
                });
            }
        });
        pool.shutdown();
        for log in keys {
            let log = log.lock().unwrap();
            assert!(log.windows(2).all(|pair| pair[0] < pair[1]), "{log:?}");
            assert!(log.len() > 300);
        }
    });
}

#[test]
fn different_keys_run_side_by_side() {
    within_a_minute(|| {
        let pool = pool(4);
        let meeting = Arc::new(Meeting::of(4));
        let tasks: Vec<_> = (0..4)
            .map(|key| {
                let meeting = meeting.clone();
                pool.spawn_keyed(key, move || meeting.wait())
            })
            .collect();
        tasks.into_iter().for_each(|task| task.join().unwrap());
    });
}

#[test]
fn a_key_that_blocks_holds_up_no_other() {
    within_a_minute(|| {
        let pool = pool(2);
        let (started, gate) = (Gate::shared(), Gate::shared());
        let (start, pass) = (started.clone(), gate.clone());
        let slow = pool.spawn_keyed("slow", move || {
            start.open();
            pass.pass();
        });
        started.pass();
        let behind: Vec<_> = (0..20).map(|_| pool.spawn_keyed("slow", || ())).collect();
        // Half of these prefer the worker that is blocked.
        for key in 0..100 {
            pool.spawn_keyed(key, || ()).join().unwrap();
        }
        assert!(behind.iter().all(|task| !task.is_finished()));
        gate.open();
        slow.join().unwrap();
        behind.into_iter().for_each(|task| task.join().unwrap());
    });
}

#[test]
fn a_hot_key_lets_others_have_their_turn() {
    within_a_minute(|| {
        let pool = pool(1);
        let held = hold(&pool);
        let hot = Count::shared();
        for _ in 0..1000 {
            let hot = hot.clone();
            drop(pool.spawn_keyed("hot", move || hot.add()));
        }
        let seen = hot.clone();
        let other = pool.spawn_keyed("other", move || seen.get());
        held.release();
        let before = other.join().unwrap();
        assert!(before <= 64, "{before} of the hot key came first");
        pool.shutdown();
        assert_eq!(hot.get(), 1000);
    });
}

#[test]
fn from_outside_each_takes_a_place_in_its_lane_until_it_starts() {
    within_a_minute(|| {
        let pool = builder(1).injector_capacity(3).build().unwrap();
        let held = hold(&pool);
        let tasks: Vec<_> = (0..3).map(|n| pool.try_spawn_keyed(7, move || n).unwrap()).collect();
        let lane = &pool.metrics().lanes[NORMAL];
        assert_eq!((lane.depth, lane.accepted, lane.high_water), (3, 4, 3));
        let refused = pool.try_spawn_keyed(8, || 8).unwrap_err();
        assert!(refused.is_full() && refused.into_inner()() == 8);
        assert!(pool.try_spawn(|| ()).unwrap_err().is_full(), "the places are the lane's");
        thread::scope(|threads| {
            let waits = threads.spawn(|| pool.spawn_keyed(9, || 9).join().unwrap());
            until(|| pool.metrics().lanes[NORMAL].blocked_submitters == 1);
            held.release();
            assert_eq!(waits.join().unwrap(), 9);
        });
        assert!(tasks.into_iter().map(|task| task.join().unwrap()).eq(0..3));
        assert_eq!(pool.metrics().lanes[NORMAL].depth, 0);
    });
}

#[test]
fn a_worker_that_joins_runs_what_comes_before_in_order() {
    within_a_minute(|| {
        let pool = pool(1);
        let log = Arc::new(Mutex::new(Vec::new()));
        let seen = log.clone();
        pool.install(|| {
            let tasks: Vec<JoinHandle<()>> = (0..10)
                .map(|n| {
                    let log = log.clone();
                    pool.spawn_keyed("k", move || log.lock().unwrap().push(n))
                })
                .collect();
            tasks.into_iter().nth(4).unwrap().join().unwrap();
            assert_eq!(*seen.lock().unwrap(), [0, 1, 2, 3, 4]);
        });
        pool.shutdown();
        assert!(log.lock().unwrap().iter().copied().eq(0..10));
    });
}

#[test]
fn a_joiner_takes_over_from_a_runner_that_has_had_its_turn() {
    within_a_minute(|| {
        let pool = pool(2);
        let ran = Count::shared();
        for _ in 0..50 {
            let tasks: Vec<_> = (0..100)
                .map(|_| {
                    let ran = ran.clone();
                    pool.spawn_keyed("k", move || ran.add())
                })
                .collect();
            pool.install(|| tasks.into_iter().rev().for_each(|task| task.join().unwrap()));
        }
        assert_eq!(ran.get(), 5000);
    });
}

#[test]
fn a_task_that_joins_a_later_one_of_its_key_is_told() {
    within_a_minute(|| {
        let pool = Arc::new(pool(2));
        let own = pool.clone();
        let task = pool.spawn_keyed("k", move || {
            let later = own.spawn_keyed("k", || 5);
            let said = message(|| later.join());
            assert!(said.contains("its own key"), "{said}");
            // Another key's it may join.
            own.spawn_keyed("j", || 6).join().unwrap()
        });
        assert_eq!(task.join().unwrap(), 6);
        assert_whole(&pool);
    });
}

#[test]
fn a_panic_stops_no_strand() {
    within_a_minute(|| {
        let pool = pool(1);
        let tasks: Vec<_> =
            (0..20).map(|n| pool.spawn_keyed("k", move || assert!(n % 2 == 0, "odd"))).collect();
        for (n, task) in tasks.into_iter().enumerate() {
            match task.join() {
                Ok(()) => assert!(n % 2 == 0),
                Err(error) => assert_eq!(text(&*error.into_panic()), "odd"),
            }
        }
    });
}

#[test]
fn shutdown_runs_all_and_a_close_refuses() {
    within_a_minute(|| {
        let pool = pool(2);
        let held = hold(&pool);
        let ran = Count::shared();
        for key in 0..10 {
            for _ in 0..100 {
                let ran = ran.clone();
                drop(pool.spawn_keyed(key, move || ran.add()));
            }
        }
        pool.close();
        assert!(pool.try_spawn_keyed(0, || ()).unwrap_err().is_closed());
        assert!(pool.spawn_keyed(0, || ()).join().unwrap_err().is_cancelled());
        held.release();
        pool.shutdown();
        assert_eq!(ran.get(), 1000);
    });
}

#[test]
fn shutdown_now_drops_what_has_not_started_and_counts_it() {
    within_a_minute(|| {
        let pool = pool(1);
        let held = hold(&pool);
        let (dropped, left) = (Count::shared(), Arc::new(AtomicUsize::new(0)));
        let tasks: Vec<_> = (0..100)
            .map(|n| {
                let token = Token(dropped.clone());
                pool.spawn_keyed(n % 7, move || drop(token))
            })
            .collect();
        let seen = dropped.clone();
        let opener = thread::spawn(move || {
            until(|| seen.get() == 100);
            held.release();
        });
        left.store(pool.shutdown_now(), Ordering::Relaxed);
        opener.join().unwrap();
        assert_eq!(left.load(Ordering::Relaxed), 100);
        assert!(tasks.into_iter().all(|task| task.join().unwrap_err().is_cancelled()));
    });
}

#[test]
fn a_cancelled_task_is_passed_over() {
    within_a_minute(|| {
        let pool = pool(1);
        let held = hold(&pool);
        let tasks: Vec<_> = (0..10).map(|n| pool.spawn_keyed("k", move || n)).collect();
        assert!(tasks.iter().skip(1).step_by(2).all(JoinHandle::cancel));
        assert_eq!(pool.metrics().lanes[NORMAL].depth, 5);
        held.release();
        let joined = tasks.into_iter().map(|task| task.join().ok());
        assert!(joined.eq((0..10).map(|n| (n % 2 == 0).then_some(n))));
        assert_whole(&pool);
        assert_eq!(pool.metrics().lanes[NORMAL].depth, 0);
    });
}

#[test]
fn a_key_that_cannot_be_hashed_is_the_callers_panic_and_takes_no_place() {
    struct Unhashable;

    impl Hash for Unhashable {
        fn hash<H: Hasher>(&self, _: &mut H) {
            panic!("no hash");
        }
    }

    within_a_minute(|| {
        let pool = builder(1).injector_capacity(1).build().unwrap();
        for _ in 0..10 {
            assert_eq!(message(|| pool.spawn_keyed(Unhashable, || ())), "no hash");
            assert_eq!(message(|| pool.try_spawn_keyed(Unhashable, || ())), "no hash");
            assert_eq!(message(|| pool.install(|| pool.spawn_keyed(Unhashable, || ()))), "no hash");
        }
        assert_eq!(pool.try_spawn_keyed("hashable", || 7).unwrap().join().unwrap(), 7);
        assert_whole(&pool);
    });
}

#[test]
fn who_waits_no_time_for_a_task_runs_one_of_its_key_at_most() {
    within_a_minute(|| {
        let pool = pool(1);
        pool.install(|| {
            let ran = Count::shared();
            let task = || {
                let ran = ran.clone();
                move || ran.add()
            };
            (0..3).for_each(|_| drop(pool.spawn_keyed(1, task())));
            let last = pool.spawn_keyed(1, task());
            let last = last.join_timeout(Duration::ZERO).unwrap_err();
            assert_eq!(ran.get(), 1);
            last.join().unwrap();
            assert_eq!(ran.get(), 4);
        });
    });
}
