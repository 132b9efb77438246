//! What thieves take, and whether there is anything to take.

use std::time::Instant;

use super::Registry;
use crate::{
    deque::{Deque, Loot},
    raw::JobRef,
    sign::Holds,
    sync::{MODELLED, deque::Steal, spin_loop, thread},
};

/// How much of a victim's queue a thief may take.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Share {
    One,
    /// Half of a long queue: a backlog of spawns. One of a short one, and of
    /// forks: a fork is half of what is left.
    Half,
}

/// A victim's queue is long, and half of it is taken, from this length on.
const LONG_QUEUE: usize = if MODELLED { 4 } else { 9 };

/// The most jobs that one steal takes.
const MOST_STOLEN: usize = if MODELLED { 2 } else { 32 };

impl<C> Registry<C> {
    /// Takes the oldest job, or jobs, of `victim` for `thief`, who owns `into`.
    #[inline]
    pub(crate) fn steal(
        &self,
        victim: usize,
        thief: usize,
        share: Share,
        into: &Deque<C>,
    ) -> Option<JobRef<C>> {
        let loot = &self.slots[victim].loot;
        if loot.may_hold(Holds::Forks) { self.rob(loot, thief, share, into) } else { None }
    }

    fn rob(
        &self,
        loot: &Loot<C>,
        thief: usize,
        share: Share,
        into: &Deque<C>,
    ) -> Option<JobRef<C>> {
        let queued = loot.stealer.len();
        if queued == 0 {
            return None;
        }
        let counters = &self.slots[thief].counters;
        counters.steal_attempts.add(1);
        let many = share == Share::Half && queued >= LONG_QUEUE && loot.may_hold(Holds::Jobs);
        if many {
            let until = into.haul().end(counters.jobs_run.get(), MOST_STOLEN as u32, Instant::now);
            until.into_iter().for_each(leave_others_alone);
        }
        let half = (queued / 2).min(MOST_STOLEN);
        let batch = || loot.stealer.steal_batch_with_limit_and_pop(into.public(), half);
        let batch = if many { loot.batch(batch) } else { None };
        let many = batch.is_some();
        let stolen = batch.unwrap_or_else(|| loot.stealer.steal());
        match stolen {
            Steal::Success(job) => {
                counters.steals.add(1);
                if many {
                    into.haul().begin(counters.jobs_run.get(), Instant::now);
                    self.post_jobs();
                }
                Some(job)
            }
            // A lost race: somebody else has the job, so there are more
            // victims to try than this one.
            Steal::Retry => {
                counters.steal_races_lost.add(1);
                None
            }
            Steal::Empty => None,
        }
    }

    /// The oldest job in the public deque of `index`, for its owner; none also
    /// if a thief was quicker.
    pub(crate) fn take_oldest(&self, index: usize) -> Option<JobRef<C>> {
        match self.slots[index].loot.stealer.steal() {
            Steal::Success(job) => Some(job),
            Steal::Empty | Steal::Retry => None,
        }
    }

    pub(crate) fn has_stealable(&self) -> bool {
        self.has_loot(Holds::Forks)
    }

    /// Is there more to steal than forks?
    pub(super) fn has_stealable_jobs(&self) -> bool {
        self.has_loot(Holds::Jobs)
    }

    fn has_loot(&self, what: Holds) -> bool {
        self.slots_in_use().any(|slot| slot.loot.holds(what))
    }
}

/// Pauses between two offers of the processor to others meanwhile.
const PAUSES: u32 = 8;

fn leave_others_alone(until: Instant) {
    while Instant::now() < until {
        (0..PAUSES).for_each(|_| spin_loop());
        thread::yield_now();
    }
}
