//! Waits for tasks that a keeper has.
//!
//! A worker that joins a task runs it then and there. If a keeper has it, it may run
//! only what the keeper lets it; else it waits, and tries again when the keeper says
//! that things have changed: it may be too deep in waits for the pool's own jobs, and
//! then nobody else would be there to see to it.

use std::{
    cell::{Cell, RefCell},
    time::Instant,
};

use super::{
    joining::{Finish, run_here},
    packet::Task,
};
use crate::{
    parker::Parker,
    raw::Slot,
    registry::Registry,
    sync::{Arc, thread_local},
    turnstile::Room,
    worker::{Awaited, Keeper, Kept, Worker, wait_on, work_once},
};

/// A task that is waited for, and how long.
struct Waited<'a, T>(&'a Task<T>, Option<Instant>);

impl<T> Kept for Waited<'_, T> {
    fn run(&self, worker: &Worker) -> bool {
        run_here(self.0, worker)
    }

    fn is_started(&self) -> bool {
        self.0.is_started()
    }

    fn is_late(&self) -> bool {
        self.1.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

/// Waits for a task on a worker of `home`.
pub(super) fn wait<T>(
    task: &mut Task<T>,
    keeper: &Arc<dyn Keeper>,
    home: &Arc<Registry<Worker>>,
    deadline: Option<Instant>,
) {
    let parker = Parker::current();
    // One wait, however often it is woken.
    let mut noted = None;
    while !task.is_done() {
        let waited = Waited(task, deadline);
        let help = |worker: Option<&Worker>| {
            worker.is_some_and(|worker| {
                worker.run_joined(|worker| Arc::clone(keeper).help(worker, &waited))
            })
        };
        // Before a look at the clock: in no time, too, what can be done is done.
        let has_helped = !task.is_started() && Worker::of(home, help);
        if has_helped && task.is_done() || waited.is_late() {
            return;
        }
        if !has_helped && deadline.is_none() && !task.is_started() {
            keeper.check_wait();
        }
        let finish = Finish { task: RefCell::new(task), waker: parker.waker() };
        let awaited = DoneOrDue { finish, keeper };
        let why = || awaited.finish.cause();
        if has_helped && keeper.may_help() {
            // A future that wakes itself may wait for a job of this thread.
            work_once(&mut noted, &awaited, &why, home);
        } else {
            wait_on(&mut noted, &awaited, &why, &parker, Some(home), deadline);
        }
        if Waited(task, deadline).is_late() {
            return;
        }
    }
}

/// The task is done, or this thread may do something for it.
struct DoneOrDue<'a, T> {
    finish: Finish<'a, T>,
    keeper: &'a Arc<dyn Keeper>,
}

impl<T> Awaited for DoneOrDue<'_, T> {
    fn is_over(&self) -> bool {
        let is_started = self.finish.task.borrow().is_started();
        self.finish.is_over() || (!is_started && self.keeper.may_help())
    }

    fn will_wake(&self) -> bool {
        self.keeper.wake_to_help(&self.finish.waker);
        self.finish.will_wake() || self.is_over()
    }
}

/// What a thread is in, for its keeper: by address, and number within.
pub(super) type Place = (usize, u64);

/// A task in a place, and by whose leave.
struct Stay {
    place: Place,
    room: Room,
    /// Not given up yet.
    held: Cell<bool>,
}

thread_local! {
    /// The place that this thread is in. Nothing is dropped at the thread's end, so it is there
    /// as long as anybody may ask.
    static INSIDE: Slot<Stay> = const { Slot::new() };
}

/// Runs `f` in `place`.
pub(super) fn inside<R>(place: Place, room: Room, f: impl FnOnce() -> R) -> R {
    let stay = Stay { place, room, held: Cell::new(true) };
    INSIDE.with(|inside| inside.enter(&stay, f))
}

/// Is this thread in `place`, now or further up its stack?
pub(super) fn is_inside(place: Place) -> bool {
    let mut found = false;
    INSIDE.with(|inside| {
        inside.find(&mut |stay| {
            found = stay.place == place && stay.held.get();
            found
        });
    });
    found
}

/// Gives up the innermost place, and says by whose leave it was entered. Its task has a result
/// by now, but perhaps code to run that has no use for that: a destructor, a handler, a waker.
pub(super) fn give_up() -> Room {
    Slot::with(&INSIDE, |inside| {
        inside.map_or(Room::Own, |stay| {
            stay.held.set(false);
            stay.room
        })
    })
}
