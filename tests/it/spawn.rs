//! `spawn`, `try_spawn`, `spawn_timeout` from outside: through the bounded entrance.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use heist::{Priority, ThreadPool};

use crate::support::{
    Count, Held, Log, NORMAL, assert_whole, builder, hold, hold_some, pool, until, within_a_minute,
};

/// A pool of one whose worker is busy and whose normal lane has no room.
fn full(capacity: usize) -> (ThreadPool, Held) {
    let pool = builder(1).injector_capacity(capacity).build().unwrap();
    let held = hold(&pool);
    for _ in 0..capacity {
        drop(pool.try_spawn(|| ()).expect("room"));
    }
    (pool, held)
}

#[test]
fn a_task_runs_on_a_worker_of_the_pool() {
    within_a_minute(|| {
        let pool = pool(2);
        assert!(pool.spawn(heist::current_thread_index).join().unwrap().is_some());
        assert_eq!(pool.spawn(heist::current_num_threads).join().unwrap(), 2);
    });
}

#[test]
fn every_spawn_verb_works_with_every_option() {
    within_a_minute(|| {
        let pool = pool(2);
        for priority in [Priority::High, Priority::Normal, Priority::Low] {
            let task = || pool.task().name("counted").priority(priority);
            assert_eq!(task().spawn(|| 1).join().unwrap(), 1);
            assert_eq!(task().try_spawn(|| 2).unwrap().join().unwrap(), 2);
            let timed = task().spawn_timeout(|| 3, Duration::from_secs(60)).unwrap();
            assert_eq!(timed.join().unwrap(), 3);
            let spawned = crate::support::block_on(task().spawn_async(|| 4)).unwrap();
            assert_eq!(spawned.join().unwrap(), 4);
        }
        let named = pool.task().name(format!("made at {}", "run time")).spawn(|| 5);
        assert_eq!(named.join().unwrap(), 5);
    });
}

#[test]
fn many_threads_spawn_many_tasks_and_each_runs_once() {
    within_a_minute(|| {
        let pool = builder(2).injector_capacity(16).build().unwrap();
        let ran = Count::shared();
        thread::scope(|threads| {
            for _ in 0..4 {
                threads.spawn(|| {
                    for _ in 0..3000 {
                        let ran = ran.clone();
                        drop(pool.spawn(move || ran.add()));
                    }
                });
            }
        });
        pool.shutdown();
        assert_eq!(ran.get(), 12_000);
    });
}

#[test]
fn tasks_run_although_one_worker_is_blocked() {
    within_a_minute(|| {
        let pool = pool(2);
        for _ in 0..100 {
            let _held = hold_some(&pool, 1);
            let tasks: Vec<_> = (0..20).map(|n| pool.spawn(move || n)).collect();
            for (n, task) in tasks.into_iter().enumerate() {
                assert_eq!(task.join().unwrap(), n);
            }
        }
    });
}

#[test]
fn tasks_taken_together_run_although_the_first_of_them_blocks() {
    within_a_minute(|| {
        let pool = pool(2);
        for _ in 0..100 {
            let held = hold(&pool);
            let (send, receive) = mpsc::channel();
            // The first blocks its worker until the last has run.
            let first = pool.spawn(move || receive.recv().unwrap());
            let others: Vec<_> = (0..10).map(|_| pool.spawn(|| ())).collect();
            let last = pool.spawn(move || send.send(5).unwrap());
            held.release();
            assert_eq!(first.join().unwrap(), 5);
            others.into_iter().chain([last]).for_each(|task| task.join().unwrap());
        }
    });
}

#[test]
fn try_spawn_hands_back_the_very_closure_of_a_full_lane() {
    within_a_minute(|| {
        let (pool, _held) = full(3);
        let mut captured = vec![1, 2, 3];
        let refused = pool.try_spawn(move || {
            captured.push(4);
            captured
        });
        let refused = refused.unwrap_err();
        assert!(refused.is_full() && !refused.is_closed());
        assert!(format!("{refused:?}").contains("Full"));
        assert!(!refused.to_string().is_empty());
        assert_eq!(refused.into_inner()(), [1, 2, 3, 4]);
    });
}

#[test]
fn each_lane_has_room_of_its_own() {
    within_a_minute(|| {
        let (pool, held) = full(2);
        assert!(pool.try_spawn(|| ()).unwrap_err().is_full());
        for priority in [Priority::High, Priority::Low] {
            for _ in 0..2 {
                drop(pool.task().priority(priority).try_spawn(|| ()).expect("room"));
            }
            assert!(pool.task().priority(priority).try_spawn(|| ()).unwrap_err().is_full());
        }
        held.release();
        assert_whole(&pool);
    });
}

#[test]
fn room_comes_back_when_a_worker_takes_a_task() {
    within_a_minute(|| {
        let (pool, held) = full(1);
        for _ in 0..100 {
            assert!(pool.try_spawn(|| ()).unwrap_err().is_full());
        }
        held.release();
        until(|| pool.try_spawn(|| ()).is_ok());
    });
}

#[test]
fn spawn_timeout_waits_at_least_its_time_for_room() {
    within_a_minute(|| {
        let (pool, _held) = full(1);
        for time in [Duration::ZERO, Duration::from_millis(1), Duration::from_millis(50)] {
            let start = Instant::now();
            let refused = pool.spawn_timeout(|| "back", time).unwrap_err();
            assert!(start.elapsed() >= time);
            assert!(refused.is_full());
            assert_eq!(refused.into_inner()(), "back");
        }
    });
}

#[test]
fn spawn_timeout_gets_in_when_room_comes_within_its_time() {
    within_a_minute(|| {
        for time in [Duration::from_secs(3600), Duration::MAX] {
            let (pool, held) = full(1);
            thread::scope(|threads| {
                let waiting = threads.spawn(|| pool.spawn_timeout(|| 5, time).unwrap().join());
                until(|| pool.metrics().lanes[NORMAL].blocked_submitters >= 1);
                held.release();
                assert_eq!(waiting.join().unwrap().unwrap(), 5);
            });
        }
    });
}

#[test]
fn who_gives_up_leaves_the_line_to_the_next() {
    within_a_minute(|| {
        let (pool, held) = full(1);
        thread::scope(|threads| {
            let gives_up = threads.spawn(|| {
                pool.spawn_timeout(|| (), Duration::from_millis(20)).unwrap_err().is_full()
            });
            until(|| pool.metrics().lanes[NORMAL].blocked_submitters >= 1);
            let waits = threads.spawn(|| pool.spawn(|| 5).join());
            assert!(gives_up.join().unwrap());
            held.release();
            assert_eq!(waits.join().unwrap().unwrap(), 5);
        });
        assert_whole(&pool);
    });
}

#[test]
fn threads_get_in_in_the_order_they_came() {
    within_a_minute(|| {
        let (pool, held) = full(1);
        let log = Log::new();
        thread::scope(|threads| {
            for number in 0..8 {
                let (pool, log) = (&pool, log.clone());
                threads.spawn(move || drop(pool.spawn(move || log.write(number))));
                until(|| pool.metrics().lanes[NORMAL].blocked_submitters > number);
            }
            held.release();
        });
        pool.shutdown();
        assert_eq!(log.read(), [0, 1, 2, 3, 4, 5, 6, 7]);
    });
}

#[test]
fn give_ups_that_race_with_room_lose_no_place() {
    within_a_minute(|| {
        let pool = builder(1).injector_capacity(1).build().unwrap();
        let (ran, accepted) = (Count::shared(), Count::default());
        thread::scope(|threads| {
            for number in 0..4 {
                let (pool, ran, accepted) = (&pool, &ran, &accepted);
                threads.spawn(move || {
                    for turn in 0..1000 {
                        let ran = ran.clone();
                        let time = Duration::from_micros((turn * (number + 1)) % 40);
                        if pool.spawn_timeout(move || ran.add(), time).is_ok() {
                            accepted.add();
                        }
                    }
                });
            }
        });
        // The one place is still there.
        pool.spawn(|| ()).join().unwrap();
        pool.shutdown();
        assert_eq!(ran.get(), accepted.get());
    });
}

#[test]
fn who_waits_for_room_is_sent_away_when_the_pool_closes() {
    within_a_minute(|| {
        let (pool, held) = full(1);
        thread::scope(|threads| {
            let spawn = threads.spawn(|| pool.spawn(|| ()).join());
            let timed = threads.spawn(|| pool.spawn_timeout(|| "back", Duration::MAX));
            until(|| pool.metrics().lanes[NORMAL].blocked_submitters >= 2);
            pool.close();
            assert!(spawn.join().unwrap().unwrap_err().is_cancelled());
            let refused = timed.join().unwrap().unwrap_err();
            assert_eq!((refused.is_closed(), refused.into_inner()()), (true, "back"));
        });
        held.release();
    });
}

#[test]
fn a_stand_in_serves_the_entrance_while_every_worker_is_busy() {
    within_a_minute(|| {
        // The default patience, and a shorter one.
        let hasty = ThreadPool::builder().door_patience(Some(Duration::from_millis(1)));
        for builder in [ThreadPool::builder(), hasty] {
            let pool = builder.num_threads(2).build().unwrap();
            for _ in 0..3 {
                let held = hold(&pool);
                for priority in [Priority::Low, Priority::High] {
                    assert_eq!(pool.task().priority(priority).spawn(|| 5).join().unwrap(), 5);
                }
                held.release();
                assert_whole(&pool);
            }
            pool.shutdown();
        }
    });
}
