//! The CPUs are counted while the size of the pool is set by hand, and while it ends.

use std::{io, time::Duration};

use super::{
    explore::{ANY, Cell, Preemptions, Tracked, explore},
    house::STACK,
};
use crate::{
    ThreadBuilder, ThreadPool,
    config::{Config, Handlers},
    parker::Parker,
    pool::Start,
    registry::Phase,
    sync::{Arc, thread},
};

/// A pool that counts its CPUs again and again, on its timer's thread.
pub(super) struct Follower {
    pub(super) pool: ThreadPool,
    /// So many, by whoever looks.
    looks: Arc<Cell<usize>>,
    /// Set when what it was to find is found, and dealt with.
    pub(super) found: Arc<Parker>,
    /// Lets it look on after that, which a worker does that leaves: in a model, looks
    /// that nobody waits for have no end unless the pool has.
    on: Arc<Parker>,
}

/// It finds `cpus`, one after the other, the first while it is built.
pub(super) fn follower(workers: usize, cpus: &'static [usize], start: Start<'_>) -> Follower {
    let [found, on] = [(); 2].map(|()| Arc::new(Parker::new()));
    let (say, wait, leaves) = (Arc::clone(&found), Arc::clone(&on), Arc::clone(&on));
    let (looks, tracked) = (Arc::new(Cell::<usize>::default()), Tracked::default());
    let counter = Arc::clone(&looks);
    let look = move || {
        let _held = &tracked;
        let look = counter.write(|looks| (*looks, *looks += 1).0);
        if look == cpus.len() {
            say.unpark();
            wait.park();
        }
        cpus[look.min(cpus.len() - 1)]
    };
    let config = Config {
        num_threads: Some(workers),
        injector_capacity: 2,
        max_guests: 0,
        max_stand_ins: 0,
        idle_spin: Duration::ZERO,
        door_patience: None,
        stack_size: Some(STACK),
        // A model has no clock: a period that is over at once.
        follow_cpu_quota: Some(Duration::from_nanos(1)),
        cpus: Some(Box::new(look)),
        handlers: Handlers { exit: Some(Box::new(move |_| leaves.unpark())), ..Default::default() },
        ..Config::default()
    };
    let pool = ThreadPool::start(config, |index| index.to_string(), start);
    Follower { pool: pool.expect("a model refuses no thread"), looks, found, on }
}

/// One whose workers are never run.
fn unmanned(workers: usize, cpus: &'static [usize]) -> (Follower, Vec<ThreadBuilder>) {
    let mut threads = Vec::new();
    let follower = follower(workers, cpus, &mut |thread| {
        threads.push(thread);
        Ok(None)
    });
    (follower, threads)
}

pub(super) fn manned(thread: ThreadBuilder) -> io::Result<Option<thread::JoinHandle<()>>> {
    thread::Builder::new().stack_size(STACK).spawn(|| thread.run()).map(Some)
}

impl Follower {
    /// How many workers are on duty, which all say.
    pub(super) fn on_duty(&self) -> usize {
        let (registry, active) = (self.pool.registry(), self.pool.active_threads());
        let is_whole = |index| registry.staff.is_on_duty(index) == (index < active);
        assert!((0..registry.workers()).all(is_whole));
        active
    }

    pub(super) fn end(self, threads: Vec<ThreadBuilder>) {
        let registry = Arc::clone(self.pool.registry());
        registry.advance(Phase::Ending);
        self.on.unpark();
        drop(threads);
        self.pool.shutdown();
        // Nobody looks any more.
        self.looks.read(|&looks| assert!(looks > 0));
        // Loom sees no counts of an `Arc`, and would run what the timer may have left
        // only after the registry is gone.
        registry.timer.dismiss();
        assert!(Arc::into_inner(registry).is_some());
    }
}

#[test]
fn loom_quota_what_is_set_by_hand_holds_while_it_finds_the_same() {
    explore(Preemptions { quick: 4, full: ANY }, || {
        let (follower, threads) = unmanned(2, &[1, 1]);
        follower.pool.set_active_threads(2).unwrap();
        follower.found.park();
        assert_eq!(follower.pool.active_threads(), 2);
        follower.end(threads);
    });
}

#[test]
fn loom_quota_a_change_beside_one_by_hand_is_the_one_or_the_other() {
    explore(Preemptions { quick: 4, full: ANY }, || {
        let (follower, threads) = unmanned(4, &[4, 1]);
        follower.pool.set_active_threads(3).unwrap();
        follower.found.park();
        let active = follower.on_duty();
        assert!(active == 1 || active == 3);
        let registry = follower.pool.registry();
        // Half of those on duty may search.
        let searchers = (0..4).filter(|_| registry.sleep.start_searching()).count();
        assert_eq!(searchers, active.div_ceil(2));
        (0..searchers).for_each(|_| assert!(registry.sleep.stop_searching(|_| false)));
        follower.end(threads);
    });
}

#[test]
fn loom_quota_looks_no_more_when_the_pool_is_over() {
    explore(Preemptions { quick: 4, full: 5 }, || {
        let (follower, threads) = unmanned(2, &[2, 1]);
        follower.end(threads);
    });
}

#[test]
fn loom_quota_a_pool_that_ends_on_its_worker_is_let_go_by_who_looks() {
    explore(Preemptions { quick: 2, full: 3 }, || {
        let Follower { pool, .. } = follower(1, &[1, 1], &mut manned);
        let pool = Arc::new(pool);
        let inside = Arc::clone(&pool);
        let task = pool.spawn(move || drop(inside));
        drop(pool);
        task.join().unwrap();
    });
}
