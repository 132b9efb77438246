//! `JoinHandle`: the result of a task, waited for in many ways.

use std::panic;
use std::pin::Pin;
use std::sync::mpsc;
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use crate::support::{
    Count, Gate, Log, Scribe, Token, assert_whole, block_on, builder, hold, poll, pool, text,
    until, within_a_minute,
};

#[test]
fn join_returns_the_result() {
    within_a_minute(|| {
        let pool = pool(2);
        assert_eq!(pool.spawn(|| vec![1, 2, 3]).join().unwrap(), [1, 2, 3]);
        assert_eq!(pool.install(|| heist::spawn(|| "inside").join()).unwrap(), "inside");
        assert_eq!(pool.scope(|_| heist::spawn(|| "guest").join()).unwrap(), "guest");
    });
}

#[test]
fn a_large_closure_and_a_large_result_pass_through() {
    within_a_minute(|| {
        let pool = pool(2);
        let large = [7_u8; 32 << 10];
        let back = pool.spawn(move || large).join().unwrap();
        assert!(back.iter().all(|byte| *byte == 7));
    });
}

#[test]
fn a_handle_says_whether_its_task_is_finished() {
    within_a_minute(|| {
        let pool = pool(1);
        let held = hold(&pool);
        let handle = pool.spawn(|| 5);
        assert!(!handle.is_finished());
        held.release();
        until(|| handle.is_finished());
        assert_eq!(handle.join().unwrap(), 5);
    });
}

#[test]
fn join_timeout_gives_the_handle_back() {
    within_a_minute(|| {
        let pool = pool(1);
        let held = hold(&pool);
        let handle = pool.spawn(|| 5);
        let handle = handle.join_timeout(Duration::ZERO).unwrap_err();
        let handle = handle.join_timeout(Duration::from_millis(1)).unwrap_err();
        held.release();
        assert_eq!(handle.join_timeout(Duration::MAX).unwrap().unwrap(), 5);
    });
}

#[test]
fn join_timeout_of_a_finished_task_needs_no_time() {
    within_a_minute(|| {
        let pool = pool(1);
        let handle = pool.spawn(|| 5);
        until(|| handle.is_finished());
        assert_eq!(handle.join_timeout(Duration::ZERO).unwrap().unwrap(), 5);
    });
}

#[test]
fn join_timeout_on_a_worker_gives_the_handle_back() {
    within_a_minute(|| {
        let pool = pool(2);
        let (started, gate) = (Gate::shared(), Gate::shared());
        let (start, pass) = (started.clone(), gate.clone());
        let slow = pool.spawn(move || {
            start.open();
            pass.pass();
        });
        // Else the other worker would help, and run it itself.
        started.pass();
        let slow = pool.install(move || slow.join_timeout(Duration::from_millis(1)).unwrap_err());
        gate.open();
        slow.join().unwrap();
    });
}

#[test]
fn a_panic_is_in_the_handle_with_its_payload() {
    within_a_minute(|| {
        let heard = Count::shared();
        let hear = heard.clone();
        let pool = builder(1).panic_handler(move |_| hear.add()).build().unwrap();
        let error = pool.spawn(|| panic::resume_unwind(Box::new(42_u8))).join().unwrap_err();
        assert!(error.is_panic() && !error.is_cancelled());
        assert!(!error.to_string().is_empty());
        assert_eq!(error.into_panic().downcast_ref(), Some(&42_u8));
        let error = pool.spawn(|| panic!("number {}", 7)).join().unwrap_err();
        assert_eq!(text(&*error.into_panic()), "number 7");
        assert_whole(&pool);
        pool.shutdown();
        assert_eq!(heard.get(), 0);
    });
}

#[test]
fn a_handle_dropped_before_its_task_runs_detaches_it() {
    within_a_minute(|| {
        let pool = pool(1);
        let (ran, dropped) = (Count::shared(), Count::shared());
        let held = hold(&pool);
        let (task, token) = (ran.clone(), Token(dropped.clone()));
        drop(pool.spawn(move || {
            task.add();
            token
        }));
        assert_eq!((ran.get(), dropped.get()), (0, 0));
        held.release();
        until(|| dropped.get() == 1);
        assert_eq!(ran.get(), 1);
        pool.shutdown();
        assert_eq!(dropped.get(), 1);
    });
}

#[test]
fn a_handle_dropped_after_its_task_drops_the_result_once() {
    within_a_minute(|| {
        let pool = pool(1);
        let dropped = Count::shared();
        let token = Token(dropped.clone());
        let handle = pool.spawn(move || token);
        until(|| handle.is_finished());
        assert_eq!(dropped.get(), 0);
        drop(handle);
        assert_eq!(dropped.get(), 1);
    });
}

#[test]
fn a_handle_dropped_while_its_task_ends_drops_the_result_once() {
    within_a_minute(|| {
        let pool = pool(2);
        let dropped = Count::shared();
        for _ in 0..5000 {
            let token = Token(dropped.clone());
            drop(pool.spawn(move || token));
        }
        pool.shutdown();
        assert_eq!(dropped.get(), 5000);
    });
}

#[test]
fn a_panic_without_a_handle_goes_to_the_panic_handler() {
    within_a_minute(|| {
        let heard = Log::new();
        let hear = heard.clone();
        let pool =
            builder(1).panic_handler(move |payload| hear.write(text(&*payload))).build().unwrap();
        let held = hold(&pool);
        drop(pool.spawn(|| panic!("unheard")));
        held.release();
        until(|| heard.read() == ["unheard"]);
        assert_whole(&pool);
    });
}

#[test]
fn a_panicking_panic_handler_kills_no_worker() {
    within_a_minute(|| {
        let heard = Count::shared();
        let hear = heard.clone();
        let pool = builder(2)
            .panic_handler(move |_| {
                hear.add();
                panic!("the handler, too");
            })
            .build()
            .unwrap();
        let held = hold(&pool);
        for _ in 0..10 {
            drop(pool.spawn(|| panic!("unheard")));
        }
        held.release();
        until(|| heard.get() == 10);
        assert_whole(&pool);
    });
}

#[test]
fn a_panic_without_handle_and_handler_kills_no_worker() {
    within_a_minute(|| {
        let pool = pool(2);
        let held = hold(&pool);
        for _ in 0..10 {
            drop(pool.spawn(|| panic!("printed")));
        }
        held.release();
        assert_whole(&pool);
    });
}

#[test]
fn a_handle_is_a_future() {
    within_a_minute(|| {
        let pool = pool(1);
        assert_eq!(block_on(pool.spawn(|| 5)).unwrap(), 5);
        assert!(block_on(pool.spawn(|| panic!("awaited"))).unwrap_err().is_panic());
        for turn in 0..2000 {
            assert_eq!(block_on(pool.spawn(move || turn)).unwrap(), turn);
        }
        assert_eq!(pool.install(|| block_on(pool.spawn(|| 1).finished_first())).unwrap(), 1);
    });
}

/// Waits for the end of a task by helping, so that a future on the only worker
/// is ready at its first poll.
trait FinishedFirst {
    fn finished_first(self) -> Self;
}

impl<T> FinishedFirst for heist::JoinHandle<T> {
    fn finished_first(self) -> Self {
        while !self.is_finished() {
            heist::yield_now();
        }
        self
    }
}

#[test]
fn the_waker_of_the_last_poll_is_the_one_that_is_woken() {
    within_a_minute(|| {
        let pool = pool(1);
        let held = hold(&pool);
        let log = Log::new();
        let mut handle = Box::pin(pool.spawn(|| 5));
        for number in 0..3 {
            assert!(poll(handle.as_mut(), &Scribe::waker(number, &log)).is_pending());
        }
        held.release();
        until(|| log.read().contains(&2));
        match poll(handle.as_mut(), Waker::noop()) {
            Poll::Ready(result) => assert_eq!(result.unwrap(), 5),
            Poll::Pending => panic!("woken too early"),
        }
    });
}

#[test]
fn a_handle_polled_while_its_task_ends_is_woken_or_ready() {
    within_a_minute(|| {
        let pool = pool(1);
        for turn in 0..3000 {
            let log = Log::new();
            let mut handle = Box::pin(pool.spawn(move || turn));
            // A new waker each time, and the first poll races with the task.
            let mut number = 0;
            loop {
                let waker = Scribe::waker(number, &log);
                match poll(handle.as_mut(), &waker) {
                    Poll::Ready(result) => break assert_eq!(result.unwrap(), turn),
                    Poll::Pending if number < 2 => number += 1,
                    Poll::Pending => {
                        until(|| log.read().contains(&number));
                        number += 1;
                    }
                }
            }
        }
    });
}

#[test]
fn a_handle_that_was_polled_may_still_be_joined() {
    within_a_minute(|| {
        let pool = pool(1);
        let held = hold(&pool);
        let mut handle = pool.spawn(|| 5);
        assert!(poll(Pin::new(&mut handle), Waker::noop()).is_pending());
        held.release();
        assert_eq!(handle.join().unwrap(), 5);
    });
}

#[test]
fn a_task_joins_its_child_on_the_only_worker() {
    within_a_minute(|| {
        let pool = pool(1);
        let sum = pool.spawn(|| {
            let children: Vec<_> = (0..100).map(|n| heist::spawn(move || n)).collect();
            children.into_iter().map(|child| child.join().unwrap()).sum::<usize>()
        });
        assert_eq!(sum.join().unwrap(), 4950);
    });
}

#[test]
fn children_nest_a_hundred_deep_on_the_only_worker() {
    fn nest(left: usize) -> usize {
        if left == 0 { 0 } else { 1 + heist::spawn(move || nest(left - 1)).join().unwrap() }
    }
    within_a_minute(|| assert_eq!(pool(1).spawn(|| nest(100)).join().unwrap(), 100));
}

#[test]
fn a_task_joins_one_that_waits_in_a_lane_behind_others() {
    within_a_minute(|| {
        for threads in [1, 2] {
            let pool = pool(threads);
            let (send, receive) = mpsc::channel::<heist::JoinHandle<i32>>();
            let first = pool.spawn(move || receive.recv().unwrap().join().unwrap());
            let others: Vec<_> = (0..100).map(|_| pool.spawn(|| ())).collect();
            send.send(pool.spawn(|| 5)).unwrap();
            assert_eq!(first.join().unwrap(), 5);
            others.into_iter().for_each(|other| other.join().unwrap());
        }
    });
}

#[test]
fn a_chain_of_tasks_each_joins_the_next_on_the_only_worker() {
    const LINKS: usize = 100;
    within_a_minute(|| {
        let pool = pool(1);
        // Each task waits for the one spawned after it, which is in the lane.
        let held = hold(&pool);
        let (mut send, receive) = mpsc::channel::<heist::JoinHandle<usize>>();
        let first = pool.spawn(move || receive.recv().unwrap().join().unwrap());
        for _ in 0..LINKS {
            let (next, receive) = mpsc::channel::<heist::JoinHandle<usize>>();
            let link = pool.spawn(move || 1 + receive.recv().unwrap().join().unwrap());
            send.send(link).unwrap();
            send = next;
        }
        send.send(pool.spawn(|| 0)).unwrap();
        held.release();
        assert_eq!(first.join().unwrap(), LINKS);
    });
}

#[test]
fn a_handle_may_be_joined_by_another_thread() {
    within_a_minute(|| {
        let pool = pool(1);
        for turn in 0..500 {
            let handle = pool.spawn(move || turn);
            assert_eq!(thread::spawn(move || handle.join().unwrap()).join().unwrap(), turn);
        }
    });
}

#[test]
fn a_handle_outlives_its_pool() {
    within_a_minute(|| {
        let pool = pool(1);
        let handle = pool.spawn(|| "late".to_owned());
        pool.shutdown();
        assert!(handle.is_finished());
        assert_eq!(handle.join().unwrap(), "late");
    });
}
