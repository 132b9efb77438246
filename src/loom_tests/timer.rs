//! A clock that is set, cancelled, or due while its thread falls asleep.

use std::time::Instant;

use super::explore::{Cell, Preemptions, Tracked, explore};
use crate::{
    parker::Parker,
    sync::{Arc, thread},
    timer::Timer,
};

/// Preemptions of each model here.
const MOST: Preemptions = Preemptions { quick: 3, full: 6 };

#[test]
fn loom_timer_an_event_runs_or_is_cancelled() {
    explore(MOST, || {
        let timer = Timer::new(None);
        let ran = Arc::new(Cell::<u32>::default());
        let (inside, tracked) = (Arc::clone(&ran), Tracked::default());
        let event = move || inside.write(|ran| (*ran += 1, drop(tracked)).0);
        let key = timer.at(Instant::now(), event).expect("a model refuses no thread");
        let cancelled = timer.cancel(key);
        assert!(!timer.cancel(key));
        timer.dismiss();
        let ran = ran.read(|ran| *ran);
        assert!(if cancelled { ran == 0 } else { ran == 1 });
    });
}

#[test]
fn loom_timer_an_event_is_not_slept_through() {
    explore(MOST, || {
        let timer = Timer::new(None);
        let heard = Arc::new(Parker::new());
        let other = {
            let (timer, heard) = (timer.clone(), Arc::clone(&heard));
            thread::spawn(move || timer.at(Instant::now(), move || heard.unpark()))
        };
        timer.at(Instant::now(), || ()).expect("a model refuses no thread");
        heard.park();
        assert!(other.join().unwrap().is_some());
        timer.dismiss();
    });
}

#[test]
fn loom_timer_a_thread_that_sleeps_hears_that_it_is_dismissed() {
    explore(MOST, || {
        let timer = Timer::new(None);
        let tracked = Tracked::default();
        let key = timer.at(Instant::now(), move || drop(tracked)).expect("as above");
        timer.cancel(key);
        let other = {
            let timer = timer.clone();
            thread::spawn(move || timer.at(Instant::now(), || ()).is_some())
        };
        timer.dismiss();
        other.join().unwrap();
        assert!(timer.at(Instant::now(), || ()).is_none());
    });
}
