//! fork(2) outside a pool: the child has none of the threads, and is told.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use heist::{JoinHandle, ThreadPool};

use crate::process::{alone, assert_settled, fork, rounds};
use crate::support::{Count, Gate, assert_whole, builder, hold, message, poll, pool, until};

/// Everything that can be asked of a pool from before a fork, in its child.
fn assert_left_behind(pool: &ThreadPool) {
    assert_eq!(pool.try_spawn(|| 6 * 7).map(drop).unwrap_err().into_inner()(), 42);
    assert!(pool.spawn(|| ()).join().unwrap_err().is_cancelled());
    assert!(pool.spawn_timeout(|| (), Duration::MAX).unwrap_err().is_closed());
    match poll(pin!(pool.spawn_async(|| ())), Waker::noop()) {
        Poll::Ready(Err(refused)) => assert!(refused.is_closed()),
        _ => panic!("a task was accepted, or has to wait"),
    }
    let verbs: [&dyn Fn(); 8] = [
        &|| pool.install(|| ()),
        &|| assert_eq!(pool.join(|| 1, || 2), (1, 2)),
        &|| pool.scope(|s| s.spawn(|_| ())),
        &|| drop(pool.broadcast(|_| ())),
        &|| pool.for_each(0..10, |_| ()),
        &|| drop(pool.map(&[1, 2, 3], |n| n + 1)),
        &|| pool.for_each_mut(&mut [1, 2, 3], |_, n| *n += 1),
        &|| assert_eq!(pool.map_reduce(&[1, 2, 3], |n| *n, || 0, |a, b| a + b), 6),
    ];
    for verb in verbs {
        let said = message(verb);
        assert!(said.contains("fork(2)"), "{said}");
    }
    assert!(pool.num_threads() >= 1);
    assert_eq!(pool.metrics().workers.len(), pool.num_threads());
    assert!(!format!("{pool:?} {}", pool.metrics()).is_empty());
    pool.close();
}

#[test]
fn a_pool_from_before_says_so_and_its_end_does_not_hang() {
    alone(|| {
        for threads in [1, 2, 4] {
            for end in 0..4 {
                let mut pool = Some(pool(threads));
                assert_whole(pool.as_ref().unwrap());
                let child = fork(|| {
                    let pool = pool.take().unwrap();
                    assert_left_behind(&pool);
                    match end {
                        0 => drop(pool),
                        1 => pool.shutdown(),
                        2 => pool.shutdown_timeout(Duration::MAX).unwrap(),
                        _ => assert_eq!(pool.shutdown_now(), 0),
                    }
                    // A pool of its own works.
                    assert_whole(&builder(threads).build().unwrap());
                });
                child.well();
                let pool = pool.unwrap();
                assert_whole(&pool);
                assert_settled(&pool);
            }
        }
    });
}

/// The handle of a task that runs until `gate` opens, of one that waits, and of
/// one that is done.
fn handles(pool: &ThreadPool, gate: &Arc<Gate>) -> [JoinHandle<i32>; 3] {
    let done = pool.spawn(|| 1);
    until(|| done.is_finished());
    let arrived = Count::shared();
    let mut running = Vec::new();
    for _ in 0..pool.num_threads() {
        let (gate, arrived) = (gate.clone(), arrived.clone());
        running.push(pool.spawn(move || {
            arrived.add();
            gate.pass();
            2
        }));
    }
    until(|| arrived.get() == pool.num_threads());
    [done, running.pop().unwrap(), pool.spawn(|| 3)]
}

#[test]
fn handles_from_before_resolve_in_the_child() {
    alone(|| {
        for threads in [1, 2, 4] {
            for turn in 0..4 {
                let pool = pool(threads);
                let gate = Gate::shared();
                let mut all = Some(handles(&pool, &gate));
                let child = fork(|| {
                    let [done, running, waiting] = all.take().unwrap();
                    assert!([&done, &running, &waiting].iter().all(|task| task.is_finished()));
                    assert!([&done, &running, &waiting].iter().all(|task| !task.cancel()));
                    assert!(!format!("{done:?} {running:?} {waiting:?}").is_empty());
                    match turn {
                        0 => {
                            assert_eq!(done.join().unwrap(), 1);
                            let errors = [running, waiting].map(|task| task.join().unwrap_err());
                            for error in errors {
                                assert!(error.is_forked() && !error.is_cancelled());
                                assert!(error.to_string().contains("parent process"), "{error}");
                            }
                        }
                        1 => {
                            for task in [running, waiting] {
                                let result = task.join_timeout(Duration::MAX).unwrap();
                                assert!(result.unwrap_err().is_forked());
                            }
                        }
                        2 => {
                            for task in [done, running, waiting] {
                                assert!(poll(pin!(task), Waker::noop()).is_ready());
                            }
                        }
                        _ => drop((done, running, waiting)),
                    }
                });
                child.well();
                gate.open();
                let [done, running, waiting] = all.unwrap().map(|task| task.join().unwrap());
                assert_eq!((done, running, waiting), (1, 2, 3));
                assert_settled(&pool);
            }
        }
    });
}

#[test]
fn who_waited_for_room_is_sent_away_in_the_child() {
    alone(|| {
        let pool = builder(1).injector_capacity(1).build().unwrap();
        let held = hold(&pool);
        let waiting = pool.spawn(|| ());
        let polled = RefCell::new(Box::pin(pool.spawn_async(|| ())));
        let poll_it = || poll(polled.borrow_mut().as_mut(), Waker::noop());
        let mut dropped = Some(Box::pin(pool.spawn_async(|| ())));
        assert!(poll_it().is_pending());
        assert!(poll(dropped.as_mut().unwrap().as_mut(), Waker::noop()).is_pending());
        let child = fork(|| {
            drop(dropped.take());
            let Poll::Ready(Err(refused)) = poll_it() else {
                panic!("nobody here could make room");
            };
            assert!(refused.is_closed());
        });
        child.well();
        held.release();
        waiting.join().unwrap();
        until(|| poll_it().is_ready());
        drop(dropped);
        assert_settled(&pool);
        assert_whole(&pool);
    });
}

/// The free functions, on whatever pool they find.
fn use_the_global_pool() {
    assert_eq!(heist::join(|| 1, || 2), (1, 2));
    assert_eq!(heist::spawn(|| 3).join().unwrap(), 3);
    let count = Count::default();
    heist::scope(|s| (0..20).for_each(|_| s.spawn(|_| count.add())));
    assert_eq!(count.get(), 20);
    assert_whole(heist::global());
    assert_settled(heist::global());
}

#[test]
fn the_global_pool_is_a_fresh_one_in_the_child() {
    alone(|| {
        builder(4).build_global().unwrap();
        for _ in 0..rounds(20) {
            use_the_global_pool();
            let before = std::ptr::from_ref(heist::global()).addr();
            let child = fork(|| {
                use_the_global_pool();
                assert_ne!(before, std::ptr::from_ref(heist::global()).addr());
                // And so on.
                fork(|| {
                    assert!(builder(2).build_global().is_ok());
                    use_the_global_pool();
                    assert_eq!(heist::global().num_threads(), 2);
                    assert!(builder(2).build_global().unwrap_err().is_global_exists());
                })
                .well();
                use_the_global_pool();
            });
            child.well();
            assert_eq!(before, std::ptr::from_ref(heist::global()).addr());
        }
        use_the_global_pool();
    });
}

#[test]
fn a_fork_amid_all_that_a_pool_does_hangs_nobody() {
    alone(|| {
        for threads in [1, 2, 4] {
            let pool = Arc::new(builder(threads).injector_capacity(4).build().unwrap());
            let stop = Arc::new(AtomicBool::new(false));
            let users: Vec<_> = (0..3)
                .map(|user| {
                    let (pool, stop) = (pool.clone(), stop.clone());
                    thread::spawn(move || {
                        while !stop.load(Ordering::Relaxed) {
                            match user {
                                0 => drop(pool.spawn(|| ())),
                                1 => drop(pool.spawn(|| heist::join(|| 1, || 2)).join()),
                                _ => pool.scope(|s| (0..3).for_each(|_| s.spawn(|_| ()))),
                            }
                        }
                    })
                })
                .collect();
            for turn in 0..rounds(60) {
                let mut handle = Some(pool.spawn(|| 1));
                let child = fork(|| {
                    // Its result, if it was there; an error, if not.
                    let joined = handle.take().unwrap().join();
                    assert!(joined.map_or_else(|error| error.is_forked(), |one| one == 1));
                    assert_left_behind(&pool);
                    if turn % 4 == 0 {
                        use_the_global_pool();
                    }
                });
                child.well();
                assert_eq!(handle.unwrap().join().unwrap(), 1);
            }
            stop.store(true, Ordering::Relaxed);
            users.into_iter().for_each(|user| user.join().unwrap());
            assert_whole(&pool);
            assert_settled(&pool);
        }
    });
}

#[test]
fn a_fork_leaves_the_parents_pool_as_it_was() {
    alone(|| {
        for threads in [1, 2, 4] {
            let pool = pool(threads);
            let panics = catch_unwind(AssertUnwindSafe(|| {
                for _ in 0..rounds(20) {
                    fork(|| ()).well();
                    assert_whole(&pool);
                }
            }));
            assert!(panics.is_ok());
            assert_settled(&pool);
            pool.shutdown();
        }
    });
}
