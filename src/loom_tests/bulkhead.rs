//! A bulkhead: the next of its queue is never forgotten, the limit never exceeded.

use std::panic::resume_unwind;

use super::{
    explore::{ANY, Cell, Preemptions, explore},
    house::pool,
};
use crate::{
    parker::Parker,
    sync::{Arc, AtomicUsize, Ordering, thread},
    turnstile::{End, Room, Turnstile},
};

/// A turnstile for one, and the tickets on their way.
struct Bulkhead {
    turnstile: Turnstile<u32>,
    tickets: AtomicUsize,
    /// What the job that is let in has for itself.
    room: Cell<()>,
}

impl Bulkhead {
    /// With a job that was let in.
    fn occupied() -> Arc<Self> {
        let (turnstile, tickets) = (Turnstile::new(1), AtomicUsize::new(0));
        let bulkhead = Bulkhead { turnstile, tickets, room: Cell::default() };
        bulkhead.push(0);
        assert_eq!(bulkhead.turnstile.arrive(), Some(0));
        bulkhead.tickets.store(0, Ordering::SeqCst);
        Arc::new(bulkhead)
    }

    fn push(&self, job: u32) {
        let pushed = self.turnstile.push(job, |_, job| (job, ()));
        let ((), tickets) = pushed.unwrap_or_else(|_| unreachable!("it is open"));
        self.tickets.fetch_add(tickets, Ordering::SeqCst);
    }

    /// A job that was let in does what it does, and leaves.
    fn leave(&self) {
        self.room.write(|()| ());
        let due = self.turnstile.leave(Room::Own, None, End::Completed);
        self.tickets.fetch_add(due.tickets, Ordering::SeqCst);
        due.wakers.into_iter().for_each(|waker| waker.wake());
    }

    /// Sees to the tickets that are out; how many jobs that let in.
    fn serve(&self) -> usize {
        let mut served = 0;
        while self.tickets.load(Ordering::SeqCst) > 0 {
            self.tickets.fetch_sub(1, Ordering::SeqCst);
            if self.turnstile.arrive().is_some() {
                self.leave();
                served += 1;
            }
        }
        served
    }
}

#[test]
fn loom_bulkhead_a_job_that_comes_as_one_leaves_is_not_forgotten() {
    explore(Preemptions { quick: ANY, full: ANY }, || {
        let bulkhead = Bulkhead::occupied();
        let spawner = {
            let bulkhead = Arc::clone(&bulkhead);
            thread::spawn(move || bulkhead.push(1))
        };
        bulkhead.leave();
        spawner.join().unwrap();
        assert_eq!(bulkhead.serve(), 1);
    });
}

#[test]
fn loom_bulkhead_a_joiner_hears_of_the_room() {
    explore(Preemptions { quick: ANY, full: ANY }, || {
        let bulkhead = Bulkhead::occupied();
        let joiner = {
            let bulkhead = Arc::clone(&bulkhead);
            thread::spawn(move || {
                let parker = Arc::new(Parker::new());
                while !bulkhead.turnstile.admit() {
                    bulkhead.turnstile.wake_at_leave(&parker.waker());
                    if !bulkhead.turnstile.has_room() {
                        parker.park();
                    }
                }
                bulkhead.leave();
            })
        };
        bulkhead.leave();
        joiner.join().unwrap();
        assert_eq!(bulkhead.turnstile.counts().completed, 2);
    });
}

#[test]
fn loom_bulkhead_a_close_leaves_a_job_refused_or_queued() {
    explore(Preemptions { quick: ANY, full: ANY }, || {
        let bulkhead = Bulkhead::occupied();
        let closer = {
            let bulkhead = Arc::clone(&bulkhead);
            thread::spawn(move || bulkhead.turnstile.close())
        };
        let accepted = bulkhead.turnstile.push(1, |_, job| (job, ())).is_ok();
        closer.join().unwrap();
        assert_eq!(bulkhead.turnstile.queued(), usize::from(accepted));
        assert!(bulkhead.turnstile.push(2, |_, job| (job, ())).is_err());
    });
}

#[test]
fn loom_bulkhead_a_pool_runs_one_after_the_other() {
    explore(Preemptions { quick: 1, full: 2 }, || {
        let pool = pool(1, 0);
        let class = pool.bulkhead("class").limit(1).queue(1).build().unwrap();
        let room = Arc::new(Cell::<u32>::default());
        let tasks = [(); 2].map(|()| {
            let room = Arc::clone(&room);
            class.spawn(move || room.write(|ran| *ran += 1))
        });
        tasks.into_iter().for_each(|task| task.join().unwrap());
        pool.shutdown();
        room.read(|&ran| assert_eq!(ran, 2));
    });
}

#[test]
fn loom_bulkhead_a_panic_gives_its_place_back() {
    explore(Preemptions { quick: 1, full: 2 }, || {
        let pool = pool(1, 0);
        let class = pool.bulkhead("class").limit(1).queue(1).build().unwrap();
        let panics = class.spawn(|| resume_unwind(Box::new(7)));
        let next = class.spawn(|| ());
        assert!(panics.join().unwrap_err().is_panic());
        next.join().unwrap();
    });
}
