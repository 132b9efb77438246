//! The threads of stand-ins: when they come, and that they go.

use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use heist::ThreadPool;

use crate::blocking::block_all;
use crate::support::{
    Count, Gate, Meeting, alone, assert_whole, builder, hold, pool, threads, threads_named, until,
    within_a_minute,
};

#[test]
fn every_end_of_a_pool_waits_for_its_stand_ins() {
    alone("stand_ins::every_end_of_a_pool_waits_for_its_stand_ins", || {
        let before = threads();
        for end in 0..4 {
            let pool = pool(2);
            let (gate, blocked) = block_all(&pool);
            pool.spawn(|| ()).join().unwrap();
            assert!(threads() > before + 2);
            let ran = Count::shared();
            let late = ran.clone();
            drop(pool.spawn(move || late.add()));
            gate.open();
            match end {
                0 => drop(pool),
                1 => pool.shutdown(),
                2 => pool.shutdown_timeout(Duration::MAX).unwrap(),
                _ => drop(pool.shutdown_now()),
            }
            until(|| threads() == before);
            assert!(ran.get() == 1 || end == 3);
            blocked.into_iter().for_each(|task| drop(task.join()));
        }
    });
}

#[test]
fn a_pool_ends_although_a_stand_in_runs_the_last_task() {
    within_a_minute(|| {
        let pool = pool(1);
        let (gate, blocked) = block_all(&pool);
        let (long, begun) = (Gate::shared(), Gate::shared());
        let (stay, begin) = (long.clone(), begun.clone());
        let last = pool.spawn(move || {
            begin.open();
            stay.pass();
            7
        });
        begun.pass();
        gate.open();
        blocked.into_iter().for_each(|task| task.join().unwrap());
        let late = pool.shutdown_timeout(Duration::from_millis(1)).unwrap_err();
        assert_eq!(late.unfinished(), 1);
        long.open();
        assert_eq!(last.join().unwrap(), 7);
    });
}

#[test]
fn stand_ins_without_work_leave_after_a_while() {
    alone("stand_ins::stand_ins_without_work_leave_after_a_while", || {
        let keep_alive = Duration::from_millis(1);
        let pool = builder(1).stand_in_keep_alive(keep_alive).build().unwrap();
        assert_whole(&pool);
        let before = threads();
        // With the default this would take longer than there is time for a test.
        for _ in 0..20 {
            let (gate, blocked) = block_all(&pool);
            assert_eq!(pool.spawn(threads).join().unwrap(), before + 1);
            until(|| threads() == before);
            // And come again.
            assert_eq!(pool.spawn(threads).join().unwrap(), before + 1);
            gate.open();
            blocked.into_iter().for_each(|task| task.join().unwrap());
            until(|| threads() == before);
        }
    });
}

#[test]
fn a_stand_in_that_is_kept_comes_again() {
    within_a_minute(|| {
        let forever = builder(1).max_stand_ins(1).stand_in_keep_alive(Duration::MAX);
        let pool = forever.build().unwrap();
        let mut stand_ins = HashSet::new();
        for _ in 0..20 {
            let (gate, blocked) = block_all(&pool);
            stand_ins.insert(pool.spawn(|| std::thread::current().id()).join().unwrap());
            gate.open();
            blocked.into_iter().for_each(|task| task.join().unwrap());
        }
        assert_eq!(stand_ins.len(), 1);
    });
}

#[test]
fn a_task_that_a_whole_fork_join_computation_waits_for_is_let_in() {
    within_a_minute(|| {
        for threads in [1, 2, 4] {
            let patience = Some(Duration::from_millis(1));
            let seats = builder(threads).door_patience(patience).max_guests(0);
            let pool = seats.build().unwrap();
            for _ in 0..5 {
                let ran = AtomicBool::new(false);
                let all_in = Meeting::of(threads + 1);
                let part = || {
                    all_in.wait();
                    while !ran.load(Ordering::Relaxed) {
                        heist::join(|| (), || ());
                    }
                };
                std::thread::scope(|outside| {
                    // By no way that a stand-in could take.
                    outside.spawn(|| {
                        pool.broadcast(|at| {
                            if at.index() == 0 {
                                heist::scope(|s| (0..threads).for_each(|_| s.spawn(|_| part())));
                            }
                        });
                    });
                    // From here on every worker is in it.
                    all_in.wait();
                    let empty = pool.spawn(heist::current_thread_index);
                    let ran_on = empty.join().unwrap();
                    ran.store(true, Ordering::Relaxed);
                    assert_eq!(ran_on, None, "a worker left its computation for it");
                });
            }
            assert_whole(&pool);
        }
    });
}

#[test]
fn what_a_stand_in_was_called_for_is_served_although_its_place_was_taken_again() {
    within_a_minute(|| {
        let pool = builder(1).door_patience(Some(Duration::from_millis(1))).build().unwrap();
        for _ in 0..100 {
            let (inside, posted, ran) = (Count::shared(), Count::shared(), Count::shared());
            let (arrived, go, all) = (inside.clone(), posted.clone(), ran.clone());
            let busy = pool.spawn(move || {
                heist::blocking(|| {
                    arrived.add();
                    while go.get() == 0 {
                        std::thread::yield_now();
                    }
                });
                until(|| all.get() == 1);
            });
            until(|| inside.get() == 1);
            drop(pool.spawn(move || ran.add()));
            posted.add();
            busy.join().unwrap();
        }
    });
}

/// Spawns itself again until `ran` is counted.
fn follow(ran: Arc<Count>) {
    if ran.get() == 0 {
        drop(heist::spawn(move || follow(ran)));
    }
}

#[test]
fn tasks_that_follow_each_other_at_the_door_starve_nobody() {
    within_a_minute(|| {
        let pool = builder(1).door_patience(Some(Duration::from_millis(1))).build().unwrap();
        for left in [false, true] {
            let ran = Count::shared();
            let (held, first) = (hold(&pool), ran.clone());
            let follows = pool.spawn(move || follow(first));
            follows.join().unwrap();
            let last = ran.clone();
            if left {
                pool.scope(|_| drop(pool.spawn(move || last.add())));
            } else {
                drop(pool.spawn(move || last.add()));
            }
            until(|| ran.get() == 1);
            held.release();
        }
    });
}

/// Spawns so many tasks, each of which counts itself.
fn spawn_counted(tasks: usize, ran: &Arc<Count>) {
    for _ in 0..tasks {
        let ran = ran.clone();
        drop(heist::spawn(move || ran.add()));
    }
}

#[test]
fn what_a_stand_in_leaves_is_served_at_the_door() {
    within_a_minute(|| {
        let pool = builder(1).door_patience(Some(Duration::from_millis(1))).build().unwrap();
        let (go, back, ran) = (Gate::shared(), Count::shared(), Count::shared());
        let (arrived, gone, all) = (back.clone(), go.clone(), ran.clone());
        let busy = pool.spawn(move || {
            heist::blocking(|| gone.pass());
            arrived.add();
            until(|| all.get() == 20);
        });
        let all = ran.clone();
        let spawns = pool.spawn(move || {
            spawn_counted(20, &all);
            go.open();
            until(|| back.get() == 1);
        });
        spawns.join().unwrap();
        busy.join().unwrap();
    });
}

#[test]
fn what_a_worker_off_duty_leaves_is_served_at_the_door() {
    within_a_minute(|| {
        let pool = builder(2).door_patience(Some(Duration::from_millis(1))).build().unwrap();
        let pool = Arc::new(pool);
        pool.set_active_threads(1).unwrap();
        for _ in 0..5 {
            let (own, ran) = (pool.clone(), Count::shared());
            let busy = pool.spawn(move || {
                own.broadcast(|at| {
                    if at.index() == 1 {
                        spawn_counted(20, &ran)
                    }
                });
                until(|| ran.get() == 20);
            });
            busy.join().unwrap();
        }
    });
}

#[test]
fn a_stand_in_may_take_the_pool_along_to_its_end() {
    thread_local! {
        static KEPT: RefCell<Option<Arc<ThreadPool>>> = const { RefCell::new(None) };
    }
    alone("stand_ins::a_stand_in_may_take_the_pool_along_to_its_end", || {
        let before = threads();
        for _ in 0..20 {
            let keep_alive = Duration::from_millis(1);
            let pool = Arc::new(builder(1).stand_in_keep_alive(keep_alive).build().unwrap());
            let (gate, blocked) = block_all(&pool);
            let kept = pool.clone();
            let keeps = pool.spawn(move || KEPT.set(Some(kept)));
            // Its end is the last of the pool, and there on no worker of it.
            drop(pool);
            keeps.join().unwrap();
            gate.open();
            blocked.into_iter().for_each(|task| task.join().unwrap());
            until(|| threads() == before);
        }
    });
}

#[test]
fn stand_ins_that_leave_do_not_wait_for_one_that_takes_the_pool_along() {
    const WORKERS: usize = 20;

    /// The pool's last handle, on a stand-in that leaves first and is gone last.
    struct Last {
        leaves: Arc<Count>,
        _pool: Arc<ThreadPool>,
    }
    impl Drop for Last {
        fn drop(&mut self) {
            self.leaves.add();
            until(|| threads_named("heist-stand-in") <= 2);
            // Who leaves now might be about to wait for this thread.
            (0..100).for_each(|_| std::thread::yield_now());
        }
    }
    thread_local! {
        static LAST: RefCell<Option<Last>> = const { RefCell::new(None) };
    }
    alone("stand_ins::stand_ins_that_leave_do_not_wait_for_one_that_takes_the_pool_along", || {
        let before = threads();
        let keep_alive = Duration::from_millis(1);
        let pool = Arc::new(builder(WORKERS).stand_in_keep_alive(keep_alive).build().unwrap());
        let (gate, blocked) = block_all(&pool);
        let (others, arrived, leaves) = (Gate::shared(), Count::shared(), Count::shared());
        let tasks = (1..WORKERS).map(|_| {
            let (gate, arrived) = (others.clone(), arrived.clone());
            pool.spawn(move || {
                arrived.add();
                gate.pass();
            })
        });
        let tasks: Vec<_> = tasks.collect();
        until(|| arrived.get() == WORKERS - 1);
        let last = Last { leaves: leaves.clone(), _pool: pool.clone() };
        let keeps = pool.spawn(move || LAST.set(Some(last)));
        drop(pool);
        keeps.join().unwrap();
        until(|| leaves.get() == 1);
        gate.open();
        others.open();
        blocked.into_iter().chain(tasks).for_each(|task| task.join().unwrap());
        until(|| threads() == before);
    });
}

/// Is there a thread of this name, and asleep?
fn sleeps(name: &str) -> bool {
    let tasks = std::fs::read_dir("/proc/self/task").expect("procfs").flatten();
    let mut stats = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("stat")).ok());
    // `1234 (name) S ..`
    stats.any(|stat| stat.contains(&format!("({name}) S")))
}

#[test]
fn a_keeper_waits_for_as_long_as_the_door_is_patient() {
    alone("stand_ins::a_keeper_waits_for_as_long_as_the_door_is_patient", || {
        let patience = Some(Duration::from_secs(3600));
        let pool = builder(1).door_patience(patience).build().unwrap();
        for _ in 0..20 {
            let held = hold(&pool);
            let task = pool.spawn(heist::current_thread_index);
            until(|| sleeps("heist-stand-in"));
            held.release();
            assert_eq!(task.join().unwrap(), Some(0), "by the worker, once it had time");
        }
    });
}
