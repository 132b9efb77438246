//! Closing, shutting down, dropping: what was accepted runs or is accounted for.

use std::cell::RefCell;
use std::future::pending;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use heist::{CancellationToken, JoinHandle, Priority, ThreadPool};

use crate::support::{
    Count, Gate, Token, assert_whole, builder, hold, pool, threads_named, until, within_a_minute,
};

#[test]
fn a_hundred_thousand_waiting_tasks_run_before_shutdown_returns() {
    within_a_minute(|| {
        for threads in [1, 3] {
            let pool = builder(threads).injector_capacity(100_000).build().unwrap();
            let ran = Count::shared();
            let held = hold(&pool);
            for _ in 0..100_000 {
                let ran = ran.clone();
                drop(pool.try_spawn(move || ran.add()).expect("room"));
            }
            assert_eq!(ran.get(), 0);
            held.release();
            pool.shutdown();
            assert_eq!(ran.get(), 100_000);
        }
    });
}

#[test]
fn drop_is_shutdown() {
    within_a_minute(|| {
        let ran = Count::shared();
        let pool = pool(2);
        for _ in 0..1000 {
            let ran = ran.clone();
            drop(pool.spawn(move || ran.add()));
        }
        drop(pool);
        assert_eq!(ran.get(), 1000);
    });
}

#[test]
fn an_accepted_task_may_fork_while_the_pool_shuts_down() {
    within_a_minute(|| {
        for _ in 0..100 {
            let pool = pool(2);
            let ran = Count::shared();
            for _ in 0..20 {
                let ran = ran.clone();
                drop(pool.spawn(move || {
                    heist::scope(|s| (0..10).for_each(|_| s.spawn(|_| ran.add())));
                    heist::join(|| ran.add(), || ran.add());
                }));
            }
            pool.shutdown();
            assert_eq!(ran.get(), 240);
        }
    });
}

#[test]
fn shutdown_now_drops_what_waits_and_counts_it() {
    within_a_minute(|| {
        let pool = pool(1);
        let (ran, dropped) = (Count::shared(), Count::shared());
        let held = hold(&pool);
        let waiting: Vec<_> = [Priority::High, Priority::Normal, Priority::Low]
            .into_iter()
            .cycle()
            .take(30)
            .map(|priority| {
                let (ran, token) = (ran.clone(), Token(dropped.clone()));
                pool.task().priority(priority).spawn(move || {
                    let _token = token;
                    ran.add();
                })
            })
            .collect();
        let stopper = thread::spawn(move || pool.shutdown_now());
        // They resolve while the worker is still busy.
        for handle in waiting {
            assert!(handle.join().unwrap_err().is_cancelled());
        }
        held.release();
        assert_eq!(stopper.join().unwrap(), 30);
        assert_eq!((ran.get(), dropped.get()), (0, 30));
    });
}

#[test]
fn shutdown_now_lets_running_tasks_finish() {
    within_a_minute(|| {
        let pool = pool(1);
        let (started, gate) = (Gate::shared(), Gate::shared());
        let (start, pass) = (started.clone(), gate.clone());
        let running = pool.spawn(move || {
            start.open();
            pass.pass();
            heist::join(|| 2, || 3)
        });
        started.pass();
        let waiting = pool.spawn(|| ());
        let stopper = thread::spawn(move || pool.shutdown_now());
        assert!(waiting.join().unwrap_err().is_cancelled());
        gate.open();
        assert_eq!(running.join().unwrap(), (2, 3));
        assert_eq!(stopper.join().unwrap(), 1);
    });
}

#[test]
fn shutdown_now_counts_each_task_that_did_not_run() {
    within_a_minute(|| {
        for turn in 0..200 {
            let pool = builder(2).injector_capacity(32).build().unwrap();
            let (ran, dropped) = (Count::shared(), Count::shared());
            let mut handles = Vec::new();
            for _ in 0..turn % 32 {
                let (ran, token) = (ran.clone(), Token(dropped.clone()));
                handles.push(pool.spawn(move || {
                    let _token = token;
                    ran.add();
                    let token = Token(_token.0.clone());
                    // A child that waits in a deque is dropped or run as well.
                    heist::spawn(move || drop(token))
                }));
            }
            let counted = pool.shutdown_now();
            let (mut finished, mut cancelled, mut refused) = (0, 0, 0);
            for handle in handles {
                match handle.join() {
                    Ok(child) => {
                        finished += 1;
                        // Refused after the close, or dropped while it waited.
                        refused += usize::from(child.join().is_err());
                    }
                    Err(error) => {
                        assert!(error.is_cancelled());
                        cancelled += 1;
                    }
                }
            }
            assert_eq!(ran.get(), finished);
            assert_eq!(dropped.get(), 2 * finished + cancelled);
            assert!((cancelled..=cancelled + refused).contains(&counted));
        }
    });
}

#[test]
fn shutdown_timeout_is_ok_when_all_is_done_in_time() {
    within_a_minute(|| {
        for time in [Duration::from_secs(50), Duration::MAX] {
            let pool = pool(2);
            let ran = Count::shared();
            for _ in 0..100 {
                let ran = ran.clone();
                drop(pool.spawn(move || ran.add()));
            }
            pool.shutdown_timeout(time).unwrap();
            assert_eq!(ran.get(), 100);
        }
    });
}

#[test]
fn shutdown_timeout_says_what_is_unfinished_and_that_goes_on() {
    within_a_minute(|| {
        for time in [Duration::ZERO, Duration::from_millis(5)] {
            let pool = builder(2).thread_name(|index| format!("late-{index}")).build().unwrap();
            let ran = Count::shared();
            let held = hold(&pool);
            for _ in 0..5 {
                let ran = ran.clone();
                drop(pool.spawn(move || ran.add()));
            }
            let error = pool.shutdown_timeout(time).unwrap_err();
            assert_eq!(error.unfinished(), 7);
            assert!(error.to_string().contains('7'));
            held.release();
            until(|| ran.get() == 5);
            until(|| threads_named("late-") == 0);
        }
    });
}

#[test]
fn a_pool_dropped_on_its_own_worker_still_runs_what_it_accepted() {
    within_a_minute(|| {
        for threads in [1, 2] {
            let name = |index| format!("ownd-{index}");
            let pool = Arc::new(builder(threads).thread_name(name).build().unwrap());
            let (ran, gate) = (Count::shared(), Gate::shared());
            let (inner, pass) = (pool.clone(), gate.clone());
            let dropper = pool.spawn(move || {
                pass.pass();
                drop(Arc::into_inner(inner).expect("the last owner"));
                // The worker is still a worker.
                assert_eq!(heist::join(|| 1, || 2), (1, 2));
                "dropped"
            });
            for _ in 0..100 {
                let ran = ran.clone();
                drop(pool.spawn(move || ran.add()));
            }
            drop(pool);
            gate.open();
            assert_eq!(dropper.join().unwrap(), "dropped");
            until(|| ran.get() == 100);
            until(|| threads_named("ownd-") == 0);
        }
    });
}

#[test]
fn the_other_ways_to_end_a_pool_on_its_own_worker_end() {
    within_a_minute(|| {
        for turn in 0..3 {
            let pool = builder(2).thread_name(|index| format!("selfend-{index}")).build().unwrap();
            let own = Arc::new(Mutex::new(None));
            let mine = own.clone();
            let gate = Gate::shared();
            let pass = gate.clone();
            let task = pool.spawn(move || {
                pass.pass();
                let pool: ThreadPool = mine.lock().unwrap().take().expect("the pool");
                match turn {
                    0 => pool.shutdown(),
                    1 => {
                        let unfinished = pool.shutdown_timeout(Duration::MAX).unwrap_err();
                        assert_eq!(unfinished.unfinished(), 1, "the task itself");
                    }
                    _ => drop(pool.shutdown_now()),
                }
            });
            *own.lock().unwrap() = Some(pool);
            gate.open();
            task.join().unwrap();
            until(|| threads_named("selfend-") == 0);
        }
    });
}

#[test]
fn no_thread_is_left_when_shutdown_returns() {
    thread_local! {
        static LAST_WORDS: RefCell<Option<Token>> = const { RefCell::new(None) };
    }
    within_a_minute(|| {
        let name = |index| format!("gone-{index}");
        let pool = builder(4).thread_name(name).build().unwrap();
        let ended = Count::shared();
        pool.broadcast(|_| LAST_WORDS.set(Some(Token(ended.clone()))));
        assert_eq!(threads_named("gone-"), 4);
        pool.shutdown();
        // Joined, so that their thread locals are gone as well.
        assert_eq!(ended.get(), 4);
        until(|| threads_named("gone-") == 0);
    });
}

#[test]
fn hundreds_of_pools_come_and_go() {
    within_a_minute(|| {
        for turn in 0..400_usize {
            let name = |index| format!("fleeting-{index}");
            let pool = builder(1 + turn % 4).thread_name(name).build().unwrap();
            match turn % 5 {
                0 => {}
                1 => assert_eq!(pool.join(|| 1, || 2), (1, 2)),
                2 => drop(pool.spawn(|| ())),
                3 => assert_eq!(pool.install(|| 5), 5),
                _ => assert_eq!(pool.spawn(|| 5).join().unwrap(), 5),
            }
        }
        until(|| threads_named("fleeting-") == 0);
    });
}

#[test]
fn a_waiting_task_whose_drop_spawns_does_no_harm() {
    struct SpawnOnDrop(Arc<ThreadPool>, mpsc::Sender<bool>);
    impl Drop for SpawnOnDrop {
        fn drop(&mut self) {
            let accepted = self.0.try_spawn(|| ()).is_ok();
            self.1.send(accepted).unwrap();
        }
    }
    within_a_minute(|| {
        let pool = Arc::new(pool(1));
        let (send, receive) = mpsc::channel();
        let held = hold(&pool);
        let captured = SpawnOnDrop(pool.clone(), send.clone());
        assert!(pool.spawn(move || drop(captured)).cancel());
        let captured = SpawnOnDrop(pool.clone(), send);
        drop(pool.spawn(move || drop(captured)));
        held.release();
        assert_eq!([receive.recv().unwrap(), receive.recv().unwrap()], [true, true]);
        assert_whole(&pool);
    });
}

#[test]
fn a_task_that_owns_the_last_handle_of_its_pool_ends_it() {
    within_a_minute(|| {
        for turn in 0..100 {
            let pool = Arc::new(builder(2).thread_name(|n| format!("last-{n}")).build().unwrap());
            let inner = pool.clone();
            let task = move || drop(inner);
            // Dropped by the closure, with its result, or without having run.
            match turn % 3 {
                0 => drop(pool.spawn(task)),
                1 => drop(pool.spawn(move || task)),
                _ => drop(pool.spawn(task).cancel()),
            }
            drop(pool);
        }
        until(|| threads_named("last-") == 0);
    });
}

#[test]
fn the_last_task_may_be_cancelled_by_no_thread_of_the_pool_when_that_ends() {
    type Cancel = fn(&JoinHandle<()>, &CancellationToken);
    let soon = Duration::from_millis(20);
    let ways: [(Duration, Cancel); 3] = [
        (Duration::MAX, |task, _| assert!(task.cancel())),
        (Duration::MAX, |_, token| token.cancel()),
        (50 * soon, |_, _| ()),
    ];
    within_a_minute(move || {
        for (late, cancel) in ways {
            let pool = builder(1).thread_name(|_| "last-of-all".into()).build().unwrap();
            let (token, now) = (CancellationToken::new(), Instant::now());
            let deadline = now.checked_add(late).unwrap_or(now + Duration::from_secs(3600));
            let task = pool.task().cancel_token(&token).deadline(deadline);
            let task = task.spawn_future(pending::<()>());
            assert_eq!(pool.shutdown_timeout(soon).unwrap_err().unfinished(), 1);
            cancel(&task, &token);
            until(|| threads_named("last-of-all") == 0);
            task.join().unwrap_err();
        }
    });
}
