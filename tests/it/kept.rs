//! Who joins, in an isolated section, what may not run yet is woken when it may: nobody
//! else would come for it.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use heist::{JoinHandle, Priority, ThreadPool};

use crate::support::{Count, Gate, hold_some, parks, pool, until, within_a_minute};

type Job = Box<dyn FnOnce() + Send>;

/// The task of a worker that says when it is there, and joins `second` when it is told to.
fn joiner(pool: &ThreadPool, second: JoinHandle<()>) -> (JoinHandle<()>, Arc<Gate>) {
    let (there, go) = (Gate::shared(), Gate::shared());
    let (here, gone) = (there.clone(), go.clone());
    let joiner = pool.spawn(move || {
        here.open();
        gone.pass();
        heist::isolated(|| second.join().unwrap());
    });
    there.pass();
    (joiner, go)
}

/// One worker of two runs the first of two jobs that `spawn` keeps apart, and then is busy.
/// The other sleeps in a join of the second until that may run.
fn a_joiner_is_woken(spawn: impl Fn(&ThreadPool, Job) -> JoinHandle<()> + Send + Sync + 'static) {
    within_a_minute(move || {
        let (pool, spawn) = (Arc::new(pool(2)), Arc::new(spawn));
        let gates: [Arc<Gate>; 3] = std::array::from_fn(|_| Gate::shared());
        let [begun, end, busy] = gates.clone();
        // Who joins the first runs it: nobody else is there for it.
        let held = hold_some(&pool, 1);
        let other = pool.spawn({
            let (pool, spawn) = (pool.clone(), spawn.clone());
            let first = move || {
                begun.open();
                end.pass();
            };
            move || {
                spawn(&pool, Box::new(first)).join().unwrap();
                drop(pool);
                busy.pass();
            }
        });
        let [begun, end, busy] = gates;
        begun.pass();
        held.release();
        let runner = Arc::new(Mutex::new(None));
        let ran_on = runner.clone();
        let second = move || *ran_on.lock().unwrap() = Some(thread::current().id());
        let (joiner, go) = joiner(&pool, spawn(&pool, Box::new(second)));
        let before = parks(&pool);
        go.open();
        until(|| parks(&pool) > before);
        assert_eq!(*runner.lock().unwrap(), None, "the first is at it");
        end.open();
        joiner.join().unwrap();
        assert!(runner.lock().unwrap().is_some());
        busy.open();
        other.join().unwrap();
    });
}

#[test]
fn by_a_place_in_a_bulkhead() {
    let class = Mutex::new(None);
    a_joiner_is_woken(move |pool, job| {
        let mut class = class.lock().unwrap();
        let new = || pool.bulkhead("one at a time").limit(1).build().unwrap();
        class.get_or_insert_with(new).spawn(job)
    });
}

#[test]
fn by_the_end_of_the_task_before_it_of_its_key() {
    a_joiner_is_woken(|pool, job| pool.spawn_keyed("key", job));
}

#[test]
fn by_the_waker_of_a_future() {
    within_a_minute(|| {
        let pool = pool(2);
        let held = hold_some(&pool, 1);
        let (polled, waker) = (Gate::shared(), Arc::new(Mutex::new(None::<Waker>)));
        let (poll, wake) = (polled.clone(), waker.clone());
        let future = poll_fn(move |context| {
            if wake.lock().unwrap().replace(context.waker().clone()).is_some() {
                return Poll::Ready(());
            }
            poll.open();
            Poll::Pending
        });
        let second = pool.spawn_future(future);
        polled.pass();
        let (joiner, go) = joiner(&pool, second);
        let before = parks(&pool);
        go.open();
        until(|| parks(&pool) > before);
        let waker = waker.lock().unwrap().clone().unwrap();
        waker.wake();
        joiner.join().unwrap();
        held.release();
    });
}

#[test]
fn by_the_waker_of_a_future_in_the_middle_of_a_poll() {
    within_a_minute(|| {
        let pool = pool(2);
        let gates: [Arc<Gate>; 3] = std::array::from_fn(|_| Gate::shared());
        let [polled, wake, joined] = gates.clone();
        let mut polls = 0..2;
        let second = pool.spawn_future(poll_fn(move |context| {
            if polls.next() == Some(1) {
                return Poll::Ready(());
            }
            polled.open();
            wake.pass();
            context.waker().wake_by_ref();
            Poll::Pending
        }));
        let [polled, wake, done] = gates;
        polled.pass();
        let (joiner, go) = joiner(&pool, second);
        let before = parks(&pool);
        go.open();
        until(|| parks(&pool) > before);
        // After the poll its worker comes to this first: high is the turn after normal.
        let busy = pool.task().priority(Priority::High).spawn(move || joined.pass());
        wake.open();
        joiner.join().unwrap();
        done.open();
        busy.join().unwrap();
    });
}

#[test]
fn nobody_has_to_come_for_what_a_future_waits_for_that_wakes_itself() {
    within_a_minute(|| {
        let pool = pool(1);
        pool.install(|| {
            let count = Count::shared();
            let counts = count.clone();
            drop(heist::spawn(move || counts.add()));
            let future = poll_fn(move |context| {
                if count.get() > 0 {
                    return Poll::Ready(());
                }
                context.waker().wake_by_ref();
                Poll::Pending
            });
            pool.spawn_future(future).join().unwrap();
        });
    });
}

#[test]
fn in_no_time_at_all_a_worker_does_what_it_may_do_at_once() {
    within_a_minute(|| {
        let pool = pool(1);
        pool.install(|| {
            let class = pool.bulkhead("class").limit(1).build().unwrap();
            let mut tasks = vec![pool.spawn(|| ()), pool.spawn_keyed("key", || ())];
            tasks.extend([class.spawn(|| ()), pool.spawn_future(async {})]);
            for task in tasks {
                task.join_timeout(Duration::ZERO).expect("it is done here").unwrap();
            }
        });
    });
}
