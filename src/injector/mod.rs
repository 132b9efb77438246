//! The entrance: three bounded lanes for tasks, and a side door for closures
//! that a blocked caller lends to the pool.

mod hands;
mod lane;

use std::time::Instant;

pub(crate) use self::lane::Lane;

use crate::{
    config::Handlers,
    errands::{Errands, take},
    priority::{Priority, Turn},
    raw::JobRef,
    sync::{Arc, deque},
};

/// The index of who is no worker.
const NOBODY: usize = usize::MAX;

pub(crate) struct Injector<J> {
    lanes: [Lane<J>; 3],
    /// Without permits: each job here has a thread waiting for it, so there
    /// are never more of them than threads.
    side: deque::Injector<J>,
    pub(crate) errands: Errands<J>,
}

impl<C> Injector<JobRef<C>> {
    /// Drops every task that waits; says how many that were to run.
    pub(crate) fn discard(&self) -> usize {
        let tasks =
            self.lanes.iter().flat_map(|lane| std::iter::from_fn(|| lane.take(NOBODY, &|| ())));
        let tasks = tasks.chain(std::iter::from_fn(|| self.errands.take(0, 1)));
        tasks.map(JobRef::discard).filter(|&dropped| dropped).count()
    }
}

impl<J> Injector<J> {
    pub(crate) fn new(
        workers: usize,
        capacity: usize,
        epoch: Instant,
        handlers: &Arc<Handlers>,
    ) -> Self {
        Injector {
            lanes: Priority::ALL.map(|_| Lane::new(workers, capacity, epoch, handlers)),
            side: deque::Injector::new(),
            errands: Errands::new(workers),
        }
    }

    pub(crate) fn lane(&self, priority: Priority) -> &Lane<J> {
        &self.lanes[priority.lane()]
    }

    pub(crate) fn lanes(&self) -> &[Lane<J>; 3] {
        &self.lanes
    }

    pub(crate) fn push_side(&self, job: J) {
        self.side.push(job);
    }

    pub(crate) fn take_side(&self) -> Option<J> {
        take(&self.side)
    }

    /// For the thread of slot `index`: the oldest task of the lane whose turn it
    /// is. Errands share the turns of the normal lane with it, one by one. Who waits for room
    /// may be woken, after `before_wakes`.
    pub(crate) fn take(&self, index: usize, turn: &mut Turn, before_wakes: &dyn Fn()) -> Option<J> {
        let look = turn.next_look();
        let errand = || self.errands.take(index, look / 2);
        turn.pass(|priority| {
            let task = || self.lane(priority).take(index, before_wakes);
            match priority {
                Priority::Normal if look % 2 == 0 => errand().or_else(task),
                Priority::Normal => task().or_else(errand),
                _ => task(),
            }
        })
    }

    /// How many tasks worker `index` has in hand.
    pub(crate) fn held_by(&self, index: usize) -> usize {
        self.lanes.iter().map(|lane| lane.held_by(index)).sum()
    }

    pub(crate) fn has_side(&self) -> bool {
        !self.side.is_empty()
    }

    /// Is there no task in a lane, nor one on its way in?
    pub(crate) fn is_unused(&self) -> bool {
        self.lanes.iter().all(Lane::is_unused)
    }

    pub(crate) fn has_tasks(&self) -> bool {
        self.lanes.iter().any(|lane| !lane.is_empty()) || !self.errands.is_empty()
    }

    /// No more tasks; who waits to bring one is sent away.
    pub(crate) fn close(&self) {
        self.lanes.iter().for_each(|lane| lane.permits().close());
    }
}
