//! A strand: no job is left behind when its runner goes, and there are never two.

use super::{
    explore::{ANY, Cell, Preemptions, explore},
    house::{builder, pool},
};
use crate::{
    parker::Parker,
    strands::Strands,
    sync::{Arc, AtomicUsize, Ordering, thread},
};

const KEY: u64 = 7;

/// The strands of a pool, and the tickets of one of them that are on their way.
struct Pool {
    strands: Strands<usize>,
    tickets: AtomicUsize,
    /// What the runner has for itself: the jobs that ran.
    ran: Cell<Vec<usize>>,
}

impl Pool {
    fn new() -> Arc<Self> {
        let (strands, tickets) = (Strands::new(), AtomicUsize::new(0));
        Arc::new(Pool { strands, tickets, ran: Cell::default() })
    }

    fn push(&self, job: usize) {
        self.tickets.fetch_add(usize::from(self.strands.push(KEY, job)), Ordering::SeqCst);
    }

    /// Runs the strand until it is empty, and leaves.
    fn run(&self) {
        while let Some(job) = self.strands.next(KEY) {
            self.ran.write(|ran| ran.push(job));
        }
        let left = self.strands.leave(KEY);
        self.tickets.fetch_add(usize::from(left.ticket), Ordering::SeqCst);
        left.wakers.into_iter().for_each(|waker| waker.wake());
    }

    /// Sees to one ticket, if there is one.
    fn serve(&self) -> bool {
        let one_less = |tickets: usize| tickets.checked_sub(1);
        let taken = self.tickets.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok();
        if taken && self.strands.arrive(KEY) {
            self.run();
        }
        taken
    }
}

#[test]
fn loom_strand_a_job_that_comes_as_the_runner_goes_is_not_left_behind() {
    explore(Preemptions { quick: ANY, full: ANY }, || {
        let pool = Pool::new();
        pool.push(0);
        let spawner = {
            let pool = Arc::clone(&pool);
            thread::spawn(move || {
                pool.push(1);
                pool.serve();
            })
        };
        pool.serve();
        spawner.join().unwrap();
        while pool.serve() {}
        pool.ran.read(|ran| assert_eq!(*ran, [0, 1]));
        assert!(!pool.strands.is_idle(KEY));
    });
}

#[test]
fn loom_strand_a_joiner_and_a_ticket_are_never_at_it_both() {
    explore(Preemptions { quick: ANY, full: ANY }, || {
        let pool = Pool::new();
        pool.push(0);
        let joiner = {
            let pool = Arc::clone(&pool);
            thread::spawn(move || {
                pool.push(1);
                if pool.strands.begin(KEY) {
                    pool.run();
                }
            })
        };
        pool.serve();
        joiner.join().unwrap();
        while pool.serve() {}
        pool.ran.read(|ran| assert_eq!(*ran, [0, 1]));
    });
}

#[test]
fn loom_strand_a_joiner_hears_that_the_runner_goes() {
    explore(Preemptions { quick: ANY, full: ANY }, || {
        let pool = Pool::new();
        pool.push(0);
        assert!(pool.strands.arrive(KEY));
        pool.push(1);
        let joiner = {
            let pool = Arc::clone(&pool);
            thread::spawn(move || {
                let parker = Arc::new(Parker::new());
                while !pool.strands.begin(KEY) {
                    pool.strands.wake_at_leave(KEY, &parker.waker());
                    if !pool.strands.is_idle(KEY) {
                        parker.park();
                    }
                }
                pool.run();
            })
        };
        // A turn of one job; the ticket for the rest comes to nobody.
        assert_eq!(pool.strands.next(KEY), Some(0));
        pool.strands.leave(KEY).wakers.into_iter().for_each(|waker| waker.wake());
        joiner.join().unwrap();
        pool.ran.read(|ran| assert_eq!(*ran, [1]));
    });
}

#[test]
fn loom_strand_a_pool_keeps_the_order_of_a_key() {
    explore(Preemptions { quick: 1, full: 2 }, || {
        let pool = pool(1, 0);
        let log = Arc::new(Cell::<Vec<u32>>::default());
        let tasks = [0, 1].map(|n| {
            let log = Arc::clone(&log);
            pool.spawn_keyed(KEY, move || log.write(|log| log.push(n)))
        });
        tasks.into_iter().for_each(|task| task.join().unwrap());
        pool.shutdown();
        log.read(|log| assert_eq!(*log, [0, 1]));
    });
}

/// One more than a turn has.
#[test]
fn loom_strand_a_pool_keeps_the_order_from_turn_to_turn() {
    explore(Preemptions { quick: 1, full: 2 }, || {
        let pool = builder(1, 0).injector_capacity(3).build().unwrap();
        let log = Arc::new(Cell::<Vec<u32>>::default());
        (0..3).for_each(|n| {
            let log = Arc::clone(&log);
            drop(pool.spawn_keyed(KEY, move || log.write(|log| log.push(n))));
        });
        pool.shutdown();
        log.read(|log| assert_eq!(*log, [0, 1, 2]));
    });
}
