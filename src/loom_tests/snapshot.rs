//! Counts and times, read while they are written.

use std::time::{Duration, Instant};

use super::explore::{ANY, Cell, Preemptions, explore};
use crate::{
    config::Config,
    counters::{Activity, Counters, Ledger, Tally},
    injector::Injector,
    priority::{Priority, Turn},
    registry::{Phase, Registry},
    sync::{Arc, thread},
};

/// Writes the cell, then counts; whoever sees the count may read the cell.
fn carries<C: Send + Sync + 'static>(counter: C, count: fn(&C), is_counted: fn(&C) -> bool) {
    let counted = Arc::new((counter, Cell::<u32>::default()));
    let writer = {
        let counted = Arc::clone(&counted);
        thread::spawn(move || {
            counted.1.write(|value| *value = 5);
            count(&counted.0);
        })
    };
    // Loom explores a load against a store only from the side that runs
    // second, so the writer gets to be first.
    thread::yield_now();
    if is_counted(&counted.0) {
        assert_eq!(counted.1.read(|value| *value), 5);
    }
    writer.join().unwrap();
}

/// ORDERING(tally): what is counted has happened: finished, accepted, cancelled, timed out.
#[test]
fn loom_tally_what_is_counted_has_happened() {
    let most = Preemptions { quick: ANY, full: ANY };
    explore(most, || carries(Tally::default(), |tally| tally.add(1), |tally| tally.get() == 1));
    explore(most, || {
        carries(
            Ledger::default(),
            |ledger: &Ledger| _ = ledger.accept(),
            |ledger| ledger.accepted() == 1,
        );
    });
    explore(most, || {
        carries(Ledger::default(), Ledger::cancel, |ledger| ledger.cancelled() == 1);
    });
    explore(most, || {
        carries(Ledger::default(), Ledger::time_out, |ledger| ledger.timed_out() == 1);
    });
}

/// ORDERING(tally): a sum of unfinished tasks that comes out even is final.
#[test]
fn loom_tally_nothing_is_left_when_nothing_is_unfinished() {
    explore(Preemptions { quick: ANY, full: ANY }, || {
        let config = Config { max_guests: 0, ..Config::default() };
        let registry = Registry::<()>::new(1, config).0;
        registry.injector.lane(Priority::Normal).ledger().accept();
        let reader = {
            let registry = Arc::clone(&registry);
            // As in `carries`, the loads are to come second; but a yield would
            // keep them from seeing what is old.
            thread::spawn(move || {
                if registry.unfinished() == 0 {
                    assert_eq!(registry.slot(0).counters.tasks_completed.get(), 2);
                }
            })
        };
        let slot = registry.slot(0);
        // The task spawns another, and ends; then that one does.
        slot.ledger.accept();
        slot.counters.tasks_completed.add(1);
        slot.counters.tasks_completed.add(1);
        reader.join().unwrap();
    });
}

/// ORDERING(close): who finds a pool closed finds what was done before.
#[test]
fn loom_close_is_seen_with_what_came_before() {
    explore(Preemptions { quick: ANY, full: ANY }, || {
        carries(
            Registry::<()>::new(1, Config { max_guests: 0, ..Config::default() }).0,
            |registry| registry.advance(Phase::Ending),
            |registry| registry.phase() == Phase::Ending,
        );
    });
}

/// ORDERING(clock): times read while the activity changes add up.
#[test]
fn loom_clock_times_add_up_at_any_moment() {
    explore(Preemptions { quick: 4, full: ANY }, || {
        let counters = Arc::new(Counters::new(Instant::now()));
        let writer = {
            let counters = Arc::clone(&counters);
            thread::spawn(move || {
                counters.clock.enter_at(Activity::Busy, || 10);
                counters.clock.enter_at(Activity::Searching, || 30);
            })
        };
        // As in `carries`.
        thread::yield_now();
        let spent = counters.clock.read_at(|| 100);
        assert_eq!(spent.busy + spent.searching + spent.parked, Duration::from_nanos(100));
        assert!([0, 20, 90].map(Duration::from_nanos).contains(&spent.busy), "{spent:?}");
        writer.join().unwrap();
    });
}

/// ORDERING(mark): the marks of a lane survive a race of pushes and takes.
#[test]
fn loom_mark_the_highest_water_is_kept() {
    explore(Preemptions { quick: ANY, full: ANY }, || {
        let injector = Arc::new(Injector::new(1, 2, Instant::now(), &Arc::default()));
        let push = |injector: &Injector<u8>| {
            let lane = injector.lane(Priority::Normal);
            let in_use = lane.try_acquire().unwrap();
            lane.push(1, in_use);
        };
        let other = {
            let injector = Arc::clone(&injector);
            thread::spawn(move || push(&injector))
        };
        push(&injector);
        other.join().unwrap();
        let lane = injector.lane(Priority::Normal);
        assert_eq!((lane.high_water(), lane.depth()), (2, 2));
        let mut turn = Turn::default();
        let mut take = || injector.take(0, &mut turn, &|| ());
        assert_eq!((take(), take()), (Some(1), Some(1)));
        assert_eq!((lane.high_water(), lane.depth()), (2, 0));
    });
}
