//! Frames on loan: what the owner reads after its wait.

use super::{
    crew::{Hand, hands},
    explore::{ANY, Cell, Preemptions, explore},
};
use crate::{
    parker::Parker,
    raw::{self, JobRef, LatchOf, Ticket},
    sync::{
        Arc,
        deque::{Injector, Steal},
        thread,
    },
};

/// ORDERING(done): what a stolen fork wrote is there when its owner goes on,
/// whether the owner was awake or asleep.
#[test]
fn loom_done_a_stolen_fork_is_seen_by_its_owner() {
    explore(Preemptions { quick: 3, full: ANY }, || {
        let mut hands = hands(2);
        let thief = hands.pop().unwrap();
        let owner = hands.pop().unwrap();
        let thread = thread::spawn(move || thief.steal_and_run(0));
        let cell = Cell::<u32>::default();
        let ((), result) = raw::fork_join(
            &owner,
            || (),
            || {
                cell.write(|value| *value += 7);
                "b"
            },
        );
        assert_eq!((result, cell.read(|value| *value)), ("b", 7));
        thread.join().unwrap();
    });
}

/// ORDERING(done): of two thieves and the owner one runs it.
#[test]
fn loom_done_a_fork_is_run_by_one_of_three() {
    explore(Preemptions { quick: 2, full: 4 }, || {
        let mut hands = hands(3);
        let thieves = [hands.pop().unwrap(), hands.pop().unwrap()];
        let owner = hands.pop().unwrap();
        let threads = thieves.map(|thief| thread::spawn(move || thief.steal_and_run(0)));
        let cell = Cell::<u32>::default();
        raw::fork_join(&owner, || (), || cell.write(|value| *value += 1));
        assert_eq!(cell.read(|value| *value), 1);
        let stolen = threads.map(|thread| thread.join().unwrap());
        assert!(!(stolen[0] && stolen[1]));
    });
}

/// ORDERING(done): a closure that was handed over is done before its caller
/// goes on.
#[test]
fn loom_done_a_lent_closure_is_seen_by_its_caller() {
    explore(Preemptions { quick: 3, full: ANY }, || {
        let hand = hands(1).pop().unwrap();
        let shared = Arc::new((Injector::<JobRef<Hand>>::new(), Parker::new()));
        let runner = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            runner.1.park();
            let Steal::Success(job) = runner.0.steal() else { unreachable!("pushed before") };
            job.run(&hand);
        });
        let cell = Cell::<u32>::default();
        let parker = Arc::new(Parker::new());
        let inject = |job| {
            shared.0.push(job);
            shared.1.unpark();
        };
        raw::hand_over(
            parker.waker(),
            inject,
            |_| parker.park(),
            |_| cell.write(|value| *value += 3),
        );
        assert_eq!(cell.read(|value| *value), 3);
        thread.join().unwrap();
    });
}

/// ORDERING(count): a body that ends after all its jobs sees what they did,
/// although nobody sets a latch for it.
#[test]
fn loom_count_a_body_that_ends_last_sees_its_jobs() {
    explore(Preemptions { quick: 3, full: ANY }, || {
        let mut hands = hands(2);
        let thief = hands.pop().unwrap();
        let owner = hands.pop().unwrap();
        let thread = thread::spawn(move || thief.steal_and_run(0));
        let cell = Cell::<u32>::default();
        raw::scope(&owner, LatchOf::Scope, (), |ticket: Ticket<'_, ()>| {
            owner.push(ticket.job(Some(&owner), |ticket| {
                cell.write(|value| *value += 1);
                ticket
            }));
            (Some(()), ticket)
        });
        assert_eq!(cell.read(|value| *value), 1);
        thread.join().unwrap();
    });
}

/// ORDERING(count): a scope ends after the last of its jobs, wherever they ran.
#[test]
fn loom_count_a_scope_ends_after_its_last_job() {
    explore(Preemptions { quick: 3, full: ANY }, || {
        let mut hands = hands(2);
        let thief = hands.pop().unwrap();
        let owner = hands.pop().unwrap();
        let thread = thread::spawn(move || thief.steal_and_run(0));
        let cells = <[Cell<u32>; 2]>::default();
        raw::scope(&owner, LatchOf::Scope, (), |ticket: Ticket<'_, ()>| {
            for cell in &cells {
                owner.push(ticket.job(Some(&owner), move |ticket| {
                    cell.write(|value| *value += 1);
                    ticket
                }));
            }
            (Some(()), ticket)
        });
        assert_eq!(cells.iter().map(|cell| cell.read(|value| *value)).sum::<u32>(), 2);
        thread.join().unwrap();
    });
}
