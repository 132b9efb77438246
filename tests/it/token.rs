//! `CancellationToken`: alone, in a tree, and given to tasks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use heist::{CancellationToken, TaskState};

use crate::support::{
    Count, Gate, Log, Meeting, Scribe, Token, assert_whole, block_on, hold, poll, pool, text,
    until, within_a_minute,
};

#[test]
fn a_token_cancels_what_descends_from_it_and_nothing_else() {
    let root = CancellationToken::new();
    let (left, right) = (root.child_token(), root.child_token());
    let below = left.child_token();
    let same = left.clone();
    same.cancel();
    assert!(left.is_cancelled() && below.is_cancelled());
    assert!(!root.is_cancelled() && !right.is_cancelled());
    assert!(left.child_token().is_cancelled(), "born cancelled");
    root.cancel();
    root.cancel();
    assert!(root.is_cancelled() && right.is_cancelled());
}

#[test]
fn dropping_a_token_cancels_nothing_and_breaks_no_line() {
    let root = CancellationToken::new();
    let below = {
        let between = root.child_token();
        between.child_token()
    };
    assert!(!root.is_cancelled() && !below.is_cancelled());
    root.cancel();
    assert!(below.is_cancelled());
    let root = CancellationToken::default();
    let child = root.child_token();
    drop(root);
    assert!(!child.is_cancelled());
}

#[test]
fn a_deep_line_and_a_wide_tree_are_cancelled_and_dropped() {
    const MANY: usize = 100_000;
    within_a_minute(|| {
        for cancelled in [true, false] {
            let root = CancellationToken::new();
            let deepest = (0..MANY).fold(root.clone(), |token, _| token.child_token());
            let wide: Vec<_> = (0..MANY).map(|_| root.child_token()).collect();
            if cancelled {
                root.cancel();
                assert!(deepest.is_cancelled() && wide.iter().all(|token| token.is_cancelled()));
            }
            drop(root);
            // The last of its line: all of it goes now.
            drop(deepest);
            drop(wide);
        }
    });
}

#[test]
fn children_that_are_gone_leave_nothing_behind() {
    crate::support::alone("token::children_that_are_gone_leave_nothing_behind", || {
        let root = CancellationToken::new();
        let churn = |rounds: usize| (0..rounds).for_each(|_| drop(root.child_token()));
        churn(1000);
        let before = crate::support::peak_memory();
        churn(1_000_000);
        let grown = crate::support::peak_memory() - before;
        assert!(grown < 4 << 20, "{grown} bytes more");
    });
}

#[test]
fn a_token_keeps_nothing_of_tasks_that_are_done() {
    crate::support::alone("token::a_token_keeps_nothing_of_tasks_that_are_done", || {
        let (pool, token) = (pool(1), CancellationToken::new());
        let churn = |rounds: usize| {
            for _ in 0..rounds {
                pool.task().cancel_token(&token).spawn(|| ()).join().unwrap();
            }
        };
        churn(1000);
        let before = crate::support::peak_memory();
        churn(50_000);
        let grown = crate::support::peak_memory() - before;
        assert!(grown < 4 << 20, "{grown} bytes more");
    });
}

#[test]
fn two_who_cancel_at_once_both_find_all_of_it_cancelled() {
    within_a_minute(|| {
        for _ in 0..500 {
            let root = CancellationToken::new();
            let leaves: Vec<_> = (0..20).map(|_| root.child_token().child_token()).collect();
            let start = Meeting::of(2);
            thread::scope(|threads| {
                for _ in 0..2 {
                    threads.spawn(|| {
                        start.wait();
                        root.cancel();
                        assert!(leaves.iter().all(|leaf| leaf.is_cancelled()));
                    });
                }
            });
        }
    });
}

#[test]
fn who_awaits_a_token_is_woken_when_it_is_cancelled() {
    within_a_minute(|| {
        let token = CancellationToken::new();
        let log = Log::new();
        let mut waits = Box::pin(token.child_token().cancelled());
        assert!(poll(waits.as_mut(), &Scribe::waker(1, &log)).is_pending());
        assert!(poll(waits.as_mut(), &Scribe::waker(2, &log)).is_pending());
        let mut gone = Box::pin(token.cancelled());
        assert!(poll(gone.as_mut(), &Scribe::waker(3, &log)).is_pending());
        drop(gone);
        token.cancel();
        assert_eq!(log.read(), [2], "the last waker, and nobody who has gone");
        assert_eq!(poll(waits.as_mut(), Waker::noop()), Poll::Ready(()));
        block_on(token.cancelled());
    });
}

#[test]
fn waiting_tasks_of_a_token_are_done_when_cancel_returns() {
    within_a_minute(|| {
        let pool = pool(2);
        let (ran, dropped) = (Count::shared(), Count::shared());
        let held = hold(&pool);
        let token = CancellationToken::new();
        let child = token.child_token();
        let spawn = |token| {
            let (task, captured) = (ran.clone(), Token(dropped.clone()));
            pool.task().cancel_token(token).spawn(move || {
                let _captured = captured;
                task.add();
            })
        };
        let handles: Vec<_> = [&token, &child, &token].into_iter().map(spawn).collect();
        let stranger = CancellationToken::new();
        let other = spawn(&stranger);
        token.cancel();
        assert_eq!(dropped.get(), 3, "dropped there and then");
        for handle in handles {
            assert_eq!(handle.state(), TaskState::Cancelled);
            let error = handle.join().unwrap_err();
            assert!(error.is_cancelled() && !error.is_deadline() && !error.is_timeout());
        }
        // One more, on a token that is cancelled already.
        assert!(spawn(&token).join().unwrap_err().is_cancelled());
        assert_eq!(pool.metrics().tasks_cancelled(), 4);
        held.release();
        other.join().unwrap();
        assert_whole(&pool);
        pool.shutdown();
        assert_eq!((ran.get(), dropped.get()), (1, 5));
    });
}

#[test]
fn who_cancels_what_is_being_cancelled_does_not_wait() {
    struct MeetTwice(Arc<Meeting>);
    impl Drop for MeetTwice {
        fn drop(&mut self) {
            self.0.wait();
            self.0.wait();
        }
    }
    within_a_minute(|| {
        let pool = pool(1);
        let held = hold(&pool);
        let root = CancellationToken::new();
        let (token, meeting) = (root.child_token(), Arc::new(Meeting::of(2)));
        let captured = MeetTwice(meeting.clone());
        let task = pool.task().cancel_token(&token).spawn(move || drop(captured));
        thread::scope(|threads| {
            threads.spawn(|| token.cancel());
            meeting.wait();
            // The first is still at what it cancels.
            token.cancel();
            root.cancel();
            assert!(root.is_cancelled() && token.is_cancelled());
            meeting.wait();
        });
        assert!(task.join().unwrap_err().is_cancelled());
        held.release();
    });
}

#[test]
fn a_task_in_a_deque_is_cancelled_by_its_token() {
    within_a_minute(|| {
        let pool = pool(1);
        let ran = Count::shared();
        let task = ran.clone();
        let token = CancellationToken::new();
        let inside = token.clone();
        let outcome = pool.spawn(move || {
            let pool = heist::current_task().map(|_| ());
            assert!(pool.is_some());
            let waits = heist::spawn(|| ());
            drop(waits);
            inside.cancel();
            task.add();
        });
        outcome.join().unwrap();
        let inside = token.clone();
        let pool = Arc::new(pool);
        let own = pool.clone();
        let late = pool.install(move || own.task().cancel_token(&inside).spawn(|| unreachable!()));
        assert!(late.join().unwrap_err().is_cancelled());
        assert_eq!(ran.get(), 1);
    });
}

#[test]
fn a_running_task_sees_its_token_and_its_handle() {
    within_a_minute(|| {
        let pool = pool(1);
        let run = |cancel: &dyn Fn(&heist::JoinHandle<bool>), token: &CancellationToken| {
            let (started, gate) = (Gate::shared(), Gate::shared());
            let (start, pass) = (started.clone(), gate.clone());
            let task = pool.task().cancel_token(token).spawn(move || {
                assert!(!heist::is_cancelled());
                start.open();
                pass.pass();
                heist::is_cancelled()
            });
            started.pass();
            assert_eq!(task.state(), TaskState::Running);
            cancel(&task);
            gate.open();
            task.join().unwrap()
        };
        let token = CancellationToken::new();
        assert!(!run(&|_| (), &token));
        assert!(run(&|task| assert!(!task.cancel()), &token));
        assert!(!token.is_cancelled(), "the handle cancels its task alone");
        assert!(run(&|_| token.cancel(), &token));
        assert!(!heist::is_cancelled(), "no task runs here");
    });
}

#[test]
fn what_runs_on_top_of_a_waiting_task_is_asked_for_by_itself() {
    within_a_minute(|| {
        let pool = Arc::new(pool(1));
        let own = pool.clone();
        let (started, gate) = (Gate::shared(), Gate::shared());
        let (start, pass) = (started.clone(), gate.clone());
        let task = pool.spawn(move || {
            start.open();
            pass.pass();
            assert!(heist::is_cancelled());
            // This thread has no other to run it: on top, while it waits or yields.
            let child = own.task().name("child").spawn(|| {
                let name = heist::current_task().unwrap().name().map(String::from);
                (heist::is_cancelled(), name)
            });
            assert_eq!(child.join().unwrap(), (false, Some("child".to_owned())));
            drop(own.spawn(|| assert!(!heist::is_cancelled())));
            while heist::yield_now() == Some(heist::Yield::Executed) {}
            let (here, there) = heist::join(heist::is_cancelled, heist::is_cancelled);
            (here, there, heist::is_cancelled())
        });
        started.pass();
        assert!(!task.cancel());
        gate.open();
        assert_eq!(task.join().unwrap(), (true, true, true));
        assert_eq!(pool.metrics().tasks_panicked(), 0);
    });
}

#[test]
fn a_job_of_a_scope_that_a_waiting_task_runs_is_not_that_task() {
    within_a_minute(|| {
        let pool = Arc::new(pool(1));
        let own = pool.clone();
        let seen = Arc::new(AtomicBool::new(true));
        let inside = seen.clone();
        let (started, gate) = (Gate::shared(), Gate::shared());
        let (start, pass) = (started.clone(), gate.clone());
        let task = pool.task().name("waits").spawn(move || {
            start.open();
            pass.pass();
            own.broadcast(|_| inside.store(heist::is_cancelled(), Ordering::Relaxed));
        });
        started.pass();
        task.cancel();
        gate.open();
        task.join().unwrap();
        assert!(!seen.load(Ordering::Relaxed), "a broadcast is no part of the task");
    });
}

#[test]
fn a_hundred_thousand_cancelled_tasks_are_cleared() {
    within_a_minute(|| {
        const MANY: usize = 100_000;
        let pool = crate::support::builder(1).injector_capacity(MANY + 1).build().unwrap();
        let held = hold(&pool);
        let token = CancellationToken::new();
        let spawn = |_| pool.task().cancel_token(&token).try_spawn(|| unreachable!()).unwrap();
        let handles: Vec<_> = (0..MANY).map(spawn).collect();
        token.cancel();
        assert!(handles.iter().all(|handle| handle.is_finished()));
        assert_eq!(pool.metrics().tasks_cancelled(), MANY as u64);
        held.release();
        until(|| pool.metrics().lanes[crate::support::NORMAL].depth == 0);
        assert_whole(&pool);
        drop(handles);
    });
}

#[test]
fn destructors_of_cancelled_tasks_may_panic_and_call_into_the_pool() {
    struct Loud(Arc<heist::ThreadPool>, CancellationToken);
    impl Drop for Loud {
        fn drop(&mut self) {
            assert!(self.1.is_cancelled());
            drop(self.1.child_token());
            self.1.cancel();
            drop(self.0.task().cancel_token(&self.1).try_spawn(|| unreachable!()));
            panic!("dropped loudly");
        }
    }
    within_a_minute(|| {
        let pool = Arc::new(pool(1));
        let held = hold(&pool);
        let token = CancellationToken::new();
        let handles: Vec<_> = (0..3)
            .map(|_| {
                let loud = Loud(pool.clone(), token.clone());
                pool.task().cancel_token(&token).spawn(move || drop(loud))
            })
            .collect();
        token.cancel();
        assert!(handles.into_iter().all(|handle| handle.join().unwrap_err().is_cancelled()));
        held.release();
        assert_whole(&pool);
    });
}

#[test]
fn a_task_that_races_with_its_token_runs_or_is_cancelled() {
    within_a_minute(|| {
        for threads in [1, 2] {
            let pool = pool(threads);
            let dropped = Count::shared();
            let mut told = (0, 0);
            for turn in 0..3000 {
                let token = CancellationToken::new();
                let captured = Token(dropped.clone());
                let handle = pool.task().cancel_token(&token).spawn(move || drop(captured));
                (0..turn % 50).for_each(|_| std::hint::spin_loop());
                token.cancel();
                // It runs, or is decided: never waits any more.
                assert_ne!(handle.state(), TaskState::Pending);
                match handle.join() {
                    Ok(()) => told.0 += 1,
                    Err(error) => told.1 += usize::from(error.is_cancelled()),
                }
            }
            let metrics = pool.metrics();
            assert_eq!(told.0 + told.1, 3000);
            assert_eq!(metrics.tasks_cancelled(), told.1 as u64);
            pool.shutdown();
            assert_eq!(dropped.get(), 3000);
        }
    });
}

#[test]
fn the_error_of_a_cancelled_task_names_it() {
    within_a_minute(|| {
        let pool = pool(1);
        let token = CancellationToken::new();
        token.cancel();
        let task = pool.task().name("parse").cancel_token(&token).spawn(|| ());
        let error = task.join_timeout(Duration::from_secs(60)).unwrap().unwrap_err();
        assert_eq!(error.to_string(), "task `parse` was cancelled");
        let payload = crate::support::payload(|| error.into_panic());
        assert_eq!(text(&*payload), "into_panic on a task that was cancelled");
    });
}
