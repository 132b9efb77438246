//! What a worker does at a fork: keep it private, or publish it.

use super::{
    Awaited, Worker,
    wait::{ScopeEnd, each_worker},
    wait_for,
};
use crate::{
    parker::Parker,
    process::Process,
    raw::{Blocks, ForkRef, Host, JobId, JobRef, Latch, LatchOf, Returned},
    stall::StallCause,
    sync::MODELLED,
};

/// Forks that go public at the start of a job: as many as a tree of a few coarse jobs is deep; in a tiny one, the larger half
/// of its levels, and stealing the rest would cost more than it is worth.
const START_GRACE: u32 = if MODELLED { 1 } else { 8 };

/// The same after an ask: somebody is waiting, and whoever goes down a spine of
/// coarse jobs now gets no second chance before its end.
const GRACE: u32 = if MODELLED { 2 } else { 16 };

/// The same after an ask that came late: what runs here is coarse, so being
/// late again would cost more than publishing does.
const LONG_GRACE: u32 = if MODELLED { 3 } else { 256 };

/// What a public fork that its owner takes back unstolen costs of the grace: it
/// is a sign that nobody is in need.
const UNSTOLEN: u32 = if MODELLED { 1 } else { 4 };

impl Worker {
    /// Something new begins: whether it is coarse or fine is not known yet.
    pub(super) fn start(&self) {
        self.grace.set(START_GRACE);
        self.privacy.end();
    }

    /// There is no privacy.
    #[cold]
    #[inline(never)]
    fn share(&self) {
        match self.grace.get() {
            0 => self.answer(),
            _ => self.spend(1),
        }
        self.publish();
    }

    /// Is a loop to be divided: for whoever may be short, with nothing here yet?
    #[inline(always)]
    pub(crate) fn is_asked(&self) -> bool {
        !self.privacy.is_allowed() && !self.has_queued()
    }

    /// Nobody came for half of a loop in all the time that the other half took.
    pub(crate) fn calm_down(&self) {
        if self.grace.get() > 0 {
            self.spend(GRACE);
        }
    }

    /// Runs, with `f`, a task here and now that this thread would else wait for, on top of what
    /// it has forked: it may block until somebody else has run that.
    pub(crate) fn run_joined<R>(&self, f: impl FnOnce(&Worker) -> R) -> R {
        each_worker(&mut Worker::publish);
        self.start();
        self.enter(f)
    }

    /// Somebody is short of work: so this worker is generous for a while.
    fn answer(&self) {
        self.grace.set(if self.privacy.hear() { LONG_GRACE } else { GRACE });
    }

    /// Takes from the grace. When none is left, forks stay private from the
    /// next one on, unless somebody sleeps who could have them.
    fn spend(&self, forks: u32) {
        let grace = self.grace.get().saturating_sub(forks);
        self.grace.set(grace);
        // What a thread forks that blocks is for others.
        if grace > 0 || self.is_aside() {
            return;
        }
        self.privacy.begin();
        if self.registry.wants_forks() {
            self.privacy.end();
        }
    }
}

impl Host for Worker {
    #[inline(always)]
    fn index(&self) -> usize {
        self.index
    }

    #[inline(always)]
    fn fork(&self, fork: ForkRef<Worker>) {
        self.deque.push_private(fork);
        if !self.privacy.is_allowed() {
            self.share();
        }
    }

    #[inline(always)]
    fn take_back(&self, fork: JobId) -> Option<ForkRef<Worker>> {
        let back = self.deque.take_back(fork)?;
        // Older ones may be wanted elsewhere, and the next fork be far away.
        if !self.privacy.is_allowed() {
            self.share();
        }
        Some(back)
    }

    fn reclaim(&self, job: JobId) -> Option<JobRef<Worker>> {
        let back = self.deque.reclaim(job, || self.registry.post_jobs());
        if back.is_some() && self.grace.get() > 0 {
            self.spend(if self.grace.get() > GRACE { 1 } else { UNSTOLEN });
        }
        back
    }

    fn blocks(&self) -> &Blocks {
        &self.blocks
    }

    fn returned(&self) -> &Returned {
        &self.returned
    }

    fn wait(&self, latch: &Latch, whose: LatchOf) {
        let why = || match whose {
            LatchOf::Fork => StallCause::Join,
            LatchOf::Scope => StallCause::Scope,
            LatchOf::Broadcast => StallCause::Broadcast,
        };
        let end = ScopeEnd(latch);
        let awaited: &dyn Awaited = if whose == LatchOf::Scope { &end } else { latch };
        wait_for(awaited, &why, &Parker::current(), Some(&self.registry), None);
        // Whoever it was waited for has nothing to do now.
        if self.grace.get() == 0 {
            self.grace.set(GRACE);
            self.privacy.end();
        }
    }

    fn begin(&self, latch: &Latch) {
        self.begin_alone(latch);
    }

    fn wake(&self, owner: usize) {
        self.registry.sleep.wake(owner);
    }

    fn process(&self) -> Process {
        self.registry.process
    }
}
