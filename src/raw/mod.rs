//! The cellar. All `unsafe` is here; everything this module exports is safe to
//! call. It trusts its callers to be typed, and a `Host` in two things
//! that types cannot say: see there.

mod block;
mod canary;
mod current;
mod filled;
mod fork;
mod hand_over;
mod held;
mod job;
mod latch;
mod packet;
#[cfg_attr(any(loom, shuttle), allow(dead_code, reason = "a model has one process"))]
mod process;
mod scope;
mod slab;
mod spot;
mod stack;
mod verdict;
mod watch;

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;

#[cfg(all(test, not(any(loom, shuttle))))]
pub(crate) use self::packet::task_size;
#[cfg_attr(any(loom, shuttle), allow(unused_imports, reason = "as above"))]
pub(crate) use self::process::OfProcess;
#[cfg(all(test, any(loom, shuttle)))]
pub(crate) use self::slab::{Line, Open, Place, release};
pub(crate) use self::{
    block::{Blocks, Homes},
    current::Slot,
    filled::{Filled, Slots, fill},
    fork::fork_join,
    hand_over::hand_over,
    held::Held,
    job::{JobId, JobRef, Kind},
    latch::Latch,
    packet::{Front, Part, Policy, decided, task},
    process::at_fork,
    scope::{Returned, Ticket, scope, scope_outside},
    spot::Spot,
    stack::{ForkRef, ForkStack},
    verdict::Verdict,
    watch::Watch,
};

use crate::process::Process;

/// What sets the latch that somebody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LatchOf {
    Fork,
    Scope,
    Broadcast,
}

/// What the cellar asks of whoever runs jobs. Implemented by `worker::Worker`.
///
/// A host keeps the forks it is given in a `ForkStack` that stays on one thread
/// while it holds any.
pub(crate) trait Host: Sized + 'static {
    /// This worker's number, by which it is woken.
    fn index(&self) -> usize;
    /// Keeps `fork` for this thread, and for thieves if they are hungry.
    fn fork(&self, fork: ForkRef<Self>);
    /// Gives `fork` back if it is the newest and still private: the fast way.
    fn take_back(&self, fork: JobId) -> Option<ForkRef<Self>>;
    /// Gives `job` back if nobody has stolen it: the slow way.
    fn reclaim(&self, job: JobId) -> Option<JobRef<Self>>;
    /// This thread's blocks for small jobs.
    fn blocks(&self) -> &Blocks;
    /// Tickets that were given back on this thread.
    fn returned(&self) -> &Returned;
    /// Runs other jobs, or sleeps, until `latch` is set.
    fn wait(&self, latch: &Latch, whose: LatchOf);
    /// Wakes worker `owner`, which sleeps on a latch.
    fn wake(&self, owner: usize);
    /// Begins a stolen fork that will set `latch`.
    fn begin(&self, _latch: &Latch) {}
    /// Where its threads are: a job that comes back in the child of a fork finds
    /// none of them, nor the frames that were theirs.
    fn process(&self) -> Process;
}
