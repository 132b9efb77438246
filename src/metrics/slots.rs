//! From what slots and lanes count to what is shown.

use std::time::Duration;

use super::{LaneMetrics, WorkerMetrics};
use crate::{
    counters::Counters,
    injector::Lane,
    raw::JobRef,
    registry::{Registry, Slot},
    worker::Worker,
};

impl WorkerMetrics {
    /// Of worker `index`.
    pub(super) fn of_worker(index: usize, registry: &Registry<Worker>) -> Self {
        let slot = WorkerMetrics::of(registry.slot(index));
        let queue_depth = slot.queue_depth + registry.injector.held_by(index);
        WorkerMetrics { queue_depth, ..slot }
    }

    fn of(slot: &Slot<Worker>) -> Self {
        let counters: &Counters = &slot.counters;
        let spent = counters.clock.read();
        WorkerMetrics {
            jobs_run: counters.jobs_run.get(),
            steal_races_lost: counters.steal_races_lost.get(),
            steals: counters.steals.get(),
            // After `steals`: never fewer attempts than steals.
            steal_attempts: counters.steal_attempts.get(),
            wakes: counters.wakes.get(),
            parks: counters.parks.get(),
            busy: spent.busy,
            searching: spent.searching,
            parked: spent.parked,
            blocked: spent.blocked,
            lock_wait: Duration::from_nanos(counters.lock_wait_nanos.get()),
            tasks_completed: counters.tasks_completed.get(),
            tasks_panicked: counters.tasks_panicked.get(),
            queue_depth: slot.queue_depth(),
        }
    }

    /// All of these slots' counts and times, but for those of their rest.
    pub(super) fn together(slots: &[Slot<Worker>]) -> Self {
        let mut sum = WorkerMetrics::default();
        for slot in slots.iter().map(WorkerMetrics::of) {
            sum.each_count(&slot, |sum, slot| *sum += slot);
            sum.each_time(&slot, |sum, slot| *sum += slot);
            sum.queue_depth += slot.queue_depth;
        }
        WorkerMetrics { parked: Duration::ZERO, ..sum }
    }

    pub(super) fn each_count(&mut self, other: &Self, f: impl Fn(&mut u64, u64)) {
        f(&mut self.jobs_run, other.jobs_run);
        f(&mut self.steal_attempts, other.steal_attempts);
        f(&mut self.steals, other.steals);
        f(&mut self.steal_races_lost, other.steal_races_lost);
        f(&mut self.parks, other.parks);
        f(&mut self.wakes, other.wakes);
        f(&mut self.tasks_completed, other.tasks_completed);
        f(&mut self.tasks_panicked, other.tasks_panicked);
    }

    pub(super) fn each_time(&mut self, other: &Self, f: impl Fn(&mut Duration, Duration)) {
        f(&mut self.busy, other.busy);
        f(&mut self.searching, other.searching);
        f(&mut self.parked, other.parked);
        f(&mut self.blocked, other.blocked);
        f(&mut self.lock_wait, other.lock_wait);
    }
}

impl LaneMetrics {
    pub(super) fn of(lane: &Lane<JobRef<Worker>>) -> Self {
        LaneMetrics {
            depth: lane.depth(),
            capacity: lane.capacity(),
            high_water: lane.high_water(),
            accepted: lane.ledger().accepted(),
            rejected: lane.rejected(),
            blocked_submitters: lane.blocked_submitters(),
            oldest_wait: lane.oldest_wait(),
        }
    }
}
