//! Idle workers sleep, and whatever comes wakes them.

use std::hint::black_box;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::support::{
    Count, Gate, Meeting, alone, block_on, builder, fall_asleep, pool, within_a_minute,
};

#[test]
fn everything_that_brings_work_wakes_a_sleeper() {
    within_a_minute(|| {
        for threads in [1, 2] {
            let pool = builder(threads).idle_spin(Duration::ZERO).build().unwrap();
            let handed = builder(threads).idle_spin(Duration::ZERO).max_guests(0).build().unwrap();
            for turn in 0..300 {
                fall_asleep(&pool);
                match turn % 6 {
                    0 => assert_eq!(pool.spawn(|| 5).join().unwrap(), 5),
                    1 => assert_eq!(block_on(pool.spawn(|| 5)).unwrap(), 5),
                    2 => assert_eq!(pool.install(|| 5), 5),
                    3 => assert_eq!(pool.broadcast(|_| 5)[0], 5),
                    4 => {
                        // The guest does not help: a worker must come.
                        let gate = Gate::default();
                        pool.join(|| gate.pass(), || gate.open());
                    }
                    _ => {
                        let gate = Gate::default();
                        pool.scope(|s| {
                            s.spawn(|_| gate.open());
                            gate.pass();
                        });
                    }
                }
                fall_asleep(&handed);
                assert_eq!(handed.join(|| 1, || 2), (1, 2));
            }
        }
    });
}

#[test]
fn ten_thousand_round_trips_lose_no_wake_up() {
    within_a_minute(|| {
        for threads in [1, 2, 3] {
            let pool = builder(threads).idle_spin(Duration::ZERO).build().unwrap();
            for turn in 0..10_000 / threads {
                assert_eq!(pool.spawn(move || turn).join().unwrap(), turn);
            }
        }
    });
}

#[test]
fn tasks_from_two_threads_to_workers_that_fall_asleep_lose_no_wake_up() {
    within_a_minute(|| {
        let pool = builder(2).idle_spin(Duration::ZERO).build().unwrap();
        thread::scope(|threads| {
            for _ in 0..2 {
                threads.spawn(|| {
                    for turn in 0..3000 {
                        let pair = pool.spawn(move || heist::join(|| turn, || turn));
                        assert_eq!(pair.join().unwrap(), (turn, turn));
                    }
                });
            }
        });
    });
}

#[test]
fn as_many_sleepers_wake_as_there_is_work() {
    within_a_minute(|| {
        let pool = builder(4).idle_spin(Duration::ZERO).build().unwrap();
        for turn in 0..200 {
            if turn % 2 == 0 {
                fall_asleep(&pool);
            }
            // All four must run at the same time to pass.
            let meeting = Arc::new(Meeting::of(4));
            let tasks: Vec<_> = (0..4)
                .map(|_| {
                    let meeting = meeting.clone();
                    pool.spawn(move || meeting.wait())
                })
                .collect();
            tasks.into_iter().for_each(|task| task.join().unwrap());
        }
    });
}

#[test]
fn as_many_sleepers_wake_as_a_worker_has_jobs() {
    within_a_minute(|| {
        let pool = builder(4).idle_spin(Duration::ZERO).build().unwrap();
        for turn in 0..200 {
            if turn % 2 == 0 {
                fall_asleep(&pool);
            }
            let meeting = Meeting::of(4);
            pool.install(|| {
                heist::scope(|s| {
                    (0..3).for_each(|_| s.spawn(|_| meeting.wait()));
                    meeting.wait();
                });
            });
        }
    });
}

/// Also on fewer processors: those that doze, as forks of busy threads are not for them, see
/// that nobody is busy.
#[test]
fn forks_that_block_get_as_many_threads_as_they_need() {
    within_a_minute(|| {
        for seats in [0, 1] {
            let pool = builder(4).max_guests(seats).build().unwrap();
            for _ in 0..20 {
                // Whoever comes too late finds nothing, and dozes.
                pool.for_each(0..1000, |index| {
                    black_box((0..index).map(black_box).sum::<usize>());
                });
                let meeting = Meeting::of(4);
                let wait = || meeting.wait();
                pool.join(|| heist::join(wait, wait), || heist::join(wait, wait));
            }
        }
    });
}

#[test]
fn idle_workers_take_no_time_from_others() {
    alone("idle::idle_workers_take_no_time_from_others", || {
        let pool = pool(4);
        pool.for_each(0..10_000, |_| ());
        fall_asleep(&pool);
        let before = processor_ticks();
        // Not to wait for anything: this is the time that is looked at.
        thread::sleep(Duration::from_secs(1));
        let spent = processor_ticks() - before;
        assert!(spent <= 5, "{spent} of 100 ticks");
    });
}

/// The processor time of this process, in ticks of a hundredth of a second.
fn processor_ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("procfs");
    // The name may have spaces in it; user and system time come 12th and 13th after.
    let (_, fields) = stat.rsplit_once(')').expect("a name in brackets");
    let ticks = fields.split_whitespace().skip(11).take(2).flat_map(str::parse::<u64>);
    ticks.sum()
}

#[test]
fn idle_workers_are_all_parked() {
    within_a_minute(|| {
        let pool = pool(3);
        let ran = Count::default();
        for _ in 0..50 {
            pool.for_each(0..10, |_| ran.add());
            fall_asleep(&pool);
        }
        assert_eq!(ran.get(), 500);
    });
}

/// The CPUs that threads with this prefix in their names may use.
#[cfg(target_os = "linux")]
fn allowed(prefix: &str) -> Vec<String> {
    let status = |task: std::io::Result<std::fs::DirEntry>| {
        std::fs::read_to_string(task.unwrap().path().join("status")).ok()
    };
    let of_pool = |status: &String| status.starts_with(&format!("Name:\t{prefix}"));
    let cpus = |status: String| {
        status.lines().find(|line| line.starts_with("Cpus_allowed_list:")).map(str::to_owned)
    };
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    tasks.filter_map(status).filter(of_pool).filter_map(cpus).collect()
}

#[test]
#[cfg(target_os = "linux")]
fn a_worker_woken_for_a_fork_may_run_anywhere_again() {
    within_a_minute(|| {
        let name = |index| format!("anywhere-{index}");
        let pool = builder(2).thread_name(name).idle_spin(Duration::ZERO).build().unwrap();
        fall_asleep(&pool);
        let before = allowed("anywhere-");
        assert_eq!(before.len(), 2);
        for _ in 0..100 {
            fall_asleep(&pool);
            let gate = Gate::default();
            pool.join(|| gate.pass(), || gate.open());
        }
        fall_asleep(&pool);
        assert_eq!(allowed("anywhere-"), before);
    });
}
