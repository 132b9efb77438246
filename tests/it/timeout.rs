//! `TaskBuilder::timeout`: a running task is told that its time is over.

use std::pin::Pin;
use std::sync::{Arc, mpsc};
use std::task::{Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use heist::{CancellationToken, JoinHandle, TaskState, ThreadPool};

use crate::support::{
    Count, Gate, Log, Scribe, Token, assert_whole, builder, hold, poll, pool, text, until,
    within_a_minute,
};

const SOON: Duration = Duration::from_millis(5);
const NEVER: Duration = Duration::from_secs(3600);

/// A task that runs until its time is over, and its token.
fn slow(pool: &ThreadPool) -> (JoinHandle<()>, CancellationToken) {
    let (say, said) = mpsc::channel();
    let task = pool.task().timeout(SOON).spawn(move || {
        say.send(heist::current_task().unwrap().token().cloned().unwrap()).unwrap();
        while !heist::is_cancelled() {
            std::hint::spin_loop();
        }
    });
    (task, said.recv().unwrap())
}

#[test]
fn a_task_that_runs_too_long_is_told_and_runs_on_to_its_end() {
    within_a_minute(|| {
        let pool = pool(1);
        let (gate, dropped) = (Gate::shared(), Count::shared());
        let (pass, result) = (gate.clone(), Token(dropped.clone()));
        let (say, said) = mpsc::channel();
        let task = pool.task().name("slow").timeout(SOON).spawn(move || {
            while !heist::is_cancelled() {
                std::hint::spin_loop();
            }
            say.send(heist::current_task().unwrap().token().unwrap().is_cancelled()).unwrap();
            pass.pass();
            result
        });
        until(|| task.is_finished());
        assert_eq!(task.state(), TaskState::TimedOut);
        let error = task.join().unwrap_err();
        assert!(error.is_timeout() && !error.is_cancelled() && !error.is_deadline());
        assert_eq!(error.to_string(), "task `slow` still ran when its time was over");
        assert!(said.recv().unwrap(), "its token is cancelled");
        let metrics = pool.metrics();
        assert_eq!((metrics.tasks_timed_out(), metrics.tasks_completed()), (1, 0));
        assert!(metrics.to_string().contains("1 timed out"));
        assert_eq!(metrics.since(&metrics).tasks_timed_out(), 0);
        assert_eq!(dropped.get(), 0, "it still runs");
        gate.open();
        // The late result is dropped where it came.
        until(|| dropped.get() == 1);
        assert_whole(&pool);
        assert_eq!(pool.metrics().tasks_cancelled(), 0);
        pool.shutdown();
    });
}

#[test]
fn a_task_that_ends_in_time_has_its_result() {
    within_a_minute(|| {
        let pool = pool(2);
        for round in 0..1000 {
            assert_eq!(pool.task().timeout(NEVER).spawn(move || round).join().unwrap(), round);
        }
        let task = pool.task().timeout(Duration::MAX).spawn(heist::is_cancelled);
        assert!(!task.join().unwrap());
        assert_eq!(pool.metrics().tasks_timed_out(), 0);
    });
}

#[test]
fn the_clock_starts_when_the_task_does() {
    within_a_minute(|| {
        let pool = pool(1);
        let held = hold(&pool);
        let task = pool.task().timeout(Duration::from_secs(30)).spawn(|| 5);
        let start = Instant::now();
        until(|| start.elapsed() > SOON);
        assert_eq!(task.state(), TaskState::Pending);
        held.release();
        assert_eq!(task.join().unwrap(), 5);
        let held = hold(&pool);
        let zero = pool.task().timeout(Duration::ZERO).spawn(|| ());
        let start = Instant::now();
        until(|| start.elapsed() > SOON);
        assert_eq!(zero.state(), TaskState::Pending, "no time has run");
        held.release();
        drop(zero.join());
    });
}

#[test]
fn a_time_out_cancels_the_tasks_own_token_and_not_the_given_one() {
    within_a_minute(|| {
        let pool = pool(1);
        let given = CancellationToken::new();
        let until_cancelled = || {
            while !heist::is_cancelled() {
                std::hint::spin_loop();
            }
            heist::current_task().unwrap().token().cloned().unwrap()
        };
        let (say, said) = mpsc::channel();
        let task = pool.task().cancel_token(&given).timeout(SOON);
        let task = task.spawn(move || say.send(until_cancelled()).unwrap());
        assert!(task.join().unwrap_err().is_timeout());
        assert!(said.recv().unwrap().is_cancelled() && !given.is_cancelled());
        // The given one reaches it, too.
        let (started, start) = (Gate::shared(), Gate::shared());
        let (open, pass) = (started.clone(), start.clone());
        let task = pool.task().cancel_token(&given).timeout(NEVER).spawn(move || {
            open.open();
            pass.pass();
            until_cancelled().is_cancelled()
        });
        started.pass();
        given.cancel();
        start.open();
        assert!(task.join().unwrap());
        let task = pool.task().cancel_token(&given).timeout(NEVER).spawn(|| ());
        assert!(task.join().unwrap_err().is_cancelled());
    });
}

#[test]
fn a_late_panic_goes_where_that_of_a_task_without_a_handle_goes() {
    within_a_minute(|| {
        let heard = Log::new();
        let handler = heard.clone();
        let pool = builder(1).panic_handler(move |panic| handler.write(text(&*panic))).build();
        let pool = pool.unwrap();
        let gate = Gate::shared();
        let pass = gate.clone();
        let task = pool.task().timeout(SOON).spawn(move || {
            pass.pass();
            panic!("late");
        });
        let late: Result<(), _> = task.join();
        assert!(late.unwrap_err().is_timeout());
        gate.open();
        until(|| heard.read() == ["late"]);
        let metrics = pool.metrics();
        assert_eq!((metrics.tasks_panicked(), metrics.tasks_timed_out()), (1, 1));
        // In time it goes to the handle.
        let task = pool.task().timeout(NEVER).spawn(|| panic!("in time"));
        let in_time: Result<(), _> = task.join();
        assert!(in_time.unwrap_err().is_panic());
        assert_eq!(heard.read(), ["late"]);
    });
}

#[test]
fn who_awaits_a_slow_task_is_woken_before_it_ends() {
    within_a_minute(|| {
        let pool = pool(1);
        let gate = Gate::shared();
        let pass = gate.clone();
        let log = Log::new();
        let mut task = Box::pin(pool.task().timeout(SOON).spawn(move || pass.pass()));
        if poll(task.as_mut(), &Scribe::waker(3, &log)).is_pending() {
            until(|| log.read() == [3]);
        }
        assert_eq!(task.state(), TaskState::TimedOut);
        drop(task);
        gate.open();
        pool.shutdown();
    });
}

#[test]
fn a_time_out_is_told_before_those_hear_who_listen_to_the_token() {
    /// Asks the token when it is woken, and says so.
    struct Ask(CancellationToken, Log<(&'static str, bool)>, &'static str);
    impl Wake for Ask {
        fn wake(self: Arc<Self>) {
            self.1.write((self.2, self.0.is_cancelled()));
        }
    }
    within_a_minute(|| {
        let pool = pool(1);
        // Until both wait before the time is over.
        loop {
            let (mut task, token) = slow(&pool);
            let log = Log::new();
            let ask = |who| Waker::from(Arc::new(Ask(token.clone(), log.clone(), who)));
            let mut listens = Box::pin(token.cancelled());
            if poll(listens.as_mut(), &ask("listener")).is_pending()
                && poll(Pin::new(&mut task), &ask("handle")).is_pending()
            {
                until(|| log.read().len() == 2);
                assert_eq!(log.read(), [("handle", true), ("listener", true)]);
                break;
            }
        }
    });
}

#[test]
fn what_a_time_out_cancels_may_wait_for_the_late_task() {
    /// Joins when it is dropped, and says whether a clock dropped it.
    struct Join(Option<JoinHandle<()>>, mpsc::Sender<bool>);
    impl Drop for Join {
        fn drop(&mut self) {
            assert!(self.0.take().unwrap().join().unwrap_err().is_timeout());
            self.1.send(thread::current().name() == Some("heist-timer")).unwrap();
        }
    }
    within_a_minute(|| {
        let pool = pool(1);
        let (say, joined) = mpsc::channel();
        // Until it is queued before the time is over.
        loop {
            let (late, token) = slow(&pool);
            let captured = Join(Some(late), say.clone());
            let queued = pool.task().cancel_token(&token).spawn(move || drop(captured));
            assert!(queued.join().unwrap_err().is_cancelled());
            if joined.recv().unwrap() {
                break;
            }
        }
        // The clocks go on.
        assert!(slow(&pool).0.join().unwrap_err().is_timeout());
        pool.shutdown();
    });
}

#[test]
fn a_detached_task_is_told_too() {
    within_a_minute(|| {
        let pool = pool(1);
        let (say, said) = mpsc::channel();
        drop(pool.task().timeout(SOON).spawn(move || {
            while !heist::is_cancelled() {
                std::hint::spin_loop();
            }
            say.send(()).unwrap();
        }));
        said.recv().unwrap();
        assert_eq!(pool.metrics().tasks_timed_out(), 1);
    });
}

#[test]
fn a_task_that_its_joiner_runs_is_timed_out() {
    within_a_minute(|| {
        let pool = Arc::new(pool(1));
        let own = pool.clone();
        let told = pool.install(move || {
            let task = own.task().timeout(SOON).spawn(|| {
                while !heist::is_cancelled() {
                    std::hint::spin_loop();
                }
            });
            task.join().unwrap_err().is_timeout()
        });
        assert!(told);
        assert_eq!(pool.metrics().tasks_completed(), 1);
    });
}

#[test]
fn a_task_that_races_with_its_clock_has_one_end() {
    within_a_minute(|| {
        let pool = pool(2);
        let dropped = Count::shared();
        let mut timed_out = 0;
        for turn in 0..3000_u32 {
            let result = Token(dropped.clone());
            let timeout = Duration::from_micros(u64::from(turn % 60));
            let handle = pool.task().timeout(timeout).spawn(move || {
                (0..turn % 500).for_each(|_| std::hint::spin_loop());
                result
            });
            match handle.join() {
                Ok(_result) => (),
                Err(error) => {
                    assert!(error.is_timeout());
                    timed_out += 1;
                }
            }
        }
        let metrics = pool.metrics();
        assert_eq!(metrics.tasks_timed_out(), timed_out);
        pool.shutdown();
        assert_eq!(dropped.get(), 3000);
    });
}
