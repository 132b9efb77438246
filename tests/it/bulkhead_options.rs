//! `Bulkhead::task`: options of one task of a bulkhead.

use std::pin::pin;
use std::sync::mpsc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use heist::{CancellationToken, TaskState};

use crate::bulkhead::{class, occupy};
use crate::support::{Count, Token, assert_whole, block_on, poll, pool, until, within_a_minute};

#[test]
fn a_token_reaches_a_task_that_waits_in_a_bulkhead_and_frees_its_place() {
    within_a_minute(|| {
        let pool = pool(2);
        let class = class(&pool, 1, 1);
        let (gate, slow) = occupy(&class);
        let (token, drops) = (CancellationToken::new(), Count::shared());
        let kept = Token(drops.clone());
        let task = class.task().name("late").cancel_token(&token).spawn(move || drop(kept));
        assert!(class.try_spawn(|| ()).unwrap_err().is_full());
        assert_eq!((task.state(), class.metrics().queued), (TaskState::Pending, 1));
        token.cancel();
        assert_eq!((task.state(), drops.get()), (TaskState::Cancelled, 1));
        let error = task.join().unwrap_err();
        assert!(error.is_cancelled() && error.to_string().contains("late"), "{error}");
        let next = class.try_spawn(|| 2).expect("its place");
        gate.open();
        slow.join().unwrap();
        assert_eq!(next.join().unwrap(), 2);
        assert_whole(&pool);
    });
}

#[test]
fn a_task_knows_its_token_and_its_name() {
    within_a_minute(|| {
        let pool = pool(1);
        let (class, token) = (class(&pool, 1, 1), CancellationToken::new());
        let inner = token.clone();
        let task = class.task().name("asks").cancel_token(&token).spawn(move || {
            assert!(!heist::is_cancelled());
            inner.cancel();
            heist::is_cancelled()
        });
        assert_eq!(task.name(), Some("asks"));
        assert!(task.join().unwrap());
    });
}

#[test]
fn a_deadline_ends_the_wait_for_a_place_and_for_the_turn() {
    within_a_minute(|| {
        let pool = pool(2);
        for queue in [0, 1] {
            let class = class(&pool, 1, queue);
            let (gate, slow) = occupy(&class);
            let soon = Instant::now() + Duration::from_millis(5);
            let task = class.task().deadline(soon).spawn(|| unreachable!("it is too late"));
            assert!(task.join().unwrap_err().is_deadline());
            // Its handle is told before the timer's thread has dropped its closure.
            until(|| (class.metrics().queued, class.metrics().running) == (0, 1));
            gate.open();
            slow.join().unwrap();
            assert_eq!(class.spawn(|| 3).join().unwrap(), 3);
        }
    });
}

#[test]
fn a_task_that_runs_too_long_is_told_and_keeps_its_place() {
    within_a_minute(|| {
        let pool = pool(2);
        let class = class(&pool, 1, 1);
        let (open, gate) = mpsc::channel::<()>();
        let task = class.task().timeout(Duration::from_millis(5));
        let task = task.spawn(move || gate.recv().is_err());
        let next = class.spawn(|| 2);
        assert!(task.join().unwrap_err().is_timeout());
        let metrics = class.metrics();
        assert_eq!((metrics.running, metrics.queued), (1, 1), "{metrics}");
        drop(open);
        assert_eq!(next.join().unwrap(), 2);
        until(|| class.metrics().running == 0);
    });
}

#[test]
fn a_token_cancelled_before_lets_none_start_whatever_the_verb() {
    within_a_minute(|| {
        let pool = pool(1);
        let class = class(&pool, 1, 10);
        let token = CancellationToken::new();
        token.cancel();
        let spawn = || {
            let task = || class.task().cancel_token(&token);
            let tasks = [
                task().spawn(|| unreachable!()),
                task().try_spawn(|| unreachable!()).unwrap(),
                task().spawn_timeout(|| unreachable!(), Duration::ZERO).unwrap(),
                block_on(task().spawn_async(|| unreachable!())).unwrap(),
            ];
            tasks.map(|task: heist::JoinHandle<()>| task.join().unwrap_err())
        };
        for errors in [spawn(), pool.install(spawn)] {
            assert!(errors.iter().all(|error| error.is_cancelled()));
        }
        assert_eq!((class.metrics().accepted, class.metrics().completed), (8, 0));
        assert_eq!(class.spawn(|| 3).join().unwrap(), 3);
    });
}

#[test]
fn each_verb_says_so_when_there_is_no_place() {
    within_a_minute(|| {
        let pool = pool(2);
        let class = class(&pool, 1, 0);
        let (gate, slow) = occupy(&class);
        let task = || class.task().name("next");
        assert_eq!(task().try_spawn(|| 5).unwrap_err().into_inner()(), 5);
        let timed = task().spawn_timeout(|| 6, Duration::from_millis(1));
        assert_eq!(timed.unwrap_err().into_inner()(), 6);
        let mut waiting = pin!(task().spawn_async(|| 7));
        assert!(poll(waiting.as_mut(), Waker::noop()).is_pending());
        assert_eq!(class.metrics().rejected, 2);
        gate.open();
        slow.join().unwrap();
        let Ok(next) = block_on(waiting) else { panic!("it was refused") };
        assert_eq!(next.name(), Some("next"));
        assert_eq!(next.join().unwrap(), 7);
        pool.close();
        assert!(task().spawn(|| ()).join().unwrap_err().is_cancelled());
        assert!(task().try_spawn(|| ()).unwrap_err().is_closed());
        assert!(task().spawn_timeout(|| (), Duration::MAX).unwrap_err().is_closed());
        let refused = poll(pin!(task().spawn_async(|| ())), Waker::noop());
        assert!(matches!(refused, Poll::Ready(Err(refused)) if refused.is_closed()));
    });
}
