//! A scope's job, its handle, and who is first; and a scope whose owner is outside.

use std::panic::resume_unwind;

use super::{
    explore::{Cell, Preemptions, Tracked, explore},
    house::pool,
};
use crate::unwind;

#[test]
fn loom_scoped_a_job_runs_where_it_is_joined_or_where_it_was_stolen() {
    explore(Preemptions { quick: 2, full: 3 }, || {
        let pool = pool(1, 1);
        let (ran, tracked) = (Cell::<u32>::default(), Tracked::default());
        let result = pool.scope(|scope| {
            let job = scope.spawn_handle(|_| (ran.write(|ran| *ran += 1), tracked));
            let ((), tracked) = job.join().unwrap();
            // Seen by who joined it, before the scope ends.
            (ran.read(|ran| *ran), tracked)
        });
        assert_eq!(result.0, 1);
    });
}

#[test]
fn loom_scoped_a_joiner_outside_hears_of_the_end() {
    explore(Preemptions { quick: 2, full: 4 }, || {
        let pool = pool(1, 0);
        let cell = Cell::<u32>::default();
        pool.in_place_scope(|scope| {
            let job = scope.spawn_handle(|_| cell.write(|value| *value += 1));
            job.join().unwrap();
            assert_eq!(cell.read(|value| *value), 1);
        });
    });
}

#[test]
fn loom_scoped_a_result_nobody_wants_is_dropped_once() {
    explore(Preemptions { quick: 2, full: 3 }, || {
        let pool = pool(1, 1);
        let tracked = Tracked::default();
        pool.scope(|scope| drop(scope.spawn_handle(|_| tracked)));
    });
}

#[test]
fn loom_scoped_a_panic_goes_to_the_handle_or_to_the_scope() {
    explore(Preemptions { quick: 1, full: 3 }, || {
        let pool = pool(1, 1);
        let (tracked, mut joined) = (Tracked::default(), false);
        let outcome = unwind::catch(|| {
            pool.scope(|scope| {
                // Without the hook, which would print.
                let job = scope.spawn_handle(|_| -> () { resume_unwind(Box::new(tracked)) });
                if job.is_finished() {
                    joined = job.join().unwrap_err().into_panic().is::<Tracked>();
                }
            });
        });
        assert_eq!(outcome.is_ok(), joined);
    });
}

#[test]
fn loom_scoped_an_owner_outside_waits_for_every_job() {
    explore(Preemptions { quick: 2, full: 4 }, || {
        let pool = pool(1, 0);
        let cells = <[Cell<u32>; 2]>::default();
        pool.in_place_scope(|scope| {
            for cell in &cells {
                scope.spawn(|_| cell.write(|value| *value += 1));
            }
        });
        assert_eq!(cells.each_ref().map(|cell| cell.read(|value| *value)), [1, 1]);
    });
}
