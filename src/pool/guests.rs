//! Seats for outside threads that work inside the pool.

use std::mem;

use crate::{raw::Spot, sync::Mutex, worker::Worker};

/// The free seats.
pub(super) struct Guests {
    /// For who comes alone: it has no lock.
    first: Spot<Worker>,
    // Boxed, so that sitting down moves one word and not a whole worker.
    #[allow(clippy::vec_box, reason = "moved at every call from outside")]
    /// The best one last.
    others: Mutex<Vec<Box<Worker>>>,
    /// How many others there are.
    count: usize,
}

/// A seat that is taken; it is free again when this is dropped.
pub(super) struct Seat<'a> {
    guests: &'a Guests,
    worker: Option<Box<Worker>>,
    is_first: bool,
}

impl Guests {
    pub(super) fn new(seats: impl Iterator<Item = Worker>) -> Self {
        let mut seats = seats.map(Box::new);
        let first = Spot::new(seats.next());
        // The first one last: seats that are never taken are never looked at.
        let mut others: Vec<_> = seats.collect();
        others.reverse();
        // Room for one more, see `exchange`.
        let count = others.len();
        others.reserve_exact(1);
        Guests { first, count, others: Mutex::new(others) }
    }

    pub(super) fn sit_down(&self) -> Option<Seat<'_>> {
        let first = self.first.take();
        let is_first = first.is_some();
        let worker = match first {
            Some(worker) => {
                worker.registry().sleep.crowd.take_first_seat();
                worker
            }
            None => {
                let mut others = self.others.lock();
                let worker = others.pop()?;
                worker.registry().sleep.crowd.set_others_seated(self.count - others.len());
                worker
            }
        };
        worker.sit_down();
        Some(Seat { guests: self, worker: Some(worker), is_first })
    }

    /// What its guest spawned stays behind in `worker` for the workers. To the bottom, so
    /// that the next guest does not find it in its way: that is given another seat, if
    /// one is free.
    #[cold]
    fn exchange(&self, worker: Box<Worker>) -> Box<Worker> {
        let mut others = self.others.lock();
        others.insert(0, worker);
        others.pop().expect("one was put there")
    }
}

impl Seat<'_> {
    #[inline]
    pub(super) fn worker(&self) -> &Worker {
        self.worker.as_deref().expect("there until dropped")
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let Some(mut worker) = self.worker.take() else { return };
        if !worker.registry().process.is_current() {
            // The seats may be locked for ever.
            return mem::forget(worker);
        }
        worker.stand_up();
        if worker.has_queued() {
            worker.leave_as_guest();
            worker = self.guests.exchange(worker);
        }
        let sleep = &worker.registry().sleep;
        if self.is_first {
            sleep.crowd.leave_first_seat();
            self.guests.first.put(worker);
        } else {
            let mut others = self.guests.others.lock();
            sleep.crowd.set_others_seated(self.guests.count - others.len() - 1);
            others.push(worker);
        }
    }
}
