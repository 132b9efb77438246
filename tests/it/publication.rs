//! Private forks do not hide parallelism: the rules of ARCHITECTURE.md,
//! "Forking and publication".

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Barrier};

use heist::{JoinHandle, ThreadPool, Yield};

use crate::support::{Gate, builder, hold_some, until, within_a_minute};

/// As many joins as make a worker go private.
fn fork_a_lot() {
    fn forks(n: usize) {
        if n > 0 {
            heist::join(|| forks(n - 1), || ());
        }
    }
    (0..100).for_each(|_| forks(50));
}

/// Jobs in the public deques of all workers.
fn public_jobs(pool: &ThreadPool) -> usize {
    pool.metrics().workers.iter().map(|worker| worker.queue_depth).sum()
}

/// Forks on a worker that has gone private while every other one is busy, and
/// runs `a` when the fork is known to be private; done when another worker, or
/// this one in a wait, has run the fork.
fn with_a_private_fork(pool: &ThreadPool, a: impl FnOnce(&AtomicBool) + Send) {
    let ran = AtomicBool::new(false);
    pool.install(|| {
        fork_a_lot();
        heist::join(
            || {
                assert_eq!(public_jobs(pool), 0, "the fork is private");
                a(&ran);
            },
            || ran.store(true, Ordering::Release),
        );
    });
}

#[test]
fn a_few_coarse_forks_run_side_by_side_at_once() {
    within_a_minute(|| {
        for threads in 1..=4 {
            let pool = builder(threads).build().unwrap();
            let barrier = Barrier::new(threads);
            fn meet(leaves: usize, barrier: &Barrier) {
                if leaves == 1 {
                    barrier.wait();
                } else {
                    heist::join(|| meet(leaves - 1, barrier), || barrier.wait());
                }
            }
            pool.install(|| meet(threads, &barrier));
            // And so they do in a job that comes after many fine ones.
            pool.install(fork_a_lot);
            pool.install(|| meet(threads, &barrier));
            // From outside, the caller takes the place of one; but never of the
            // only one.
            let meeting = threads.max(2);
            let barrier = Barrier::new(meeting);
            pool.join(|| (), || ());
            pool.scope(|_| meet(meeting, &barrier));
        }
    });
}

#[test]
fn a_worker_that_becomes_idle_gets_a_fork_that_was_private() {
    within_a_minute(|| {
        let pool = builder(2).build().unwrap();
        let held = hold_some(&pool, 1);
        with_a_private_fork(&pool, |ran| {
            held.release();
            while !ran.load(Ordering::Acquire) {
                fork_a_lot();
            }
        });
    });
}

#[test]
fn a_join_publishes_older_forks_for_a_worker_that_sleeps() {
    within_a_minute(|| {
        let pool = builder(2).build().unwrap();
        let held = hold_some(&pool, 1);
        let sleeps = || pool.metrics().workers.iter().any(|worker| worker.parks > worker.wakes);
        with_a_private_fork(&pool, |ran| {
            heist::join(
                || {
                    assert_eq!(public_jobs(&pool), 0, "two forks are private");
                    held.release();
                    until(sleeps);
                },
                // No fork comes between: it is the join before that publishes.
                || until(|| ran.load(Ordering::Acquire)),
            );
        });
    });
}

#[test]
fn a_spawn_publishes_the_forks_before_it() {
    within_a_minute(|| {
        let pool = builder(2).build().unwrap();
        let held = hold_some(&pool, 1);
        with_a_private_fork(&pool, |ran| {
            drop(heist::spawn(|| ()));
            assert_eq!(public_jobs(&pool), 2, "the fork and the task");
            held.release();
            until(|| ran.load(Ordering::Acquire));
        });
    });
}

#[test]
fn a_scope_spawn_publishes_the_forks_before_it() {
    within_a_minute(|| {
        let pool = builder(2).build().unwrap();
        let held = hold_some(&pool, 1);
        with_a_private_fork(&pool, |ran| {
            heist::scope(|s| {
                s.spawn(|_| ());
                assert_eq!(public_jobs(&pool), 2, "the fork and the job");
                held.release();
                until(|| ran.load(Ordering::Acquire));
            });
        });
    });
}

#[test]
fn a_wait_publishes_the_forks_before_it() {
    within_a_minute(|| {
        let pool = builder(2).build().unwrap();
        let (open, gate) = mpsc::channel::<()>();
        let (say, started) = mpsc::channel();
        let task = pool.spawn(move || {
            say.send(()).unwrap();
            assert!(gate.recv().is_err());
        });
        started.recv().unwrap();
        with_a_private_fork(&pool, |ran| {
            let task = task.join_timeout(std::time::Duration::from_millis(1)).map(drop);
            assert!(ran.load(Ordering::Acquire), "a waiting worker runs what it published");
            drop(open);
            task.unwrap_err().join().unwrap();
        });
    });
}

#[test]
fn more_forks_than_the_private_stack_holds_are_all_run() {
    within_a_minute(|| {
        let pool = builder(1).build().unwrap();
        let sum = pool.install(|| {
            fn nest(n: u64) -> u64 {
                if n == 0 {
                    return 0;
                }
                let (a, b) = heist::join(|| nest(n - 1), || n);
                a + b
            }
            nest(3000)
        });
        assert_eq!(sum, 3000 * 3001 / 2);
    });
}

#[test]
fn a_guest_blocked_in_its_closure_keeps_no_worker_from_forks() {
    within_a_minute(|| {
        let pool = builder(2).build().unwrap();
        let (open, gate) = mpsc::channel::<()>();
        let (say, inside) = mpsc::channel();
        std::thread::scope(|threads| {
            let pool = &pool;
            threads.spawn(move || {
                pool.scope(move |_| {
                    say.send(()).unwrap();
                    assert!(gate.recv().is_err());
                });
            });
            inside.recv().unwrap();
            for _ in 0..100 {
                let meet = Barrier::new(2);
                pool.install(|| heist::join(|| meet.wait(), || meet.wait()));
            }
            drop(open);
        });
    });
}

#[test]
fn a_worker_that_sleeps_too_deep_in_waits_to_take_forks_asks_for_none() {
    within_a_minute(|| {
        let pool = Arc::new(builder(2).build().unwrap());
        let held = hold_some(&pool, 1);
        let (there, go) = (Gate::shared(), Gate::shared());
        let (here, gone) = (there.clone(), go.clone());
        let (give, take) = mpsc::channel::<JoinHandle<()>>();
        let third = move || {
            here.open();
            gone.pass();
            take.recv().unwrap().join().unwrap();
        };
        let second = move || {
            drop(heist::spawn(third));
            heist::yield_now();
        };
        let deep = pool.spawn(move || {
            drop(heist::spawn(second));
            heist::yield_now();
        });
        there.pass();
        let (home, (say, heard)) = (pool.clone(), mpsc::channel());
        let forks = pool.spawn(move || {
            let sleeps = || home.metrics().workers.iter().any(|worker| worker.parks > worker.wakes);
            with_a_private_fork(&home, |_| {
                go.open();
                until(sleeps);
                heist::join(|| say.send(public_jobs(&home)).unwrap(), || ());
            });
        });
        give.send(forks).unwrap();
        held.release();
        assert_eq!(heard.recv(), Ok(0), "the next fork is private, too");
        deep.join().unwrap();
    });
}

#[test]
fn a_fork_is_public_before_a_task_that_is_joined_begins_on_top_of_it() {
    within_a_minute(|| {
        let pool = builder(2).door_patience(None).build().unwrap();
        let (begun, other) = (Gate::shared(), Gate::shared());
        let (say, heard) = mpsc::channel();
        let (give, take) = mpsc::channel::<JoinHandle<()>>();
        let (until_begun, here) = (begun.clone(), other.clone());
        let long = pool.spawn(move || {
            here.open();
            until_begun.pass();
        });
        other.pass();
        // Nobody is short of work now.
        let joins = pool.spawn(move || {
            let task = take.recv().unwrap();
            fork_a_lot();
            heist::join(|| task.join().unwrap(), || say.send(()).unwrap());
        });
        let task = pool.spawn(move || {
            begun.open();
            heard.recv().unwrap();
        });
        give.send(task).unwrap();
        joins.join().unwrap();
        long.join().unwrap();
    });
}

#[test]
fn a_fork_in_one_pool_is_public_before_a_yield_in_another_runs_a_task() {
    within_a_minute(|| {
        let pool = builder(2).build().unwrap();
        let other = Arc::new(builder(1).build().unwrap());
        let [begun, there, lies]: [Arc<Gate>; 3] = std::array::from_fn(|_| Gate::shared());
        let (say, heard) = mpsc::channel();
        let (until_begun, here) = (begun.clone(), there.clone());
        let long = pool.spawn(move || {
            here.open();
            until_begun.pass();
        });
        there.pass();
        // The only worker there has spawned what the guest is to run.
        let (has_begun, is_there) = (begun.clone(), lies.clone());
        let owner = other.spawn(move || {
            drop(heist::spawn(move || {
                begun.open();
                heard.recv().unwrap();
            }));
            is_there.open();
            has_begun.pass();
        });
        lies.pass();
        let abroad = other.clone();
        let joins = pool.spawn(move || {
            fork_a_lot();
            let a = || abroad.scope(|_| while heist::yield_now() != Some(Yield::Executed) {});
            heist::join(a, || say.send(()).unwrap());
        });
        joins.join().unwrap();
        long.join().unwrap();
        owner.join().unwrap();
    });
}
