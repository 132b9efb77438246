//! `JoinHandle::state` and `current_task`: what a task is, from outside and inside.

use std::sync::Arc;
use std::task::Waker;

use heist::{CancellationToken, Priority, TaskState};

use crate::support::{Gate, hold, poll, pool, until, within_a_minute};

#[test]
fn a_task_waits_runs_and_is_done() {
    within_a_minute(|| {
        let pool = pool(1);
        let held = hold(&pool);
        let (started, gate) = (Gate::shared(), Gate::shared());
        let (start, pass) = (started.clone(), gate.clone());
        let task = pool.spawn(move || {
            start.open();
            pass.pass();
        });
        assert_eq!(task.state(), TaskState::Pending);
        held.release();
        started.pass();
        assert_eq!(task.state(), TaskState::Running);
        gate.open();
        until(|| task.is_finished());
        assert_eq!(task.state(), TaskState::Completed);
        task.join().unwrap();
    });
}

#[test]
fn the_end_of_a_task_stays_what_it_is_also_when_its_result_is_gone() {
    within_a_minute(|| {
        let pool = pool(1);
        let ended = |task: heist::JoinHandle<()>, state| {
            let mut task = Box::pin(task);
            until(|| task.is_finished());
            assert_eq!(task.state(), state);
            assert!(!task.cancel());
            assert!(poll(task.as_mut(), Waker::noop()).is_ready());
            assert_eq!(task.state(), state);
        };
        ended(pool.spawn(|| ()), TaskState::Completed);
        ended(pool.spawn(|| panic!("on purpose")), TaskState::Failed);
        let held = hold(&pool);
        let cancelled = pool.spawn(|| ());
        assert!(cancelled.cancel());
        ended(cancelled, TaskState::Cancelled);
        let late = pool.task().deadline(std::time::Instant::now()).spawn(|| ());
        ended(late, TaskState::Cancelled);
        held.release();
        pool.close();
        ended(pool.spawn(|| ()), TaskState::Cancelled);
    });
}

#[test]
fn a_task_knows_its_name_its_lane_and_its_token() {
    within_a_minute(|| {
        let pool = Arc::new(pool(1));
        let token = CancellationToken::new();
        let ask = || heist::current_task().unwrap();
        let task = pool.task().name("ask").priority(Priority::Low).cancel_token(&token);
        let info = task.spawn(ask).join().unwrap();
        assert_eq!((info.name(), info.priority()), (Some("ask"), Some(Priority::Low)));
        assert!(!info.token().unwrap().is_cancelled());
        token.cancel();
        assert!(info.token().unwrap().is_cancelled(), "the same token");
        let plain = pool.spawn(ask).join().unwrap();
        assert_eq!((plain.name(), plain.priority()), (None, Some(Priority::Normal)));
        assert!(plain.token().is_none());
        let own = pool.clone();
        let inside = pool.install(move || own.task().priority(Priority::High).spawn(ask).join());
        assert_eq!(inside.unwrap().priority(), None, "it went by no lane");
        assert!(format!("{info:?}").contains("ask"));
    });
}

#[test]
fn outside_of_tasks_there_is_none() {
    within_a_minute(|| {
        let pool = pool(2);
        let none = || heist::current_task().is_none() && !heist::is_cancelled();
        assert!(none());
        assert!(pool.install(none));
        assert_eq!(pool.join(none, none), (true, true));
        assert!(pool.broadcast(|_| none()).into_iter().all(|none| none));
        // A task that waits for another pool is still the one that runs.
        let other = crate::support::pool(1);
        let task = pool.task().name("outer").spawn(move || {
            let inner = other.spawn(|| heist::current_task().unwrap().name().is_none());
            assert!(inner.join().unwrap());
            other.join(|| heist::current_task().unwrap().name().map(String::from), || ()).0
        });
        assert_eq!(task.join().unwrap().as_deref(), Some("outer"));
    });
}
