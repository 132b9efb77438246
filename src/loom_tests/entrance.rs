//! The bounded entrance of a whole pool.

use super::{
    explore::{Preemptions, explore},
    house::{builder, gate, pool},
};
use std::time::Duration;

#[test]
fn loom_entrance_a_worker_spawns_although_the_lane_is_full() {
    explore(Preemptions { quick: 0, full: 1 }, || {
        let pool = builder(1, 0).injector_capacity(1).build().unwrap();
        // The second waits for the room of the first, whose child needs none.
        let first = pool.spawn(|| crate::spawn(|| 1));
        let second = pool.spawn(|| 2);
        assert_eq!(first.join().unwrap().join().unwrap(), 1);
        assert_eq!(second.join().unwrap(), 2);
    });
}

#[test]
fn loom_entrance_the_keeper_comes_when_the_worker_does_not() {
    explore(Preemptions { quick: 0, full: 1 }, || {
        // A model has no clock: a patience that is over at once.
        let patience = Some(Duration::from_nanos(1));
        let pool = builder(1, 0).door_patience(patience).build().unwrap();
        let (open, wait) = gate();
        let blocked = pool.spawn(wait);
        let opening = pool.spawn(open);
        opening.join().unwrap();
        blocked.join().unwrap();
    });
}

/// ORDERING(close): and the keeper, which has run the last task, tells the others of the end.
#[test]
fn loom_entrance_the_keeper_sees_to_what_a_guest_left() {
    explore(Preemptions { quick: 1, full: 1 }, || {
        let patience = Some(Duration::from_nanos(1));
        let pool = builder(1, 1).door_patience(patience).build().unwrap();
        let (open, wait) = gate();
        let blocked = pool.spawn(wait);
        pool.scope(|_| drop(pool.spawn(open)));
        blocked.join().unwrap();
    });
}

#[test]
fn loom_entrance_the_keeper_comes_if_a_stand_in_has_lost_its_place() {
    explore(Preemptions { quick: 0, full: 1 }, || {
        let patience = Some(Duration::from_nanos(1));
        let pool = builder(1, 0).max_stand_ins(1).door_patience(patience).build().unwrap();
        let ((open, wait), (posted, section), (inside, begun)) = (gate(), gate(), gate());
        // So that the worker is awake, or can be woken, and no keeper comes for the first task.
        pool.install(|| ());
        // Back from its section, perhaps before the stand-in has looked, it is busy.
        let busy = pool.spawn(move || {
            crate::blocking(|| {
                inside();
                section();
            });
            wait();
        });
        begun();
        let opening = pool.spawn(open);
        posted();
        opening.join().unwrap();
        busy.join().unwrap();
    });
}

#[test]
fn loom_entrance_lends_to_a_worker_and_waits() {
    explore(Preemptions { quick: 2, full: 4 }, || {
        let pool = pool(1, 0);
        assert_eq!(pool.install(|| 7), 7);
    });
}

#[test]
fn loom_entrance_mail_reaches_a_worker_that_falls_asleep() {
    explore(Preemptions { quick: 1, full: 3 }, || {
        let pool = pool(1, 1);
        assert_eq!(pool.broadcast(|cx| cx.index()), [0]);
    });
}
