//! Counters: they obey conservation laws when the pool is quiet.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use heist::{Metrics, Priority, ThreadPool};

use crate::support::{
    Count, Gate, HIGH, LOW, Meeting, NORMAL, assert_whole, builder, hold, pool, pool_without,
    until, within_a_minute,
};

/// Waits until nothing is queued or running, and checks the law.
#[track_caller]
fn settled(pool: &ThreadPool) -> Metrics {
    let ended = |m: &Metrics| m.tasks_completed() + m.tasks_panicked() + m.tasks_cancelled();
    until(|| {
        let now = pool.metrics();
        now.tasks_spawned() == ended(&now)
    });
    pool.metrics()
}

#[test]
fn every_task_spawned_is_completed_panicked_or_cancelled() {
    within_a_minute(|| {
        for threads in [1, 2] {
            let pool = builder(threads).panic_handler(drop).build().unwrap();
            for turn in 0..100_u64 {
                drop(pool.spawn(|| ()));
                drop(pool.spawn(|| std::panic::resume_unwind(Box::new(()))));
                // This one spawns from inside.
                pool.spawn(|| drop(heist::spawn(|| ()))).join().unwrap();
                let now = settled(&pool);
                assert_eq!(now.tasks_spawned(), 4 * (turn + 1));
                assert_eq!(now.tasks_panicked(), turn + 1);
                let accepted: u64 = now.lanes.iter().map(|lane| lane.accepted).sum();
                assert_eq!(accepted, 3 * (turn + 1));
            }
        }
    });
}

#[test]
fn what_waits_makes_up_the_difference() {
    within_a_minute(|| {
        let pool = pool(1);
        let held = hold(&pool);
        let waiting: Vec<_> = (0..10).map(|_| pool.spawn(|| ())).collect();
        let now = pool.metrics();
        assert_eq!((now.tasks_spawned(), now.tasks_completed()), (11, 0));
        assert_eq!(now.lanes[NORMAL].depth, 10);
        assert!(waiting[3].cancel());
        assert_eq!(pool.metrics().tasks_cancelled(), 1);
        held.release();
        let now = settled(&pool);
        assert_eq!((now.tasks_completed(), now.tasks_cancelled()), (10, 1));
        assert!(now.lanes.iter().all(|lane| lane.depth == 0));
        assert!(now.workers.iter().all(|worker| worker.queue_depth == 0));
    });
}

#[test]
fn a_panicked_task_is_counted_although_its_handle_hears_of_it() {
    within_a_minute(|| {
        let pool = pool(1);
        assert!(pool.spawn(|| std::panic::resume_unwind(Box::new(()))).join().is_err());
        let now = settled(&pool);
        assert_eq!((now.tasks_panicked(), now.tasks_completed()), (1, 0));
    });
}

#[test]
fn forks_scopes_and_loops_are_no_tasks() {
    within_a_minute(|| {
        let pool = pool(2);
        pool.join(|| (), || ());
        pool.scope(|s| s.spawn(|_| ()));
        pool.for_each(0..100, |_| ());
        pool.install(|| heist::join(|| (), || ()));
        pool.broadcast(|_| ());
        let now = pool.metrics();
        assert_eq!((now.tasks_spawned(), now.tasks_completed()), (0, 0));
        assert!(now.lanes.iter().all(|lane| lane.accepted == 0 && lane.high_water == 0));
    });
}

#[test]
fn a_lane_counts_what_comes_and_what_is_sent_away() {
    within_a_minute(|| {
        let pool = builder(1).injector_capacity(4).build().unwrap();
        let held = hold(&pool);
        let low = || pool.task().priority(Priority::Low);
        for _ in 0..4 {
            drop(low().try_spawn(|| ()).expect("room"));
        }
        for _ in 0..3 {
            assert!(low().try_spawn(|| ()).unwrap_err().is_full());
        }
        let now = pool.metrics();
        let lane = &now.lanes[LOW];
        assert_eq!((lane.depth, lane.capacity, lane.high_water), (4, 4, 4));
        assert_eq!((lane.accepted, lane.rejected, now.tasks_rejected()), (4, 3, 3));
        assert_eq!((now.lanes[NORMAL].accepted, now.lanes[HIGH].accepted), (1, 0));
        held.release();
        let now = settled(&pool);
        assert_eq!((now.lanes[LOW].depth, now.lanes[LOW].high_water), (0, 4));
    });
}

#[test]
fn who_waits_for_room_is_counted() {
    within_a_minute(|| {
        let pool = builder(1).injector_capacity(1).build().unwrap();
        let held = hold(&pool);
        drop(pool.spawn(|| ()));
        assert_eq!(pool.metrics().lanes[NORMAL].blocked_submitters, 0);
        thread::scope(|threads| {
            for waiting in 1..4 {
                threads.spawn(|| pool.spawn(|| ()));
                until(|| pool.metrics().lanes[NORMAL].blocked_submitters == waiting);
            }
            held.release();
        });
        settled(&pool);
    });
}

#[test]
fn the_oldest_waiting_task_has_an_age_while_it_waits() {
    within_a_minute(|| {
        let pool = pool(1);
        assert_eq!(pool.metrics().lanes[NORMAL].oldest_wait, Duration::ZERO);
        let held = hold(&pool);
        drop(pool.spawn(|| ()));
        until(|| pool.metrics().lanes[NORMAL].oldest_wait >= Duration::from_millis(2));
        assert_eq!(pool.metrics().lanes[LOW].oldest_wait, Duration::ZERO);
        held.release();
        until(|| pool.metrics().lanes[NORMAL].oldest_wait == Duration::ZERO);
    });
}

#[test]
fn since_is_the_difference_of_two_snapshots() {
    within_a_minute(|| {
        let pool = builder(1).injector_capacity(1).build().unwrap();
        pool.spawn(|| ()).join().unwrap();
        let earlier = settled(&pool);
        let held = hold(&pool);
        drop(pool.spawn(|| ()));
        assert!(pool.try_spawn(|| ()).is_err());
        held.release();
        let later = settled(&pool);
        let between = later.since(&earlier);
        assert_eq!(between.tasks_spawned(), 2);
        assert_eq!(between.tasks_completed(), 2);
        assert_eq!(between.tasks_rejected(), 1);
        assert_eq!(between.lanes[NORMAL].accepted, 2);
        assert_eq!(between.workers.len(), 1);
        assert!(between.uptime <= later.uptime);
        let nothing = later.since(&later);
        assert_eq!((nothing.tasks_spawned(), nothing.uptime), (0, Duration::ZERO));
        // The wrong way round is nothing, not a panic and not a huge number.
        assert!(earlier.since(&later).tasks_spawned() <= 1);
    });
}

#[test]
fn there_is_no_success_rate_before_the_first_attempt() {
    within_a_minute(|| {
        let pool = pool(2);
        let now = pool.metrics();
        assert_eq!(now.since(&now).steal_success_rate(), None);
        assert_eq!(now.steal_success_rate().is_none(), now.steal_attempts() == 0);
    });
}

#[test]
fn steals_are_counted_and_no_more_than_attempts() {
    within_a_minute(|| {
        let pool = pool(2);
        until(|| {
            pool.install(|| {
                let meeting = Meeting::of(2);
                heist::join(|| meeting.wait(), || meeting.wait());
            });
            pool.metrics().steals() > 0
        });
        let now = pool.metrics();
        let rate = now.steal_success_rate().expect("there were attempts");
        assert!(rate > 0.0 && rate <= 1.0, "{rate}");
        assert!(now.steals() <= now.steal_attempts());
        assert_eq!(now.steals(), now.workers.iter().map(|worker| worker.steals).sum::<u64>());
    });
}

#[test]
fn workers_count_the_jobs_they_run() {
    within_a_minute(|| {
        let pool = pool(2);
        for _ in 0..100 {
            pool.spawn(|| ()).join().unwrap();
        }
        let jobs = || pool.metrics().workers.iter().map(|worker| worker.jobs_run).sum::<u64>();
        until(|| jobs() >= 100);
        assert_eq!(pool.metrics().workers.len(), 2);
    });
}

#[test]
fn a_scopes_job_that_is_joined_is_counted_once() {
    within_a_minute(|| {
        let pool = pool(1);
        let jobs = || pool.metrics().workers[0].jobs_run;
        for is_joined in [false, true] {
            let before = jobs();
            pool.install(|| {
                heist::scope(|s| {
                    let handles: Vec<_> = (0..10).map(|_| s.spawn_handle(|_| ())).collect();
                    if is_joined {
                        handles.into_iter().for_each(|handle| handle.join().unwrap());
                    }
                });
            });
            assert_eq!(jobs() - before, 11, "those and what was installed; joined: {is_joined}");
        }
    });
}

#[test]
fn a_worker_that_sleeps_as_a_guest_of_another_pool_is_not_busy() {
    within_a_minute(|| {
        let (home, abroad) = (pool(1), Arc::new(pool(1)));
        let (started, gate) = (Gate::shared(), Gate::shared());
        let (there, open, pass) = (abroad.clone(), started.clone(), gate.clone());
        let task = home.spawn(move || {
            there.join(|| started.pass(), || (open.open(), pass.pass()).1);
        });
        let sleeps = |metrics: &Metrics| metrics.others.parks > metrics.others.wakes;
        until(|| sleeps(&abroad.metrics()));
        until(|| {
            let (now, later) = (home.metrics(), home.metrics());
            let (now, later) = (&now.workers[0], &later.workers[0]);
            later.parked > now.parked && later.busy == now.busy
        });
        assert!(home.metrics().workers[0].parks > home.metrics().workers[0].wakes);
        gate.open();
        task.join().unwrap();
    });
}

#[test]
fn a_worker_that_is_given_up_is_busy_with_what_was_sent_to_it_and_no_longer() {
    within_a_minute(|| {
        let (pool, unrun) = pool_without(2, 1);
        let (sent, taken) = (Count::default(), Count::default());
        let second = || pool.metrics().workers[1].clone();
        let waits = || {
            until(|| !second().busy.is_zero());
            until(|| taken.get() == 1);
        };
        let sleeps = || {
            taken.add();
            until(|| second().parks > second().wakes);
        };
        let job = |index| {
            sent.add();
            if index == 1 {
                heist::join(waits, sleeps);
            }
        };
        thread::scope(|threads| {
            threads.spawn(|| pool.broadcast(|cx| job(cx.index())));
            until(|| sent.get() == 1);
            drop(unrun);
        });
        let before = second();
        until(|| second().parked > before.parked || second().busy > before.busy);
        assert_eq!(second().busy, before.busy);
    });
}

#[test]
fn the_times_of_a_worker_add_up_to_no_more_than_the_uptime() {
    within_a_minute(|| {
        let pool = pool(2);
        pool.broadcast(|_| {
            let start = std::time::Instant::now();
            while start.elapsed() < Duration::from_millis(20) {
                std::hint::spin_loop();
            }
        });
        until(|| pool.metrics().workers.iter().all(|worker| worker.busy > Duration::ZERO));
        // Asleep, with time that goes by.
        let before = pool.metrics();
        let more = |now: &Metrics| {
            now.workers.iter().zip(&before.workers).all(|(now, before)| now.parked > before.parked)
        };
        until(|| more(&pool.metrics()));
        let now = pool.metrics();
        let later = pool.metrics();
        for worker in &now.workers {
            let whole = worker.busy + worker.searching + worker.parked;
            assert!(whole <= later.uptime, "{worker:?}");
        }
        assert!(now.utilization() > 0.0);
        assert!(later.uptime >= now.uptime);
    });
}

#[track_caller]
fn assert_sane(metrics: &Metrics) {
    for (name, ratio) in [
        ("utilization", metrics.utilization()),
        ("utilization_cv", metrics.utilization_cv()),
        ("coordination_overhead", metrics.coordination_overhead()),
        ("queue_depth_ratio", metrics.queue_depth_ratio()),
        ("efficiency", metrics.efficiency(1000.0)),
        ("steal_success_rate", metrics.steal_success_rate().unwrap_or(0.0)),
    ] {
        assert!(ratio.is_finite() && ratio >= 0.0, "{name} is {ratio}");
    }
    assert!(!metrics.efficiency(0.0).is_nan());
}

#[test]
fn every_ratio_is_a_finite_number_at_any_time() {
    within_a_minute(|| {
        for threads in [1, 3] {
            let pool = pool(threads);
            let first = pool.metrics();
            assert_sane(&first);
            assert_sane(&first.since(&first));
            assert_whole(&pool);
            let held = hold(&pool);
            let waiting: Vec<_> = (0..10).map(|_| pool.spawn(|| ())).collect();
            assert_sane(&pool.metrics());
            held.release();
            waiting.into_iter().for_each(|task| task.join().unwrap());
            assert_sane(&pool.metrics());
            assert_sane(&pool.metrics().since(&first));
            assert_sane(&first.since(&pool.metrics()));
        }
    });
}

#[test]
fn metrics_read_as_a_table() {
    within_a_minute(|| {
        let pool = pool(3);
        for metrics in [pool.metrics(), pool.metrics().since(&pool.metrics())] {
            check_table(&metrics.to_string());
        }
        assert_whole(&pool);
        check_table(&settled(&pool).to_string());
    });
}

#[track_caller]
fn check_table(table: &str) {
    // A row for each worker and each lane, under headings, within a terminal.
    assert!(table.lines().count() >= 3 + 3 + 2, "{table}");
    assert!(table.lines().all(|line| line.chars().count() <= 120), "{table}");
    let lower = table.to_lowercase();
    for word in ["worker", "lane", "high", "normal", "low", "steals", "parks"] {
        assert!(lower.contains(word), "{word} is not in\n{table}");
    }
    assert!(!lower.contains("nan") && !lower.contains("inf"), "{table}");
}

#[test]
fn snapshots_may_be_taken_while_everybody_works() {
    within_a_minute(|| {
        let pool = pool(2);
        thread::scope(|threads| {
            let work = threads.spawn(|| {
                for _ in 0..200 {
                    pool.for_each(0..100, |_| ());
                    pool.spawn(|| ()).join().unwrap();
                }
            });
            let mut last = pool.metrics();
            while !work.is_finished() {
                let now = pool.metrics();
                assert!(now.tasks_spawned() >= last.tasks_spawned());
                assert!(now.tasks_completed() >= last.tasks_completed());
                assert!(now.steal_attempts() >= last.steal_attempts());
                assert_sane(&now);
                last = now;
            }
            work.join().unwrap();
        });
        assert_eq!(settled(&pool).tasks_completed(), 200);
    });
}
