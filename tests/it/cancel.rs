//! `JoinHandle::cancel`: a task that has not started never will.

use std::sync::{Arc, OnceLock, mpsc};
use std::task::Waker;
use std::thread;
use std::time::Duration;

use heist::Priority;

use crate::support::{
    Count, Gate, Log, Meeting, NORMAL, Scribe, Token, assert_whole, builder, hold, poll, pool,
    until, within_a_minute,
};

#[test]
fn a_waiting_task_that_is_cancelled_never_runs() {
    within_a_minute(|| {
        let pool = pool(2);
        let (ran, dropped) = (Count::shared(), Count::shared());
        let held = hold(&pool);
        for priority in [Priority::High, Priority::Normal, Priority::Low] {
            let (task, token) = (ran.clone(), Token(dropped.clone()));
            let handle = pool.task().priority(priority).spawn(move || {
                let _token = token;
                task.add();
            });
            // The workers are busy: the handle resolves without them.
            assert!(handle.cancel());
            assert!(handle.is_finished());
            let error = handle.join().unwrap_err();
            assert!(error.is_cancelled() && !error.is_panic());
        }
        held.release();
        assert_whole(&pool);
        pool.shutdown();
        assert_eq!((ran.get(), dropped.get()), (0, 3));
    });
}

#[test]
fn a_running_task_is_not_stopped() {
    within_a_minute(|| {
        let pool = pool(1);
        let (started, gate) = (Gate::shared(), Gate::shared());
        let (start, pass) = (started.clone(), gate.clone());
        let handle = pool.spawn(move || {
            start.open();
            pass.pass();
            5
        });
        started.pass();
        assert!(!handle.cancel());
        assert!(!handle.is_finished());
        gate.open();
        assert_eq!(handle.join().unwrap(), 5);
    });
}

#[test]
fn a_finished_task_keeps_its_result() {
    within_a_minute(|| {
        let pool = pool(1);
        let handle = pool.spawn(|| 5);
        until(|| handle.is_finished());
        assert!(!handle.cancel());
        assert_eq!(handle.join().unwrap(), 5);
    });
}

#[test]
fn a_task_that_waits_in_a_deque_can_be_cancelled() {
    within_a_minute(|| {
        let pool = pool(1);
        let ran = Count::shared();
        let task = ran.clone();
        let outcome = pool.install(move || {
            let handle = heist::spawn(move || task.add());
            (handle.cancel(), handle.join())
        });
        assert!(outcome.0);
        assert!(outcome.1.unwrap_err().is_cancelled());
        pool.shutdown();
        assert_eq!(ran.get(), 0);
    });
}

#[test]
fn cancelling_wakes_who_waits() {
    within_a_minute(|| {
        let pool = pool(1);
        let _held = hold(&pool);
        let log = Log::new();
        let mut handle = Box::pin(pool.spawn(|| ()));
        assert!(poll(handle.as_mut(), &Scribe::waker(7, &log)).is_pending());
        assert!(handle.cancel());
        assert_eq!(log.read(), [7]);
        assert!(poll(handle.as_mut(), Waker::noop()).is_ready());
    });
}

#[test]
fn a_task_that_races_with_its_cancelling_runs_or_is_cancelled() {
    within_a_minute(|| {
        for threads in [1, 2] {
            let pool = pool(threads);
            let (ran, dropped) = (Count::shared(), Count::shared());
            let (mut finished, mut cancelled) = (0, 0);
            for turn in 0..5000 {
                let (task, token) = (ran.clone(), Token(dropped.clone()));
                let handle = pool.spawn(move || {
                    let _token = token;
                    task.add();
                });
                // From at once to a little later, to meet every moment of a start.
                (0..turn % 50).for_each(|_| std::hint::spin_loop());
                let won = handle.cancel();
                match handle.join() {
                    Ok(()) => finished += 1,
                    Err(error) => {
                        assert!(error.is_cancelled() && won);
                        cancelled += 1;
                    }
                }
            }
            pool.shutdown();
            assert_eq!((ran.get(), dropped.get()), (finished, 5000));
            assert_eq!(finished + cancelled, 5000);
        }
    });
}

#[test]
fn a_task_is_cancelled_while_another_thread_joins_it() {
    within_a_minute(|| {
        let pool = pool(1);
        let held = hold(&pool);
        for _ in 0..500 {
            let handle = Arc::new(pool.spawn(|| ()));
            let start = Arc::new(Meeting::of(2));
            let (other, go) = (handle.clone(), start.clone());
            let second = thread::spawn(move || {
                go.wait();
                other.cancel()
            });
            start.wait();
            let first = handle.cancel();
            assert!(first | second.join().unwrap());
            let handle = Arc::into_inner(handle).expect("the only owner");
            assert!(handle.join().unwrap_err().is_cancelled());
        }
        held.release();
    });
}

#[test]
fn cancelling_gives_the_place_in_the_lane_back_in_the_end() {
    within_a_minute(|| {
        let pool = builder(1).injector_capacity(4).build().unwrap();
        for _ in 0..100 {
            let held = hold(&pool);
            let waiting: Vec<_> = (0..4).map(|_| pool.try_spawn(|| ()).unwrap()).collect();
            assert!(waiting.iter().all(|handle| handle.cancel()));
            held.release();
            until(|| pool.metrics().lanes[NORMAL].depth == 0);
        }
    });
}

#[test]
fn a_task_may_hold_its_own_handle() {
    within_a_minute(|| {
        let pool = pool(1);
        let (send, receive) = mpsc::channel::<heist::JoinHandle<()>>();
        let (say, said) = mpsc::channel();
        let task = pool.spawn(move || {
            let own = receive.recv().unwrap();
            assert!(!own.cancel());
            assert!(!own.is_finished());
            let own = own.join_timeout(Duration::from_millis(1)).unwrap_err();
            drop(own);
            say.send(()).unwrap();
        });
        send.send(task).unwrap();
        said.recv().unwrap();
        assert_whole(&pool);
    });
}

#[test]
fn what_a_cancelled_task_captured_may_ask_its_handle() {
    struct Ask(Arc<OnceLock<heist::JoinHandle<()>>>, mpsc::Sender<bool>);
    impl Drop for Ask {
        fn drop(&mut self) {
            let handle = self.0.get().expect("there since it was spawned");
            self.1.send(handle.is_finished() && !handle.cancel()).unwrap();
        }
    }
    within_a_minute(|| {
        let pool = pool(1);
        let held = hold(&pool);
        let own = Arc::new(OnceLock::new());
        let (send, receive) = mpsc::channel();
        let captured = Ask(own.clone(), send);
        own.set(pool.spawn(move || drop(captured))).unwrap();
        assert!(own.get().unwrap().cancel());
        held.release();
        pool.shutdown();
        assert!(receive.recv().unwrap());
    });
}
