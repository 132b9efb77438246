//! A thread that never comes: its `ThreadBuilder` is kept, and dropped unrun when
//! the pool is built.

use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::thread;

use heist::{ThreadBuilder, ThreadPool, ThreadPoolBuilder};

use crate::process::{alone, assert_settled, fork, rounds};
use crate::support::{Count, Gate, Token, builder, message, until};

type Kept = Arc<Mutex<Vec<ThreadBuilder>>>;

/// A pool whose workers in `unrun` have not been run; they are kept.
fn pool_without(threads: usize, unrun: impl Fn(usize) -> bool + 'static) -> (ThreadPool, Kept) {
    build_without(builder(threads), unrun)
}

fn build_without(
    builder: ThreadPoolBuilder,
    unrun: impl Fn(usize) -> bool + 'static,
) -> (ThreadPool, Kept) {
    let kept = Kept::default();
    let keep = kept.clone();
    let start = move |worker: ThreadBuilder| -> io::Result<()> {
        if unrun(worker.index()) {
            keep.lock().unwrap().push(worker);
        } else {
            thread::Builder::new().spawn(|| worker.run())?;
        }
        Ok(())
    };
    (builder.spawn_handler(start).build().unwrap(), kept)
}

/// Every verb works, with what workers there are.
#[track_caller]
fn assert_at_work(pool: &ThreadPool, workers: &[usize]) {
    assert_eq!(pool.broadcast(|cx| cx.index()), workers);
    assert!(workers.contains(&pool.install(heist::current_thread_index).unwrap()));
    assert_eq!(pool.join(|| 1, || 2), (1, 2));
    assert_eq!(pool.map(&[1, 2, 3], |n| n * 2), [2, 4, 6]);
    assert_eq!(pool.spawn(|| 3).join().unwrap(), 3);
    assert_settled(pool);
}

#[test]
fn a_worker_given_up_later_is_done_without() {
    alone(|| {
        for threads in [2, 4] {
            for given_up in 0..threads {
                let (pool, kept) = pool_without(threads, move |index| index == given_up);
                // Those who are there serve.
                assert_eq!(pool.spawn(|| 3).join().unwrap(), 3);
                kept.lock().unwrap().clear();
                let others: Vec<_> = (0..threads).filter(|&index| index != given_up).collect();
                assert_at_work(&pool, &others);
                assert_eq!(pool.num_threads(), threads);
                pool.install(|| assert_at_work(&pool, &others));
                pool.shutdown();
            }
        }
    });
}

#[test]
fn a_broadcast_under_way_does_not_wait_for_a_worker_given_up() {
    alone(|| {
        for threads in [2, 4] {
            for turn in 0..rounds(50) {
                let given_up = turn % threads;
                let (pool, kept) = pool_without(threads, move |index| index == given_up);
                let ran = Count::shared();
                thread::scope(|s| {
                    let results = s.spawn(|| pool.broadcast(|cx| (ran.add(), cx.index()).1));
                    if turn % 2 == 0 {
                        // Sent to everybody who is there.
                        until(|| ran.get() >= threads - 1);
                    }
                    kept.lock().unwrap().clear();
                    let results = results.join().unwrap();
                    // Its job ran where it was dropped, or was never sent.
                    assert!([threads, threads - 1].contains(&results.len()));
                    assert_eq!(ran.get(), results.len());
                });
                pool.shutdown();
            }
        }
    });
}

#[test]
fn a_shutdown_under_way_does_not_wait_for_a_worker_given_up() {
    alone(|| {
        for threads in [2, 4] {
            for given_up in 0..threads {
                let (pool, kept) = pool_without(threads, move |index| index == given_up);
                let ran = Count::shared();
                for _ in 0..100 {
                    let ran = ran.clone();
                    drop(pool.spawn(move || ran.add()));
                }
                let ending = thread::spawn(move || pool.shutdown());
                until(|| ran.get() == 100);
                assert!(!ending.is_finished());
                kept.lock().unwrap().clear();
                ending.join().unwrap();
            }
        }
    });
}

#[test]
fn a_worker_may_come_late() {
    alone(|| {
        for threads in [1, 2, 4] {
            let (pool, kept) = pool_without(threads, |_| true);
            let task = pool.spawn(|| 3);
            assert!(!task.is_finished());
            let late = std::mem::take(&mut *kept.lock().unwrap()).into_iter();
            let late: Vec<_> = late.map(|worker| thread::spawn(|| worker.run())).collect();
            assert_eq!(task.join().unwrap(), 3);
            assert_at_work(&pool, &(0..threads).collect::<Vec<_>>());
            pool.shutdown();
            late.into_iter().for_each(|thread| thread.join().unwrap());
        }
    });
}

#[test]
fn with_the_last_worker_given_up_the_pool_ends_and_says_so() {
    alone(|| {
        for threads in [1, 2, 4] {
            let (pool, kept) = pool_without(threads, |_| true);
            let dropped = Count::shared();
            let tokens = (0..10).map(|_| Token(dropped.clone()));
            let tasks: Vec<_> = tokens.map(|token| pool.spawn(move || drop(token))).collect();
            // One waits for a worker, with a closure that it has lent.
            let lent = thread::scope(|s| {
                let lent = s.spawn(|| pool.install(|| 5));
                kept.lock().unwrap().clear();
                lent.join()
            });
            // Lent in time, it ran where the last was dropped.
            assert!(lent.map_or(true, |five| five == 5));
            for task in tasks {
                assert!(task.join().unwrap_err().is_cancelled());
            }
            assert_eq!(dropped.get(), 10);
            assert_settled(&pool);
            assert!(pool.try_spawn(|| ()).unwrap_err().is_closed());
            assert!(message(|| pool.install(|| ())).contains("no thread of this ThreadPool"));
            // A guest does it alone.
            assert_eq!(pool.join(|| 1, || 2), (1, 2));
            assert_eq!(pool.broadcast(|_| ()), []);
            pool.shutdown();
        }
    });
}

#[test]
fn a_worker_given_up_by_a_thread_of_the_pool_does_no_harm() {
    alone(|| {
        for threads in [2, 4] {
            for _ in 0..rounds(20) {
                let (pool, kept) = pool_without(threads, |index| index == 0);
                let (arrived, gate) = (Gate::shared(), Gate::shared());
                let (arrive, pass, keep) = (arrived.clone(), gate.clone(), kept.clone());
                let task = pool.spawn(move || {
                    arrive.open();
                    pass.pass();
                    heist::join(|| keep.lock().unwrap().clear(), || ());
                });
                arrived.pass();
                gate.open();
                task.join().unwrap();
                assert_at_work(&pool, &(1..threads).collect::<Vec<_>>());
                // And by a guest.
                let (pool, kept) = pool_without(threads, |index| index == 0);
                pool.join(|| kept.lock().unwrap().clear(), || ());
                assert_at_work(&pool, &(1..threads).collect::<Vec<_>>());
            }
        }
    });
}

#[test]
fn with_the_last_worker_given_up_a_future_at_rest_is_cancelled() {
    alone(|| {
        let (pool, kept) = build_without(ThreadPool::builder().num_threads(1), |_| true);
        let polled = Count::shared();
        let poll = polled.clone();
        let future = pool.spawn_future(poll_fn(move |_| {
            poll.add();
            Poll::<()>::Pending
        }));
        // By the stand-in at the door.
        until(|| polled.get() > 0);
        kept.lock().unwrap().clear();
        assert!(future.join().unwrap_err().is_cancelled());
    });
}

#[test]
fn a_worker_may_be_given_up_by_a_task_that_is_dropped() {
    alone(|| {
        let (pool, kept) = pool_without(1, |_| true);
        let worker = kept.lock().unwrap().pop().unwrap();
        let tasks = [pool.spawn_keyed("key", || worker.run()), pool.spawn_keyed("key", || ())];
        assert_eq!(pool.shutdown_now(), 2);
        assert!(tasks.into_iter().all(|task| task.join().unwrap_err().is_cancelled()));
    });
}

/// What such a worker is sent runs where it is given up, and may wait for those on duty.
#[test]
fn another_is_on_duty_before_what_a_worker_given_up_was_sent_is_run() {
    alone(|| {
        let (pool, kept) = pool_without(2, |index| index == 0);
        pool.set_active_threads(1).unwrap();
        let (sent, there, said) = (Count::default(), Gate::default(), Gate::default());
        thread::scope(|threads| {
            threads.spawn(|| {
                pool.broadcast(|cx| {
                    sent.add();
                    if cx.index() == 0 {
                        there.open();
                        said.pass();
                    }
                });
            });
            // Its mail is seen to though it is off duty: so both have theirs.
            until(|| sent.get() == 1);
            threads.spawn(|| kept.lock().unwrap().clear());
            there.pass();
            pool.install(|| said.open());
        });
        pool.shutdown();
    });
}

#[test]
fn tasks_that_a_worker_given_up_leaves_are_served_at_the_door() {
    alone(|| {
        let patience = Some(std::time::Duration::from_millis(1));
        let seats = builder(2).door_patience(patience).max_guests(0);
        let (pool, kept) = build_without(seats, |index| index == 1);
        let (ran, sent) = (Count::shared(), Count::default());
        thread::scope(|threads| {
            threads.spawn(|| {
                pool.broadcast(|cx| {
                    let tasks = ran.clone();
                    sent.add();
                    if cx.index() == 1 {
                        drop(heist::spawn(move || tasks.add()));
                    } else {
                        until(|| ran.get() == 1);
                    }
                });
            });
            until(|| sent.get() == 1);
            kept.lock().unwrap().clear();
        });
        pool.shutdown();
    });
}

/// As many tasks of one key as wait before one more is run where it is spawned.
const FLOOD: usize = 65_536;

#[test]
fn a_task_that_a_guest_spawns_while_the_last_worker_is_given_up_is_dropped() {
    alone(|| {
        let (pool, kept) = pool_without(1, |_| true);
        let worker = kept.lock().unwrap().pop().unwrap();
        pool.scope(|_| {
            let given_up = Count::shared();
            let gone = given_up.clone();
            // Runs in the spawn of the last one.
            let first = pool.spawn_keyed("key", move || {
                drop(worker);
                gone.add();
            });
            let spawn = |_| pool.spawn_keyed("key", || ());
            let others: Vec<_> = (1..=FLOOD).map(spawn).collect();
            assert_eq!((given_up.get(), first.is_finished()), (1, true));
            until(|| others.iter().all(|task| task.is_finished()));
            assert!(others.into_iter().all(|task| task.join().unwrap_err().is_cancelled()));
        });
        assert!(pool.spawn(|| ()).join().unwrap_err().is_cancelled());
    });
}

#[test]
fn in_the_child_of_a_fork_a_worker_from_before_does_not_begin() {
    alone(|| {
        let parent = std::process::id();
        let start = move |_| {
            if std::process::id() != parent {
                // SAFETY: nothing of the parent's is torn down.
                unsafe { libc::_exit(0) }
            }
        };
        let (pool, kept) = build_without(builder(2).start_handler(start), |index| index == 1);
        let worker = kept.lock().unwrap().pop().unwrap();
        fork(move || worker.run()).aborted("its child came back to the pool");
        assert_at_work(&pool, &[0]);
    });
}
