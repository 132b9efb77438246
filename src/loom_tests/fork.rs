//! Frames on loan: what the owner reads after its wait.

use std::task::Waker;

use loom::{cell::UnsafeCell, thread};

use super::crew::hands;
use crate::{
    parker::Parker,
    raw::{self, Ticket},
    sync::Arc,
};

/// Shared with jobs; loom checks that no two accesses race.
struct Cell(UnsafeCell<u32>);

// SAFETY: loom checks it.
unsafe impl Sync for Cell {}

impl Cell {
    fn add(&self, n: u32) {
        // SAFETY: loom checks it.
        self.0.with_mut(|value| unsafe { *value += n });
    }

    fn get(&self) -> u32 {
        // SAFETY: loom checks it.
        self.0.with(|value| unsafe { *value })
    }
}

/// ORDERING(done): what a stolen fork wrote is there when its owner goes on,
/// whether the owner was awake or asleep.
#[test]
fn loom_done_a_stolen_fork_is_seen_by_its_owner() {
    loom::model(|| {
        let mut hands = hands(2);
        let thief = hands.pop().unwrap();
        let owner = hands.pop().unwrap();
        let thread = thread::spawn(move || thief.steal_and_run(0));
        let cell = Cell(UnsafeCell::new(0));
        let ((), result) = raw::fork_join(
            &owner,
            || (),
            || {
                cell.add(7);
                "b"
            },
        );
        assert_eq!((result, cell.get()), ("b", 7));
        thread.join().unwrap();
    });
}

/// ORDERING(done): a closure that was handed over is done before its caller
/// goes on.
#[test]
fn loom_done_a_lent_closure_is_seen_by_its_caller() {
    loom::model(|| {
        let hand = hands(1).pop().unwrap();
        let parker = Arc::new(Parker::new());
        let (send, receive) = loom::sync::mpsc::channel();
        let thread = thread::spawn(move || {
            let job: raw::JobRef<super::crew::Hand> = receive.recv().unwrap();
            job.run(&hand);
        });
        let cell = Cell(UnsafeCell::new(0));
        let waker: Waker = parker.waker();
        let inject = |job| assert!(send.send(job).is_ok());
        raw::hand_over(waker, inject, |_| parker.park(), |_| cell.add(3));
        assert_eq!(cell.get(), 3);
        thread.join().unwrap();
    });
}

/// ORDERING(count): a body that ends after all its jobs sees what they did,
/// although nobody sets a latch for it.
#[test]
fn loom_count_a_body_that_ends_last_sees_its_jobs() {
    loom::model(|| {
        let mut hands = hands(2);
        let thief = hands.pop().unwrap();
        let owner = hands.pop().unwrap();
        let thread = thread::spawn(move || thief.steal_and_run(0));
        let cell = Cell(UnsafeCell::new(0));
        raw::scope(&owner, (), |ticket: Ticket<'_, ()>| {
            owner.push(ticket.job(Some(&owner), |ticket| {
                cell.add(1);
                ticket
            }));
            (Some(()), ticket)
        });
        assert_eq!(cell.get(), 1);
        thread.join().unwrap();
    });
}

/// ORDERING(count): a scope ends after the last of its jobs, wherever they ran.
#[test]
fn loom_count_a_scope_ends_after_its_last_job() {
    loom::model(|| {
        let mut hands = hands(2);
        let thief = hands.pop().unwrap();
        let owner = hands.pop().unwrap();
        let thread = thread::spawn(move || thief.steal_and_run(0));
        let cells = [Cell(UnsafeCell::new(0)), Cell(UnsafeCell::new(0))];
        raw::scope(&owner, (), |ticket: Ticket<'_, ()>| {
            for cell in &cells {
                owner.push(ticket.job(Some(&owner), move |ticket| {
                    cell.add(1);
                    ticket
                }));
            }
            (Some(()), ticket)
        });
        assert_eq!(cells[0].get() + cells[1].get(), 2);
        thread.join().unwrap();
    });
}
