//! Guests and workers share what a guest brings.

use std::panic::resume_unwind;

use super::{
    explore::{Cell, Preemptions, Tracked, explore},
    house::{gate, pool},
};
use crate::{
    pool::ThreadPool,
    sync::{Arc, thread},
    unwind,
};

#[test]
fn loom_guests_fork_is_run_once_here_or_there() {
    explore(Preemptions { quick: 2, full: 3 }, || {
        let pool = pool(1, 1);
        let tracked = Tracked::default();
        let ((), b) = pool.join(|| (), move || drop(tracked));
        b
    });
}

/// The worker may be about to sleep when it is forked, and nothing else is posted.
#[test]
fn loom_guests_fork_finds_the_worker_while_the_guest_waits_for_it() {
    explore(Preemptions { quick: 2, full: 3 }, || {
        let pool = pool(1, 1);
        let (open, pass) = gate();
        pool.join(pass, open);
    });
}

#[test]
fn loom_guests_scope_ends_after_its_jobs() {
    explore(Preemptions { quick: 2, full: 3 }, || {
        let pool = pool(1, 1);
        let cells = <[Cell<u32>; 2]>::default();
        pool.scope(|scope| {
            for cell in &cells {
                scope.spawn(|_| cell.write(|value| *value += 1));
            }
        });
        assert_eq!(cells.each_ref().map(|cell| cell.read(|value| *value)), [1, 1]);
    });
}

#[test]
fn loom_guests_scope_counts_what_its_jobs_spawn() {
    explore(Preemptions { quick: 1, full: 2 }, || {
        let pool = pool(1, 1);
        let cell = Cell::<u32>::default();
        pool.scope(|scope| {
            scope.spawn(|scope| scope.spawn(|_| cell.write(|value| *value += 1)));
        });
        assert_eq!(cell.read(|value| *value), 1);
    });
}

#[test]
fn loom_guests_scope_raises_one_panic_and_drops_the_other() {
    explore(Preemptions { quick: 1, full: 3 }, || {
        let pool = pool(1, 1);
        let tracked = Tracked::default();
        let payload = unwind::catch(|| {
            pool.scope(|scope| {
                let inside = Tracked::clone(&tracked);
                scope.spawn(move |_| resume_unwind(Box::new(inside)));
                resume_unwind(Box::new(Tracked::clone(&tracked)));
            });
        });
        assert!(payload.unwrap_err().is::<Tracked>());
    });
}

#[test]
fn loom_guests_join_raises_the_panic_of_a_and_drops_that_of_b() {
    explore(Preemptions { quick: 2, full: 3 }, || {
        let pool = pool(1, 1);
        let (of_a, of_b) = (Tracked::default(), Tracked::default());
        let panics = |half: &'static str, tracked: &Tracked| {
            let payload = Box::new((half, Tracked::clone(tracked)));
            move || -> () { resume_unwind(payload) }
        };
        let joined = unwind::catch(|| pool.join(panics("a", &of_a), panics("b", &of_b)));
        let payload = joined.unwrap_err().downcast::<(&str, Tracked)>().unwrap();
        assert_eq!(payload.0, "a");
        drop(payload);
        // By here, or by the thief: nothing of it is left when the join is over.
        assert_eq!([&of_a, &of_b].map(Tracked::strong_count), [1, 1]);
    });
}

#[test]
fn loom_guests_leave_tasks_behind_for_the_worker() {
    explore(Preemptions { quick: 2, full: 3 }, || {
        let pool = pool(1, 1);
        let task = pool.scope(|_| crate::spawn(|| 7));
        assert_eq!(task.join().unwrap(), 7);
    });
}

#[test]
fn loom_guests_take_a_fork_back_from_below_a_task() {
    explore(Preemptions { quick: 1, full: 2 }, || {
        let pool = pool(1, 1);
        let (task, ()) = pool.join(|| crate::spawn(|| 7), || ());
        assert_eq!(task.join().unwrap(), 7);
    });
}

/// Two threads join at once, in a pool of one worker and so many seats.
fn two_join(seats: usize) -> Arc<ThreadPool> {
    let pool = Arc::new(pool(1, seats));
    let other = {
        let pool = Arc::clone(&pool);
        thread::spawn(move || assert_eq!(pool.join(|| 1, || 2), (1, 2)))
    };
    assert_eq!(pool.join(|| 3, || 4), (3, 4));
    other.join().unwrap();
    pool
}

#[test]
fn loom_guests_have_a_seat_each() {
    explore(Preemptions { quick: 0, full: 1 }, || {
        let pool = two_join(2);
        // And again, on what they left.
        assert_eq!(pool.join(|| 5, || 6), (5, 6));
    });
}

#[test]
fn loom_guests_share_one_seat() {
    explore(Preemptions { quick: 1, full: 2 }, || drop(two_join(1)));
}
