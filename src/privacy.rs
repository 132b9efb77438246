//! Whether a worker may keep its forks to itself.
//!
//! One word a slot, read by its owner at every fork and every join, and written
//! by others only when they are short of work. So a fork that nobody wants costs
//! one load from a line that stays where it is.

use crossbeam_utils::CachePadded;

use crate::sync::{AtomicBool, Ordering, fence};

pub(crate) struct Privacy(CachePadded<Asked>);

struct Asked {
    /// May forks be private?
    allowed: AtomicBool,
    /// The asker had waited long already: what runs here is coarse.
    urgent: AtomicBool,
}

impl Privacy {
    /// Nothing is private yet.
    pub(crate) fn new() -> Self {
        let (allowed, urgent) = (AtomicBool::new(false), AtomicBool::new(false));
        Privacy(CachePadded::new(Asked { allowed, urgent }))
    }

    /// May forks be private?
    #[inline(always)]
    pub(crate) fn is_allowed(&self) -> bool {
        // ORDERING(demand): a hint; a fork that is not published in time is
        // run by its owner.
        self.0.allowed.load(Ordering::Relaxed)
    }

    /// The owner goes private. To be followed by a look at who sleeps: that
    /// thread will not ask again.
    pub(crate) fn begin(&self) {
        self.hear();
        // ORDERING(demand): ordered by the fence.
        self.0.allowed.store(true, Ordering::Relaxed);
        // ORDERING(demand): against a sleeper, who says that it sleeps, has a
        // fence, and asks: either the owner sees it asleep or the ask stays.
        fence(Ordering::SeqCst);
    }

    /// Somebody is short of work, or the owner starts something new.
    pub(crate) fn end(&self) {
        // Looked at first, so that many askers do not fight for the line.
        if self.is_allowed() {
            // ORDERING(demand): a hint, or after a sleeper's fence; see `begin`.
            self.0.allowed.store(false, Ordering::Relaxed);
        }
    }

    /// Somebody asks who has been waiting for an answer.
    pub(crate) fn urge(&self) {
        // ORDERING(demand): a hint.
        self.0.urgent.store(true, Ordering::Relaxed);
    }

    /// Had somebody to wait for long? The owner has heard now.
    pub(crate) fn hear(&self) -> bool {
        // ORDERING(demand): a hint.
        let urgent = self.0.urgent.load(Ordering::Relaxed);
        if urgent {
            // ORDERING(demand): a hint.
            self.0.urgent.store(false, Ordering::Relaxed);
        }
        urgent
    }
}
