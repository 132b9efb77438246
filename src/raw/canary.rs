//! Tells a model when memory is touched that its owner was free to reuse.

#[cfg(loom)]
use crate::sync::Watched;

/// Lies in a frame that others know the address of. Nothing but in a model.
pub(super) struct Canary {
    #[cfg(loom)]
    watched: Watched<()>,
}

// SAFETY: loom checks it; without loom there is nothing in it.
unsafe impl Sync for Canary {}

impl Canary {
    #[inline(always)]
    pub(super) fn new() -> Self {
        Canary {
            #[cfg(loom)]
            watched: Watched::new(()),
        }
    }

    /// Somebody reads what lies beside it, or changes it by an atomic step.
    #[inline(always)]
    pub(super) fn touch(&self) {
        #[cfg(loom)]
        self.watched.with(|_| ());
    }

    /// The frame goes. Whoever touched it must have happened before, and nobody
    /// may from now on.
    #[inline(always)]
    pub(super) fn end(&self) {
        #[cfg(loom)]
        self.watched.with_mut(|_| ());
    }
}
