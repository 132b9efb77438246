//! A task's options hold whatever queue it waits in: a key's, or a future's own.

use std::future::pending;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use heist::{CancellationToken, TaskState};

use crate::support::{Count, NORMAL, Token, assert_whole, hold, pool, within_a_minute};

#[test]
fn a_token_reaches_a_keyed_task_that_waits_for_its_turn() {
    within_a_minute(|| {
        let pool = pool(1);
        let held = hold(&pool);
        let (token, drops) = (CancellationToken::new(), Count::shared());
        let kept = Token(drops.clone());
        let task = pool.task().name("late").cancel_token(&token);
        let task = task.spawn_keyed(1, move || drop(kept));
        let next = pool.spawn_keyed(1, || 2);
        token.cancel();
        assert_eq!((task.state(), drops.get()), (TaskState::Cancelled, 1));
        let error = task.join().unwrap_err();
        assert!(error.is_cancelled() && error.to_string().contains("late"), "{error}");
        held.release();
        assert_eq!(next.join().unwrap(), 2);
        assert_whole(&pool);
    });
}

#[test]
fn a_keyed_task_that_waits_too_long_is_told() {
    within_a_minute(|| {
        let pool = pool(1);
        let held = hold(&pool);
        let soon = Instant::now() + Duration::from_millis(5);
        let task = pool.task().deadline(soon).spawn_keyed(1, || unreachable!("it is too late"));
        assert!(task.join().unwrap_err().is_deadline());
        held.release();
    });
}

#[test]
fn a_keyed_task_that_runs_too_long_is_told_and_its_key_goes_on() {
    within_a_minute(|| {
        // With a worker to spare.
        let pool = pool(2);
        let (open, gate) = mpsc::channel::<()>();
        let task = pool.task().timeout(Duration::from_millis(5));
        let task = task.spawn_keyed(1, move || gate.recv().is_err());
        let next = pool.spawn_keyed(1, || 2);
        assert!(task.join().unwrap_err().is_timeout());
        // It comes by for all that could run.
        (0..8).for_each(|key| pool.spawn_keyed(10 + key, || ()).join().unwrap());
        assert!(!next.is_finished(), "the key is taken until the task ends");
        drop(open);
        assert_eq!(next.join().unwrap(), 2);
    });
}

#[test]
fn a_token_or_a_deadline_drops_a_future() {
    within_a_minute(|| {
        let pool = pool(1);
        let (token, drops) = (CancellationToken::new(), Count::shared());
        let future = |kept: Token| async move {
            pending::<()>().await;
            drop(kept);
        };
        let task = pool.task().cancel_token(&token).spawn_future(future(Token(drops.clone())));
        // Polled once, so it is at rest.
        pool.spawn(|| ()).join().unwrap();
        token.cancel();
        assert!(task.join().unwrap_err().is_cancelled());
        let soon = Instant::now() + Duration::from_millis(5);
        let task = pool.task().deadline(soon).spawn_future(future(Token(drops.clone())));
        assert!(task.join().unwrap_err().is_deadline());
        pool.shutdown();
        assert_eq!(drops.get(), 2);
    });
}

#[test]
fn a_token_cancelled_before_lets_nothing_start() {
    within_a_minute(|| {
        let pool = pool(1);
        let token = CancellationToken::new();
        token.cancel();
        let spawn = || {
            let keyed = pool.task().cancel_token(&token).spawn_keyed(1, || unreachable!());
            let future = pool.task().cancel_token(&token).spawn_future(async { unreachable!() });
            (keyed.join().unwrap_err(), future.join().unwrap_err())
        };
        for (keyed, future) in [
            spawn(),
            thread::scope(|threads| threads.spawn(spawn).join().unwrap()),
            pool.install(spawn),
        ] {
            assert!(keyed.is_cancelled() && future.is_cancelled());
        }
    });
}

#[test]
fn keyed_tasks_do_not_make_a_lane_look_old() {
    within_a_minute(|| {
        let pool = pool(1);
        let held = hold(&pool);
        let task = pool.spawn_keyed(1, || ());
        let lane = &pool.metrics().lanes[NORMAL];
        assert_eq!((lane.depth, lane.oldest_wait), (1, Duration::ZERO));
        held.release();
        task.join().unwrap();
    });
}
