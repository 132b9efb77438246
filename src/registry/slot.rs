//! `Slot`: what others see of a thread.

use std::time::Instant;

use super::inner::Inner;
use crate::{
    config::Handlers,
    counters::{Counters, Ledger},
    deque::Loot,
    privacy::Privacy,
    raw::JobRef,
    sign::Holds,
    sync::{Arc, AtomicBool, Mutex, Ordering},
};

/// A place for a thread in a pool: workers first, then guests, then stand-ins.
pub(crate) struct Slot<C: 'static> {
    pub(super) loot: Loot<C>,
    /// Jobs for this very thread, sent from inside an isolated section: taken in
    /// such waits, too.
    pub(super) inner: Inner<JobRef<C>>,
    /// There while nothing is in the deque but what descends from one job, which runs here.
    /// Whoever waits for that may steal while this is locked.
    pub(crate) only: Mutex<Option<Only>>,
    privacy: Arc<Privacy>,
    /// Has it had a thread?
    known: AtomicBool,
    /// Has its thread gone, and left tasks here?
    left: AtomicBool,
    pub(crate) counters: Counters,
    pub(crate) ledger: Arc<Ledger>,
}

/// A job that was stolen from a section, and runs here.
pub(crate) struct Only {
    /// The address of its latch. Once that is set, nobody asks for it.
    pub(crate) latch: usize,
    /// The sections begun in it that its thread is in, one inside another.
    pub(crate) inner: usize,
}

impl<C> Slot<C> {
    pub(super) fn new(loot: Loot<C>, handlers: &Arc<Handlers>, epoch: Instant) -> Self {
        Slot {
            loot,
            inner: Inner::new(),
            only: Mutex::new(None),
            privacy: Arc::new(Privacy::new()),
            known: AtomicBool::new(false),
            left: AtomicBool::new(false),
            counters: Counters::new(epoch),
            ledger: Arc::new(Ledger::new(handlers)),
        }
    }

    pub(crate) fn queue_depth(&self) -> usize {
        self.loot.stealer.len()
    }

    /// May there be more in the deque than forks?
    pub(crate) fn may_hold_jobs(&self) -> bool {
        self.loot.may_hold(Holds::Jobs)
    }

    pub(crate) fn privacy(&self) -> &Arc<Privacy> {
        &self.privacy
    }

    /// Its thread goes, and leaves what it has spawned.
    pub(super) fn leave(&self) {
        // ORDERING(door): P1; followed by a fence.
        self.left.store(true, Ordering::Relaxed);
    }

    /// Its thread is back, or another guest comes, and sees to what lies here. False: nothing
    /// was left.
    #[inline]
    pub(super) fn resume(&self) -> bool {
        // ORDERING(door): the same thread's, or comes with the seat; until somebody sees it, one
        // look more is in vain.
        let left = self.left.load(Ordering::Relaxed);
        if left {
            // ORDERING(door): as above.
            self.left.store(false, Ordering::Relaxed);
        }
        left
    }

    /// Do tasks lie here whose thread has gone?
    pub(super) fn has_left(&self) -> bool {
        // ORDERING(door): O3, after the keeper's fence.
        self.left.load(Ordering::Relaxed) && self.queue_depth() > 0
    }

    /// Is this the slot's first thread, and its first call? The next one comes after
    /// it: a slot has one thread at a time.
    pub(super) fn is_new(&self) -> bool {
        // ORDERING(dekker): seen by the same thread, or with the seat.
        let known = self.known.load(Ordering::Relaxed);
        if !known {
            // ORDERING(dekker): as above.
            self.known.store(true, Ordering::Relaxed);
        }
        !known
    }
}
