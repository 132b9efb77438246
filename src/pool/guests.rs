//! Seats for outside threads that work inside the pool.

use std::mem;

use crate::{sync::Mutex, worker::Worker};

/// The free seats, the best one last.
pub(super) struct Guests {
    // Boxed, so that sitting down moves one word and not a whole worker.
    #[allow(clippy::vec_box, reason = "moved at every call from outside")]
    seats: Mutex<Vec<Box<Worker>>>,
    count: usize,
}

/// A seat that is taken; it is free again when this is dropped.
pub(super) struct Seat<'a> {
    guests: &'a Guests,
    worker: Option<Box<Worker>>,
}

impl Guests {
    pub(super) fn new(seats: impl Iterator<Item = Worker>) -> Self {
        // The first one last: seats that are never taken are never looked at.
        let mut seats: Vec<_> = seats.map(Box::new).collect();
        seats.reverse();
        Guests { count: seats.len(), seats: Mutex::new(seats) }
    }

    pub(super) fn sit_down(&self) -> Option<Seat<'_>> {
        let mut seats = self.seats.lock();
        let worker = seats.pop()?;
        worker.sit_down(self.count - seats.len());
        drop(seats);
        Some(Seat { guests: self, worker: Some(worker) })
    }
}

impl Seat<'_> {
    pub(super) fn worker(&self) -> &Worker {
        self.worker.as_deref().expect("there until dropped")
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let Some(worker) = self.worker.take() else { return };
        if !worker.registry().process.is_current() {
            // The seats may be locked for ever.
            return mem::forget(worker);
        }
        let mut seats = self.guests.seats.lock();
        worker.stand_up(self.guests.count - seats.len() - 1);
        if worker.has_queued() {
            // What the guest spawned stays behind for the workers. To the
            // bottom, so that the next guest does not find it in its way.
            seats.insert(0, worker);
        } else {
            seats.push(worker);
        }
    }
}
