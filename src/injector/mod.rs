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
    /// Drops every task that waits.
    pub(crate) fn discard(&self) {
        let tasks =
            self.lanes.iter().flat_map(|lane| std::iter::from_fn(|| lane.take(NOBODY, &|| ())));
        let tasks = tasks.chain(std::iter::from_fn(|| self.errands.take(0, 1)));
        for task in tasks {
            task.discard();
        }
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
        turn.pass(|priority, looks| {
            let task = || self.lane(priority).take(index, before_wakes);
            if priority != Priority::Normal {
                return task();
            }
            let errands_first = looks.next_normal() % 2 == 0;
            let mut errand = || self.errands.take(index, looks.next_errand());
            if errands_first { errand().or_else(task) } else { task().or_else(errand) }
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

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use std::{collections::BTreeSet, time::Instant};

    use super::Injector;
    use crate::{
        priority::{Priority, Turn},
        sync::Arc,
    };

    /// From here on a job is a lane's, whose number is added; below, an errand of that worker's.
    const LANES: usize = 1000;

    fn put_in(injector: &Injector<usize>, job: usize) {
        let Some(lane) = job.checked_sub(LANES) else {
            return injector.errands.push(Some(job), job);
        };
        let lane = &injector.lanes[lane];
        lane.push(job, lane.try_acquire().unwrap());
    }

    /// Nothing beats with anything: whatever is full, each gets its turn.
    #[test]
    fn no_errand_waits_for_ever_beside_full_lanes_and_others_errands() {
        for (workers, full) in (1..=12).flat_map(|workers| (0..8).map(move |full| (workers, full)))
        {
            let injector = Injector::new(workers, 100, Instant::now(), &Arc::default());
            let lanes = Priority::ALL.map(Priority::lane).into_iter();
            let lanes = lanes.filter(|lane| full >> lane & 1 == 1).map(|lane| LANES + lane);
            // The last queue is everybody's.
            let jobs: Vec<usize> = (0..=workers).chain(lanes).collect();
            jobs.iter().for_each(|&job| put_in(&injector, job));
            let (mut turn, mut taken) = (Turn::default(), BTreeSet::new());
            for _ in 0..100 * jobs.len() {
                let job = injector.take(0, &mut turn, &|| ()).expect("there is always more");
                taken.insert(job);
                put_in(&injector, job);
            }
            assert!(jobs.iter().all(|job| taken.contains(job)), "{workers} {full}: {taken:?}");
        }
    }
}
