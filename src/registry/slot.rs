//! `Slot`: what others see of a thread.

use std::time::Instant;

use crate::{
    config::Handlers,
    counters::{Counters, Ledger},
    privacy::Privacy,
    raw::JobRef,
    sync::{
        Arc, AtomicBool, Mutex, OnceLock, Ordering,
        deque::{Injector as Mailbox, Stealer},
    },
};

/// A place for a thread in a pool: workers first, then guests, then stand-ins.
pub(crate) struct Slot<C: 'static> {
    pub(super) stealer: Stealer<JobRef<C>>,
    /// Jobs for this very thread, sent from inside an isolated section: taken in
    /// such waits, too. Most slots never get any, and a mailbox is large.
    pub(super) inner: OnceLock<Mailbox<JobRef<C>>>,
    /// The address of a latch that is not set: nothing is in the deque but what
    /// descends from its job, which runs here. Whoever waits for it may steal
    /// while this is locked.
    pub(crate) only: Mutex<Option<usize>>,
    privacy: Arc<Privacy>,
    /// Has it had a thread?
    known: AtomicBool,
    /// Has the deque held anything but forks since its owner found it empty?
    jobs: AtomicBool,
    pub(crate) counters: Counters,
    pub(crate) ledger: Arc<Ledger>,
}

impl<C> Slot<C> {
    pub(super) fn new(
        stealer: Stealer<JobRef<C>>,
        handlers: &Arc<Handlers>,
        epoch: Instant,
    ) -> Self {
        Slot {
            stealer,
            inner: OnceLock::new(),
            only: Mutex::new(None),
            privacy: Arc::new(Privacy::new()),
            known: AtomicBool::new(false),
            jobs: AtomicBool::new(false),
            counters: Counters::new(epoch),
            ledger: Arc::new(Ledger::new(handlers)),
        }
    }

    pub(crate) fn queue_depth(&self) -> usize {
        self.stealer.len()
    }

    pub(crate) fn privacy(&self) -> &Arc<Privacy> {
        &self.privacy
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

    /// Before pushing jobs that are no forks.
    pub(crate) fn holds_jobs(&self) {
        // ORDERING(dekker): goes with the push that follows.
        if !self.jobs.load(Ordering::Relaxed) {
            // ORDERING(dekker): as above.
            self.jobs.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn may_hold_jobs(&self) -> bool {
        // ORDERING(dekker): goes with the look at the deque.
        self.jobs.load(Ordering::Relaxed)
    }

    /// The owner has found its deque empty.
    pub(crate) fn holds_nothing(&self) {
        // ORDERING(dekker): the owner's own store, which it reads.
        if self.jobs.load(Ordering::Relaxed) {
            // ORDERING(dekker): a look that finds it stale wakes once too often.
            self.jobs.store(false, Ordering::Relaxed);
        }
    }
}
