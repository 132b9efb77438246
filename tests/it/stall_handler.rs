//! The stall handler itself: its panics, its end, its time; and that a join is one wait,
//! however often it is woken.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;

use heist::{Stall, StallCause, ThreadPool};

use crate::support::{Count, Gate, Log, Token, builder, hold, pool, text, until, within_a_minute};

const SOON: Duration = Duration::from_millis(2);

/// Longer than a thread usually has to wait for a processor.
const LATER: Duration = Duration::from_millis(50);

#[test]
fn a_panic_in_the_handler_goes_to_the_panic_handler_and_the_next_stall_is_told() {
    within_a_minute(|| {
        let panics = Log::new();
        let heard = panics.clone();
        let builder = builder(1)
            .stall_handler(SOON, |stall| panic!("{}", stall.task().unwrap()))
            .panic_handler(move |panic| heard.write(text(&*panic)));
        let pool = builder.build().unwrap();
        for name in ["first", "second"] {
            let gate = Gate::shared();
            let pass = gate.clone();
            let task = pool.task().name(name).spawn(move || pass.pass());
            until(|| panics.read().last().is_some_and(|last| last == name));
            gate.open();
            task.join().unwrap();
        }
    });
}

#[test]
fn a_handler_ends_with_its_pool() {
    within_a_minute(|| {
        let (told, dropped) = (Count::shared(), Count::shared());
        let (count, token) = (told.clone(), Token(dropped.clone()));
        let handler = move |_: &Stall| (count.add(), &token).0;
        let pool = builder(2).stall_handler(SOON, handler).build().unwrap();
        let held = hold(&pool);
        until(|| told.get() > 0);
        assert_eq!(dropped.get(), 0);
        held.release();
        pool.shutdown();
        assert_eq!(dropped.get(), 1);
        // Also one that may end its pool: it is on the timer's thread.
        let slot = Arc::new(Mutex::new(None::<ThreadPool>));
        let (own, ended) = (slot.clone(), Gate::shared());
        let open = ended.clone();
        let builder = builder(1).stall_handler(SOON, move |_| {
            drop(own.lock().unwrap().take());
            open.open();
        });
        let gate = Gate::shared();
        let pass = gate.clone();
        let pool = builder.build().unwrap();
        let mut kept = slot.lock().unwrap();
        let task = pool.spawn(move || pass.pass());
        *kept = Some(pool);
        drop(kept);
        ended.pass();
        gate.open();
        task.join().unwrap();
    });
}

#[test]
fn no_time_is_refused_and_all_the_time_is_as_good_as_never() {
    within_a_minute(|| {
        let refused = builder(1).stall_handler(Duration::ZERO, |_| ()).build().unwrap_err();
        assert_eq!(refused.to_string(), "stall_handler is 0 ns, allowed is more than zero");
        let never = builder(2).stall_handler(Duration::MAX, |stall| panic!("{stall}"));
        let never = never.build().unwrap();
        never.for_each(0..1000, |_| never.join(|| (), || ()).0);
        assert_eq!(never.spawn(|| 5).join().unwrap(), 5);
        never.shutdown();
        // A pool without.
        pool(1).shutdown();
    });
}

/// How often the join of a future is told that `during` wakes again and again.
fn told_of_a_join(during: impl FnOnce(&dyn Fn(), &dyn Fn() -> usize)) -> usize {
    let log = Log::new();
    let handler = log.clone();
    let builder = builder(1).stall_handler(LATER, move |stall| handler.write(stall.clone()));
    let pool = Arc::new(builder.build().unwrap());
    let (slot, polls) = (Arc::new(Mutex::new(None::<Waker>)), Count::shared());
    let is_over = Arc::new(AtomicBool::new(false));
    let (own, waker, count, over) = (pool.clone(), slot.clone(), polls.clone(), is_over.clone());
    let joins = pool.task().name("joins").spawn(move || {
        let future = own.spawn_future(poll_fn(move |cx| {
            *waker.lock().unwrap() = Some(cx.waker().clone());
            count.add();
            if over.load(Ordering::Relaxed) { Poll::Ready(()) } else { Poll::Pending }
        }));
        future.join().unwrap();
    });
    until(|| polls.get() > 0);
    let wake = || {
        let before = polls.get();
        slot.lock().unwrap().take().into_iter().for_each(Waker::wake);
        until(|| polls.get() > before);
    };
    let told = || {
        let stalls = log.read();
        stalls
            .iter()
            .filter(|stall| {
                stall.task() == Some("joins") && *stall.cause() == StallCause::Task(None)
            })
            .count()
    };
    during(&wake, &told);
    is_over.store(true, Ordering::Relaxed);
    wake();
    joins.join().unwrap();
    told()
}

#[test]
fn a_join_is_told_though_what_it_waits_for_is_woken_all_the_time() {
    within_a_minute(|| {
        let told = told_of_a_join(|wake, told| {
            until(|| {
                wake();
                told() > 0
            });
        });
        assert_eq!(told, 1);
    });
}

#[test]
fn a_join_is_told_once_however_often_what_it_waits_for_is_woken() {
    within_a_minute(|| {
        let told = told_of_a_join(|wake, told| {
            until(|| told() > 0);
            for _ in 0..5 {
                wake();
                // As long as it takes to tell of something else.
                let log = Log::new();
                let handler = log.clone();
                let other = builder(1).stall_handler(LATER, move |_| handler.write(()));
                let other = other.build().unwrap();
                let held = hold(&other);
                until(|| !log.read().is_empty());
                held.release();
            }
        });
        assert_eq!(told, 1);
    });
}
