//! `close`: no new tasks, and what was accepted still runs.

use std::thread;
use std::time::Duration;

use heist::TrySpawnError;

use crate::support::{
    Count, Token, block_on, builder, everywhere, hold, pool, until, within_a_minute,
};

#[test]
fn what_was_accepted_before_the_close_still_runs() {
    within_a_minute(|| {
        let pool = pool(2);
        let held = hold(&pool);
        let tasks: Vec<_> = (0..100).map(|n| pool.spawn(move || n)).collect();
        pool.close();
        held.release();
        for (n, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.join().unwrap(), n);
        }
    });
}

#[test]
fn forks_scopes_and_loops_work_on_a_closed_pool() {
    within_a_minute(|| {
        everywhere(|pool| {
            pool.close();
            let ran = Count::default();
            assert_eq!(pool.join(|| 1, || 2), (1, 2));
            pool.scope(|s| (0..10).for_each(|_| s.spawn(|_| ran.add())));
            pool.for_each(0..10, |_| ran.add());
            assert_eq!(pool.install(heist::current_num_threads), pool.num_threads());
            assert_eq!(pool.broadcast(|_| ran.add()).len(), pool.num_threads());
            assert_eq!(pool.map(&[1, 2], |n| n + 1), [2, 3]);
            assert_eq!(ran.get(), 20 + pool.num_threads());
        });
    });
}

#[test]
fn a_close_that_races_with_spawns_loses_no_task() {
    within_a_minute(|| {
        for turn in 0..100 {
            let pool = builder(2).injector_capacity(8).build().unwrap();
            let (ran, dropped) = (Count::shared(), Count::shared());
            let (accepted, refused) = (Count::default(), Count::default());
            let spawned = Count::default();
            thread::scope(|threads| {
                for verb in 0..4 {
                    let (pool, ran, dropped) = (&pool, &ran, &dropped);
                    let (accepted, refused, spawned) = (&accepted, &refused, &spawned);
                    threads.spawn(move || {
                        for _ in 0..100 {
                            let (ran, token) = (ran.clone(), Token(dropped.clone()));
                            let task = move || {
                                let _token = token;
                                ran.add();
                            };
                            spawned.add();
                            let handle = match verb {
                                0 => pool.try_spawn(task),
                                1 => pool.spawn_timeout(task, Duration::from_millis(1)),
                                2 => block_on(pool.spawn_async(task)),
                                _ => Ok(pool.spawn(task)),
                            };
                            match handle.map(|handle| handle.join()) {
                                Ok(Ok(())) => accepted.add(),
                                Ok(Err(error)) => assert!(error.is_cancelled() && verb == 3),
                                Err(_) => refused.add(),
                            }
                        }
                    });
                }
                until(|| spawned.get() > turn * 4);
                pool.close();
            });
            pool.shutdown();
            assert_eq!((ran.get(), dropped.get()), (accepted.get(), 400));
            assert!(accepted.get() + refused.get() <= 400);
        }
    });
}

#[test]
fn a_closed_pool_says_cancelled_or_closed() {
    within_a_minute(|| {
        let pool = pool(1);
        pool.close();
        pool.close();
        let dropped = Count::shared();
        let token = Token(dropped.clone());
        let handle = pool.spawn(move || token);
        assert!(handle.is_finished());
        assert!(!handle.cancel());
        assert!(handle.join().unwrap_err().is_cancelled());
        assert_eq!(dropped.get(), 1);
        assert!(pool.try_spawn(|| ()).unwrap_err().is_closed());
        assert!(pool.spawn_timeout(|| (), Duration::MAX).unwrap_err().is_closed());
        let refused = block_on(pool.spawn_async(|| "back")).unwrap_err();
        assert_eq!((refused.is_closed(), refused.into_inner()()), (true, "back"));
    });
}

#[test]
fn try_spawn_hands_back_the_very_closure_of_a_closed_pool() {
    within_a_minute(|| {
        let pool = pool(1);
        pool.close();
        let dropped = Count::shared();
        let token = Token(dropped.clone());
        let refused = pool.try_spawn(move || token).unwrap_err();
        assert!(refused.is_closed() && !refused.is_full());
        assert!(format!("{refused:?}").contains("Closed"));
        let TrySpawnError::Closed(closure) = refused else { panic!("closed, but not so called") };
        assert_eq!(dropped.get(), 0);
        drop(closure());
        assert_eq!(dropped.get(), 1);
    });
}

#[test]
fn a_closed_pool_takes_nothing_from_inside_either() {
    within_a_minute(|| {
        for guests in [0, 1] {
            let pool = builder(1).max_guests(guests).build().unwrap();
            let ran = Count::shared();
            let task = || {
                let ran = ran.clone();
                move || ran.add()
            };
            let class = pool.bulkhead("class").limit(1).build().unwrap();
            pool.close();
            pool.install(|| {
                assert!(heist::spawn(task()).join().unwrap_err().is_cancelled());
                assert!(pool.try_spawn(task()).unwrap_err().is_closed());
                assert!(pool.spawn_timeout(task(), Duration::MAX).unwrap_err().is_closed());
                assert!(block_on(pool.spawn_async(task())).unwrap_err().is_closed());
                assert!(pool.try_spawn_keyed("key", task()).unwrap_err().is_closed());
                assert!(pool.try_spawn_future(async {}).unwrap_err().is_closed());
                assert!(class.try_spawn(task()).unwrap_err().is_closed());
            });
            assert_eq!(pool.metrics().tasks_spawned(), 0);
            pool.shutdown();
            assert_eq!(ran.get(), 0);
        }
    });
}
