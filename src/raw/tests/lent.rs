//! A closure that a thread lends to another and waits for.

use super::{Bell, Count, Grenade, Plain, Token};
use crate::{
    parker::Parker,
    raw::{JobRef, hand_over},
    sync::{Arc, Mutex, thread},
    unwind,
};

/// Lends `func` to another thread, and looks for its end or sleeps.
fn lend<R: Send>(sleeps: bool, func: impl FnOnce() -> R + Send) -> R {
    let place: Mutex<Option<JobRef<()>>> = Mutex::new(None);
    let parker = Arc::new(Parker::new());
    thread::scope(|threads| {
        threads.spawn(|| {
            loop {
                let job = place.lock().take();
                if let Some(job) = job {
                    return assert!(job.run(&()));
                }
                thread::yield_now();
            }
        });
        let inject = |job| *place.lock() = Some(job);
        let wait = |_: &dyn Fn() -> bool| if sleeps { parker.park() } else { thread::yield_now() };
        hand_over(parker.waker(), inject, wait, |()| func())
    })
}

#[test]
fn a_lent_closure_borrows_and_its_result_comes_back() {
    for sleeps in [false, true] {
        let cell = Plain::default();
        let name = lend(sleeps, || {
            cell.add(1);
            String::from("done")
        });
        assert_eq!((name.as_str(), cell.get()), ("done", 1));
    }
}

#[test]
fn a_lent_closure_panics_where_it_came_from() {
    let drops = Count::default();
    let token = drops.token();
    let outcome = unwind::catch(|| lend(true, || -> u32 { unwind::resume(Box::new(token)) }));
    assert!(outcome.expect_err("it panicked").is::<Token>());
    assert_eq!(drops.get(), 1);
}

#[test]
fn the_waker_outlives_the_frame_that_lent_it() {
    let drops = Count::default();
    let (bell, waker) = Bell::new(&drops);
    let place: Mutex<Option<JobRef<()>>> = Mutex::new(None);
    thread::scope(|threads| {
        threads.spawn(|| {
            let job = loop {
                let job = place.lock().take();
                if let Some(job) = job {
                    break job;
                }
                thread::yield_now();
            };
            job.run(&());
            assert_eq!(bell.rung(), 1);
        });
        let inject = |job| *place.lock() = Some(job);
        let result = hand_over(waker, inject, |_| thread::yield_now(), |()| Box::new(9));
        assert_eq!(*result, 9);
    });
    drop(bell);
    assert_eq!(drops.get(), 1);
}

#[test]
fn a_capture_that_panics_when_dropped_is_the_closures_panic() {
    let drops = Count::default();
    let grenade = Grenade { _token: drops.token() };
    let outcome = unwind::catch(|| lend(false, move || drop(grenade)));
    assert!(outcome.is_err());
    assert_eq!(drops.get(), 1);
}
