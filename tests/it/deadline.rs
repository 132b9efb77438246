//! `TaskBuilder::deadline`: what has not started by then never runs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use heist::{CancellationToken, Priority, TaskState};

use crate::support::{
    Count, Gate, Log, NORMAL, Scribe, Token, alone, assert_whole, builder, hold, peak_memory, poll,
    pool, threads_named, until, within_a_minute,
};

const SOON: Duration = Duration::from_millis(5);
const NEVER: Duration = Duration::from_secs(3600);

#[test]
fn a_task_that_waits_too_long_is_told_then_and_never_runs() {
    within_a_minute(|| {
        let pool = pool(2);
        let held = hold(&pool);
        let (ran, dropped) = (Count::shared(), Count::shared());
        let deadline = Instant::now() + SOON;
        let handles: Vec<_> = [Priority::High, Priority::Normal, Priority::Low]
            .into_iter()
            .map(|priority| {
                let (task, captured) = (ran.clone(), Token(dropped.clone()));
                pool.task().priority(priority).name("late").deadline(deadline).spawn(move || {
                    let _captured = captured;
                    task.add();
                })
            })
            .collect();
        for handle in handles {
            // Every worker is busy: the clock tells.
            let error = handle.join().unwrap_err();
            assert!(Instant::now() >= deadline);
            assert!(error.is_deadline() && !error.is_cancelled() && !error.is_timeout());
            assert!(!error.is_panic());
            assert_eq!(error.to_string(), "task `late` had not started by its deadline");
        }
        let metrics = pool.metrics();
        assert_eq!((metrics.tasks_cancelled(), metrics.tasks_timed_out()), (3, 0));
        held.release();
        assert_whole(&pool);
        pool.shutdown();
        assert_eq!((ran.get(), dropped.get()), (0, 3));
    });
}

#[test]
fn a_task_that_starts_in_time_runs_on() {
    within_a_minute(|| {
        let pool = pool(1);
        let gate = Gate::shared();
        let spawn = |time| {
            let (pass, deadline) = (gate.clone(), Instant::now() + time);
            let task = pool.task().deadline(deadline).spawn(move || {
                pass.pass();
                5
            });
            until(|| task.state() != TaskState::Pending);
            (task, deadline)
        };
        // On a busy machine it may start too late.
        let times = (0..10).map(|nth| Duration::from_millis(200 << nth));
        let (task, deadline) =
            times.map(spawn).find(|(task, _)| !task.is_finished()).expect("a time that is enough");
        until(|| Instant::now() >= deadline + SOON);
        assert_eq!(task.state(), TaskState::Running);
        gate.open();
        assert_eq!(task.join().unwrap(), 5);
    });
}

#[test]
fn a_deadline_that_has_passed_lets_nothing_run() {
    within_a_minute(|| {
        let pool = Arc::new(pool(1));
        let now = Instant::now();
        assert!(pool.task().deadline(now).spawn(|| ()).join().unwrap_err().is_deadline());
        let own = pool.clone();
        let inside = pool.install(move || own.task().deadline(now).spawn(|| ()).join());
        assert!(inside.unwrap_err().is_deadline());
        assert_eq!(pool.metrics().tasks_cancelled(), 2);
    });
}

#[test]
fn who_awaits_a_late_task_is_woken() {
    within_a_minute(|| {
        let pool = pool(1);
        let _held = hold(&pool);
        let log = Log::new();
        let late = pool.task().deadline(Instant::now() + SOON).spawn(|| ());
        let mut late = Box::pin(late);
        assert!(poll(late.as_mut(), &Scribe::waker(7, &log)).is_pending());
        until(|| log.read() == [7]);
        assert_eq!(late.state(), TaskState::Cancelled);
    });
}

#[test]
fn whoever_is_first_of_token_and_deadline_decides() {
    within_a_minute(|| {
        let pool = pool(1);
        let held = hold(&pool);
        let token = CancellationToken::new();
        let soon = Instant::now() + SOON;
        let late = pool.task().cancel_token(&token).deadline(soon).spawn(|| ());
        let never = pool.task().cancel_token(&token).deadline(soon + NEVER).spawn(|| ());
        until(|| late.is_finished());
        token.cancel();
        assert!(late.join().unwrap_err().is_deadline());
        assert!(never.join().unwrap_err().is_cancelled());
        held.release();
    });
}

#[test]
fn a_spawn_that_waits_for_room_waits_no_longer_than_the_deadline() {
    within_a_minute(|| {
        let pool = builder(1).injector_capacity(1).build().unwrap();
        let held = hold(&pool);
        let waits = pool.spawn(|| ());
        let late = pool.task().name("late").deadline(Instant::now() + SOON).spawn(|| ());
        assert!(late.is_finished(), "it never came in");
        assert_eq!(late.name(), Some("late"));
        assert!(late.join().unwrap_err().is_deadline());
        let soon = Instant::now() + SOON;
        let refused = pool.task().deadline(soon).spawn_timeout(|| 7, NEVER).unwrap_err();
        assert!(refused.is_full() && refused.into_inner()() == 7);
        assert_eq!(pool.metrics().lanes[NORMAL].rejected, 2);
        held.release();
        waits.join().unwrap();
    });
}

#[test]
fn tasks_that_end_early_leave_no_clock_behind() {
    within_a_minute(|| {
        let pool = pool(2);
        let captured = Count::shared();
        for round in 0..20_000 {
            let token = Token(captured.clone());
            let task = pool.task().deadline(Instant::now() + NEVER).timeout(NEVER);
            let handle = task.spawn(move || drop(token));
            if round % 2 == 0 {
                drop(handle);
            } else {
                handle.join().unwrap();
            }
        }
        until(|| captured.get() == 20_000);
        pool.shutdown();
    });
}

#[test]
fn one_late_task_after_another_is_told() {
    within_a_minute(|| {
        let pool = pool(1);
        let held = hold(&pool);
        for _ in 0..200 {
            // With no other clock: the thread sleeps until somebody rings.
            let late = pool.task().deadline(Instant::now()).spawn(|| unreachable!("it is late"));
            assert!(late.join().unwrap_err().is_deadline());
            let soon = Instant::now() + Duration::from_micros(200);
            let late = pool.task().deadline(soon).spawn(|| unreachable!("its worker is held"));
            assert!(late.join().unwrap_err().is_deadline());
        }
        held.release();
    });
}

#[test]
fn clocks_of_tasks_that_are_done_are_gone() {
    alone("deadline::clocks_of_tasks_that_are_done_are_gone", || {
        let pool = pool(1);
        let churn = |rounds: usize| {
            for _ in 0..rounds {
                let task = pool.task().deadline(Instant::now() + NEVER).timeout(NEVER);
                task.spawn(|| ()).join().unwrap();
            }
        };
        churn(1000);
        let before = peak_memory();
        churn(50_000);
        let grown = peak_memory() - before;
        assert!(grown < 4 << 20, "{grown} bytes more");
    });
}

#[test]
fn a_pool_without_clocks_has_no_thread_for_them_and_shutdown_joins_the_one_it_has() {
    alone(
        "deadline::a_pool_without_clocks_has_no_thread_for_them_and_shutdown_joins_the_one_it_has",
        || {
            let pool = pool(1);
            let token = CancellationToken::new();
            pool.task().name("plain").cancel_token(&token).spawn(|| ()).join().unwrap();
            assert_eq!(threads_named("heist-timer"), 0);
            let far = Instant::now() + NEVER;
            (0..100).for_each(|_| pool.task().deadline(far).spawn(|| ()).join().unwrap());
            // A thread takes its name when it begins to run.
            until(|| threads_named("heist-timer") == 1);
            pool.shutdown();
            until(|| threads_named("heist") == 0);
        },
    );
}

#[test]
fn a_waker_on_the_timers_thread_may_end_the_pool() {
    within_a_minute(|| {
        let pool = Arc::new(pool(1));
        let (open, started) = (Gate::shared(), Gate::shared());
        let (pass, start) = (open.clone(), started.clone());
        drop(pool.spawn(move || {
            start.open();
            pass.pass();
        }));
        started.pass();
        let late = pool.task().deadline(Instant::now() + SOON);
        struct Ends(std::sync::Mutex<Option<Arc<heist::ThreadPool>>>, Arc<Gate>);
        impl std::task::Wake for Ends {
            fn wake(self: Arc<Self>) {
                // It does not wait for the pool: what still runs there may need a clock.
                drop(self.0.lock().unwrap().take());
                self.1.open();
            }
        }
        let mut late = Box::pin(late.spawn(|| ()));
        let ended = Gate::shared();
        let waker = Arc::new(Ends(std::sync::Mutex::new(Some(pool)), ended.clone())).into();
        if poll(late.as_mut(), &waker).is_pending() {
            ended.pass();
        }
        open.open();
    });
}

#[test]
fn shutdown_waits_for_no_deadline() {
    within_a_minute(|| {
        let pool = pool(1);
        let held = hold(&pool);
        let far = pool.task().deadline(Instant::now() + NEVER).timeout(NEVER).spawn(|| 5);
        held.release();
        pool.shutdown();
        assert_eq!(far.join().unwrap(), 5);
        let pool = crate::support::pool(1);
        let held = hold(&pool);
        let far = pool.task().deadline(Instant::now() + NEVER).spawn(|| 5);
        let ending = std::thread::spawn(move || pool.shutdown_now());
        until(|| far.is_finished());
        held.release();
        assert_eq!(ending.join().unwrap(), 1);
        assert!(far.join().unwrap_err().is_cancelled());
    });
}
