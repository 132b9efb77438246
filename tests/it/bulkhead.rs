//! `ThreadPool::bulkhead`: of a class of tasks only so many run at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use heist::{Bulkhead, JoinHandle, ThreadPool};

use crate::support::{
    Count, Gate, Meeting, Token, assert_whole, block_on, builder, hold, hold_some, pool, until,
    within_a_minute,
};

/// How many are at work, and the most that were.
#[derive(Default)]
pub(crate) struct Crowd {
    pub(crate) now: AtomicUsize,
    pub(crate) most: AtomicUsize,
}

impl Crowd {
    pub(crate) fn enter(&self) {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
    }

    pub(crate) fn leave(&self) {
        self.now.fetch_sub(1, Ordering::SeqCst);
    }
}

pub(crate) fn class(pool: &ThreadPool, limit: usize, queue: usize) -> Bulkhead {
    pool.bulkhead("class").limit(limit).queue(queue).build().expect("a bulkhead")
}

/// A task of the class that waits for the gate, and runs already.
pub(crate) fn occupy(class: &Bulkhead) -> (Arc<Gate>, JoinHandle<()>) {
    let (started, gate) = (Gate::shared(), Gate::shared());
    let (start, pass) = (started.clone(), gate.clone());
    let task = class.spawn(move || {
        start.open();
        pass.pass();
    });
    started.pass();
    (gate, task)
}

#[test]
fn no_more_than_the_limit_run_at_once_and_no_fewer() {
    within_a_minute(|| {
        let pool = pool(4);
        for limit in 1..=3 {
            let class = class(&pool, limit, 1000);
            let crowd = Arc::new(Crowd::default());
            let meeting = Arc::new(Meeting::of(limit));
            let tasks = (0..limit * 50).map(|_| {
                let (crowd, meeting) = (crowd.clone(), meeting.clone());
                class.spawn(move || {
                    crowd.enter();
                    // As many as may are here at once.
                    meeting.wait();
                    crowd.leave();
                })
            });
            tasks.collect::<Vec<_>>().into_iter().for_each(|task| task.join().unwrap());
            assert_eq!(crowd.most.load(Ordering::SeqCst), limit);
            let metrics = class.metrics();
            assert_eq!(
                (metrics.completed, metrics.running, metrics.queued),
                (50 * limit as u64, 0, 0)
            );
            assert_eq!(metrics.most_running, limit);
        }
        assert_whole(&pool);
    });
}

#[test]
fn a_flood_of_one_class_leaves_the_lanes_and_the_others_alone() {
    within_a_minute(|| {
        let pool = builder(2).injector_capacity(2).build().unwrap();
        let (slow, quick) = (class(&pool, 1, 1000), class(&pool, 1, 1000));
        let (gate, first) = occupy(&slow);
        let flood: Vec<_> = (0..500).map(|_| slow.spawn(|| ())).collect();
        assert_eq!(slow.metrics().queued, 500);
        // Nothing of it is in the pool's own queues.
        assert!(pool.metrics().lanes.iter().all(|lane| lane.depth == 0));
        for n in 0..100 {
            assert_eq!(quick.spawn(move || n).join().unwrap(), n);
            assert_eq!(pool.try_spawn(move || n).unwrap().join().unwrap(), n);
        }
        gate.open();
        first.join().unwrap();
        flood.into_iter().for_each(|task| task.join().unwrap());
    });
}

#[test]
fn one_is_full_when_limit_and_queue_are_taken_and_the_closure_comes_back() {
    within_a_minute(|| {
        let pool = pool(2);
        let class = class(&pool, 1, 2);
        let (gate, first) = occupy(&class);
        let queued: Vec<_> = (0..2).map(|_| class.try_spawn(|| 0).unwrap()).collect();
        let refused = class.try_spawn(|| 7).unwrap_err();
        assert!(refused.is_full());
        assert_eq!(refused.into_inner()(), 7);
        let late = class.spawn_timeout(|| 8, Duration::from_millis(1)).unwrap_err();
        assert!(late.is_full());
        assert_eq!(late.into_inner()(), 8);
        assert_eq!(class.metrics().rejected, 2);
        gate.open();
        first.join().unwrap();
        queued.into_iter().for_each(|task| assert_eq!(task.join().unwrap(), 0));
        assert!(class.try_spawn(|| ()).is_ok());
    });
}

#[test]
fn without_a_queue_a_task_is_accepted_only_if_it_may_run() {
    within_a_minute(|| {
        let pool = pool(2);
        let class = class(&pool, 1, 0);
        let (gate, first) = occupy(&class);
        assert!(class.try_spawn(|| ()).unwrap_err().is_full());
        gate.open();
        first.join().unwrap();
        class.try_spawn(|| ()).unwrap().join().unwrap();
    });
}

#[test]
fn who_waits_for_a_place_gets_it_when_a_task_ends() {
    within_a_minute(|| {
        let pool = pool(2);
        let class = class(&pool, 1, 0);
        let (gate, first) = occupy(&class);
        thread::scope(|threads| {
            let blocked = threads.spawn(|| class.spawn(|| 1).join().unwrap());
            let timed = threads.spawn(|| {
                class.spawn_timeout(|| 2, Duration::from_secs(50)).unwrap().join().unwrap()
            });
            let polled = threads.spawn(|| {
                block_on(async { class.spawn_async(|| 3).await.unwrap().await.unwrap() })
            });
            until(|| class.metrics().running == 1);
            gate.open();
            assert_eq!([blocked, timed, polled].map(|thread| thread.join().unwrap()), [1, 2, 3]);
        });
        first.join().unwrap();
    });
}

#[test]
fn a_cancelled_task_gives_its_place_back_at_once() {
    within_a_minute(|| {
        let pool = pool(2);
        let class = class(&pool, 1, 1);
        let (gate, first) = occupy(&class);
        let dropped = Count::shared();
        for n in 1..=1000 {
            let token = Token(dropped.clone());
            let task = class.try_spawn(move || drop(token)).expect("a place");
            assert!(task.cancel() && task.join().unwrap_err().is_cancelled());
            assert_eq!((class.metrics().queued, dropped.get()), (0, n));
        }
        gate.open();
        first.join().unwrap();
        assert_eq!(pool.metrics().tasks_cancelled(), 1000);
    });
}

#[test]
fn a_panic_gives_its_place_back() {
    within_a_minute(|| {
        let pool = pool(2);
        let class = class(&pool, 1, 1);
        for _ in 0..100 {
            assert!(class.spawn(|| panic!("on purpose")).join().unwrap_err().is_panic());
        }
        class.spawn(|| ()).join().unwrap();
        let metrics = class.metrics();
        assert_eq!((metrics.panicked, metrics.completed, metrics.running), (100, 1, 0));
    });
}

#[test]
fn a_close_refuses_and_sends_away_and_what_was_accepted_runs() {
    within_a_minute(|| {
        let pool = pool(1);
        let class = class(&pool, 1, 1);
        let (gate, first) = occupy(&class);
        let queued = class.spawn(|| "accepted");
        thread::scope(|threads| {
            let waits = threads.spawn(|| class.spawn_timeout(|| (), Duration::from_secs(50)));
            until(|| class.metrics().queued == 1);
            pool.close();
            assert!(waits.join().unwrap().unwrap_err().is_closed());
        });
        assert!(class.try_spawn(|| ()).unwrap_err().is_closed());
        assert!(class.spawn(|| ()).join().unwrap_err().is_cancelled());
        let late = pool.bulkhead("late").build().unwrap();
        assert!(late.try_spawn(|| ()).unwrap_err().is_closed());
        gate.open();
        pool.shutdown();
        first.join().unwrap();
        assert_eq!(queued.join().unwrap(), "accepted");
        assert!(class.try_spawn(|| ()).unwrap_err().is_closed(), "it outlives its pool");
    });
}

#[test]
fn shutdown_now_drops_the_queue_and_counts_it() {
    within_a_minute(|| {
        let pool = pool(1);
        let class = class(&pool, 1, 100);
        let (gate, first) = occupy(&class);
        let queued: Vec<_> = (0..100).map(|_| class.spawn(|| ())).collect();
        let other = Arc::new(class);
        let opener = {
            let class = other.clone();
            thread::spawn(move || {
                until(|| class.metrics().queued == 0);
                gate.open();
            })
        };
        assert_eq!(pool.shutdown_now(), 100);
        opener.join().unwrap();
        first.join().unwrap();
        assert!(queued.into_iter().all(|task| task.join().unwrap_err().is_cancelled()));
    });
}

#[test]
fn a_shutdown_that_races_with_spawns_loses_no_task() {
    within_a_minute(|| {
        for _ in 0..200 {
            let pool = pool(2);
            let class = class(&pool, 1, 4);
            let (tried, ran) = (Count::shared(), Count::shared());
            thread::scope(|threads| {
                threads.spawn(|| {
                    loop {
                        let ran = ran.clone();
                        match class.try_spawn(move || ran.add()) {
                            Ok(task) => {
                                tried.add();
                                drop(task);
                            }
                            Err(refused) if refused.is_closed() => break,
                            Err(_) => thread::yield_now(),
                        }
                    }
                });
                until(|| tried.get() > 3);
                pool.shutdown();
            });
            assert_eq!(tried.get(), ran.get());
        }
    });
}

#[test]
fn a_stand_in_serves_a_bulkhead_while_every_worker_is_busy() {
    within_a_minute(|| {
        let patience = Some(Duration::from_millis(1));
        let pool = builder(1).door_patience(patience).build().unwrap();
        let class = class(&pool, 1, 10);
        let held = hold_some(&pool, 1);
        assert_eq!(class.spawn(|| 3).join().unwrap(), 3);
        held.release();
    });
}

#[test]
fn what_is_wrong_is_named_with_what_is_allowed() {
    let pool = pool(1);
    let refused = pool.bulkhead("payments").limit(0).build().unwrap_err();
    assert_eq!(refused.to_string(), "bulkhead limit is 0, allowed is 1..=2147483647");
    let refused = pool.bulkhead("payments").queue(usize::MAX).build().unwrap_err();
    assert!(refused.to_string().starts_with("bulkhead queue is 18446744073709551615, allowed is"));
    assert!(pool.bulkhead("payments").queue(0).build().is_ok());
}

#[test]
fn its_counts_make_a_line() {
    within_a_minute(|| {
        let pool = pool(1);
        let class = pool.bulkhead("payments").limit(2).queue(3).build().unwrap();
        let held = hold(&pool);
        let task = class.spawn(|| ());
        let metrics = class.metrics();
        assert!(metrics.oldest_wait > Duration::ZERO);
        assert!(metrics.to_string().starts_with("payments: 0 of 2 running, 1 of 3 queued"));
        held.release();
        task.join().unwrap();
        assert_eq!(class.metrics().oldest_wait, Duration::ZERO);
        assert_eq!(class.name(), "payments");
    });
}
