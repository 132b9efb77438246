//! fork(2) and what waits in no queue of the pool's: bulkheads, keyed tasks, futures.

use std::cell::RefCell;
use std::future::{pending, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use heist::{Bulkhead, CancellationToken, JoinHandle, ThreadPool};

use crate::forks_inside::{comes_back, forks_here};
use crate::process::{alone, assert_settled, fork, rounds};
use crate::support::{Count, Gate, Token, assert_whole, builder, hold, poll, pool, until};

fn class(pool: &ThreadPool) -> Bulkhead {
    pool.bulkhead("class").limit(1).queue(2).build().unwrap()
}

type Spawned<T, F> = Result<JoinHandle<T>, heist::TrySpawnError<F>>;

fn is_closed<T, F>(spawned: &Spawned<T, F>) -> bool {
    spawned.as_ref().is_err_and(heist::TrySpawnError::is_closed)
}

/// At once.
fn is_sent_away<T, F>(spawned: &Poll<Spawned<T, F>>) -> bool {
    matches!(spawned, Poll::Ready(spawned) if is_closed(spawned))
}

/// Every verb in the child of a fork, where nobody could do what they ask for.
fn assert_left_behind(pool: &ThreadPool, class: &Bulkhead) {
    let long = Duration::MAX;
    let fresh = pool.bulkhead("fresh").build().unwrap();
    for class in [class, &class.clone(), &fresh] {
        assert!(class.spawn(|| ()).join().unwrap_err().is_cancelled());
        assert!(is_closed(&class.try_spawn(|| ())));
        assert!(is_closed(&class.spawn_timeout(|| (), long)));
        assert!(is_closed(&class.task().name("a").try_spawn(|| ())));
        let spawned = poll(pin!(class.spawn_async(|| ())), Waker::noop());
        assert!(is_sent_away(&spawned));
        let metrics = class.metrics();
        assert_eq!((metrics.accepted, metrics.queued, metrics.running), (0, 0, 0));
        assert!(!format!("{class:?}").is_empty());
    }
    drop(fresh);
    assert!(pool.spawn_keyed(1, || ()).join().unwrap_err().is_cancelled());
    assert!(is_closed(&pool.try_spawn_keyed(1, || ())));
    assert!(is_closed(&pool.task().spawn_keyed_timeout(1, || (), long)));
    let spawned = poll(pin!(pool.task().spawn_keyed_async(1, || ())), Waker::noop());
    assert!(is_sent_away(&spawned));
    assert!(pool.spawn_future(async {}).join().unwrap_err().is_cancelled());
    assert!(is_closed(&pool.try_spawn_future(async {})));
    assert!(is_closed(&pool.task().spawn_future_timeout(async {}, long)));
    let spawned = poll(pin!(pool.task().spawn_future_async(async {})), Waker::noop());
    assert!(is_sent_away(&spawned));
}

/// One that runs and one that waits, of each kind.
fn handles(pool: &ThreadPool, class: &Bulkhead, gate: &Arc<Gate>) -> Vec<JoinHandle<i32>> {
    let begun = Count::shared();
    let task = |n| {
        let (gate, begun) = (gate.clone(), begun.clone());
        move || {
            begun.add();
            gate.pass();
            n
        }
    };
    let mut all = vec![class.spawn(task(0)), pool.spawn_keyed(1, task(1))];
    let polls = task(2);
    all.push(pool.spawn_future(async move { polls() }));
    until(|| begun.get() == 3);
    let opened = gate.clone();
    all.push(class.spawn(|| 3));
    all.push(pool.spawn_keyed(1, || 4));
    all.push(pool.spawn_future(async move {
        opened.pass();
        5
    }));
    all
}

#[test]
fn classes_from_before_take_nothing_and_their_handles_resolve_in_the_child() {
    alone(|| {
        for turn in 0..3 {
            let pool = pool(3);
            let (class, gate) = (class(&pool), Gate::shared());
            let mut all = Some((handles(&pool, &class, &gate), class.clone()));
            fork(|| {
                let (tasks, mine) = all.take().unwrap();
                assert!(tasks.iter().all(|task| task.is_finished() && !task.cancel()));
                assert_left_behind(&pool, &mine);
                for task in tasks {
                    match turn {
                        0 => assert!(task.join().unwrap_err().is_forked()),
                        1 => {
                            let polled = poll(pin!(task), Waker::noop());
                            assert!(matches!(polled, Poll::Ready(Err(why)) if why.is_forked()));
                        }
                        _ => drop(task),
                    }
                }
                drop(mine);
            })
            .well();
            gate.open();
            let (tasks, _) = all.unwrap();
            let results = tasks.into_iter().map(|task| task.join().unwrap());
            assert!(results.eq(0..6));
            assert_whole(&pool);
            assert_settled(&pool);
        }
    });
}

#[test]
fn a_token_cancelled_in_the_child_drops_nothing_of_the_parents() {
    alone(|| {
        let pool = pool(1);
        let (class, held, token) = (class(&pool), hold(&pool), CancellationToken::new());
        let drops = Count::shared();
        let kept = || {
            let kept = Token(drops.clone());
            move || drop(kept)
        };
        let future = kept();
        let mut tasks = Some([
            pool.task().cancel_token(&token).spawn(kept()),
            class.task().cancel_token(&token).spawn(kept()),
            pool.task().cancel_token(&token).spawn_keyed(1, kept()),
            pool.task().cancel_token(&token).spawn_future(async move { future() }),
        ]);
        fork(|| {
            token.cancel();
            assert_eq!(drops.get(), 0);
            let errors = tasks.take().unwrap().map(|task| task.join().unwrap_err());
            assert!(errors.iter().all(|error| error.is_forked()), "{errors:?}");
            assert_eq!(drops.get(), 0);
        })
        .well();
        assert!(!token.is_cancelled());
        held.release();
        assert!(tasks.unwrap().into_iter().all(|task| task.join().is_ok()));
        assert_eq!(drops.get(), 4);
        assert_settled(&pool);
    });
}

#[test]
fn who_waited_for_a_place_is_sent_away_in_the_child() {
    alone(|| {
        let pool = pool(1);
        let held = hold(&pool);
        let class = class(&pool);
        let inside = [(); 3].map(|()| class.spawn(|| ()));
        let polled = RefCell::new(Box::pin(class.spawn_async(|| ())));
        let poll_it = || poll(polled.borrow_mut().as_mut(), Waker::noop());
        let mut dropped = Some(Box::pin(class.spawn_async(|| ())));
        assert!(poll_it().is_pending());
        assert!(poll(dropped.as_mut().unwrap().as_mut(), Waker::noop()).is_pending());
        fork(|| {
            drop(dropped.take());
            assert!(is_sent_away(&poll_it()));
        })
        .well();
        held.release();
        inside.into_iter().for_each(|task| task.join().unwrap());
        until(|| poll_it().is_ready());
        drop(dropped);
        assert_settled(&pool);
    });
}

#[test]
fn a_waker_of_a_parents_future_does_nothing_in_the_child() {
    alone(|| {
        let pool = pool(1);
        let kept = Arc::new(Mutex::new(None::<Waker>));
        let keep = kept.clone();
        let mut polls = 0;
        let future = poll_fn(move |cx| {
            polls += 1;
            *keep.lock().unwrap() = Some(cx.waker().clone());
            if polls == 2 { Poll::Ready(polls) } else { Poll::Pending }
        });
        let task = pool.spawn_future(future);
        until(|| kept.lock().unwrap().is_some());
        let waker = kept.lock().unwrap().take().unwrap();
        fork(|| {
            waker.wake_by_ref();
            drop(waker.clone());
            assert_eq!(pool.metrics().tasks_completed(), 0);
        })
        .well();
        waker.wake();
        assert_eq!(task.join().unwrap(), 2);
        assert_settled(&pool);
    });
}

#[test]
fn a_child_that_comes_back_from_a_task_of_a_class_aborts() {
    alone(|| {
        for threads in [1, 2] {
            comes_back(|| {
                let pool = pool(threads);
                class(&pool).spawn(forks_here).join().unwrap();
                assert_whole(&pool);
            });
            comes_back(|| {
                let pool = pool(threads);
                pool.spawn_keyed(1, forks_here).join().unwrap();
                assert_whole(&pool);
            });
            comes_back(|| {
                let pool = pool(threads);
                pool.spawn_future(async { forks_here() }).join().unwrap();
                assert_whole(&pool);
            });
            comes_back(|| {
                let pool = pool(threads);
                let forked = Count::shared();
                let forks = forked.clone();
                let future = pool.spawn_future(async move {
                    forks_here();
                    forks.add();
                    pending::<()>().await;
                });
                until(|| forked.get() == 1);
                assert_whole(&pool);
                assert!(future.cancel());
            });
        }
    });
}

#[test]
fn a_fork_amid_all_that_classes_do_hangs_nobody() {
    alone(|| {
        for threads in [1, 2, 4] {
            let pool = Arc::new(builder(threads).injector_capacity(4).build().unwrap());
            let class = class(&pool);
            let stop = Arc::new(AtomicBool::new(false));
            let users: Vec<_> = (0..4)
                .map(|user| {
                    let (pool, class, stop) = (pool.clone(), class.clone(), stop.clone());
                    thread::spawn(move || {
                        while !stop.load(Ordering::Relaxed) {
                            match user {
                                0 => drop(class.try_spawn(|| ())),
                                1 => drop(pool.spawn_keyed(1, || ()).join()),
                                2 => drop(pool.spawn_future(async {}).join()),
                                _ => drop(pool.bulkhead("brief").build().unwrap().metrics()),
                            }
                        }
                    })
                })
                .collect();
            for _ in 0..rounds(60) {
                fork(|| {
                    assert_left_behind(&pool, &class);
                    assert_whole(&builder(1).build().unwrap());
                })
                .well();
            }
            // And where the locks are held by tasks of the class itself.
            for _ in 0..rounds(20) {
                let (inner, own) = (pool.clone(), class.clone());
                let task = class.spawn(move || {
                    let ended = fork(|| assert_left_behind(&inner, &own));
                    ended.well();
                });
                task.join().unwrap();
            }
            stop.store(true, Ordering::Relaxed);
            users.into_iter().for_each(|user| user.join().unwrap());
            assert_whole(&pool);
            assert_settled(&pool);
        }
    });
}
