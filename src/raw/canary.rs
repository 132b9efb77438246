//! Tells a model of memory that is touched when somebody else owns it.

#[cfg(loom)]
use crate::sync::WatchedUnsafeCell;

/// Lies in a frame that others know the address of. Nothing but in a model.
pub(super) struct Canary {
    #[cfg(loom)]
    watched: WatchedUnsafeCell<()>,
}

// SAFETY: loom checks it; without loom there is nothing in it.
unsafe impl Sync for Canary {}

impl Canary {
    #[inline(always)]
    pub(super) fn new() -> Self {
        Canary {
            #[cfg(loom)]
            watched: WatchedUnsafeCell::new(()),
        }
    }

    /// What lies beside it is read, or changed by an atomic step.
    #[inline(always)]
    pub(super) fn touch(&self) {
        #[cfg(loom)]
        self.watched.with(|_| ());
    }

    /// What lies beside it is changed otherwise, or goes. All who touched it must
    /// have happened before, and whoever does again must come after.
    #[inline(always)]
    pub(super) fn own(&self) {
        #[cfg(loom)]
        self.watched.with_mut(|_| ());
    }
}
