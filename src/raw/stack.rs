//! The private stack: forks that no other thread has heard of.

use std::{cell::Cell, marker::PhantomData, ptr::NonNull};

use super::job::{Header, JobId, JobRef};

/// Forks a worker may have pending before the older half goes public. Deeper
/// than recursion that halves its input goes (64 levels would be enough for
/// any slice); small enough for two pages a guest that may never come.
const CAPACITY: usize = if cfg!(loom) { 4 } else { 512 };

/// Plain memory, touched by its owner alone: no atomics, no fences.
///
/// Everything below `len` is a `JobRef` whose right this stack keeps.
pub(crate) struct ForkStack<C: 'static> {
    len: Cell<usize>,
    slots: Box<[Cell<NonNull<Header<C>>>]>,
    // It owns rights to run jobs.
    marker: PhantomData<JobRef<C>>,
}

// SAFETY: a stack of `JobRef`s, which are `Send`, and of nothing else.
unsafe impl<C> Send for ForkStack<C> {}

impl<C> ForkStack<C> {
    pub(crate) fn new() -> Self {
        let empty = || Cell::new(NonNull::dangling());
        ForkStack {
            len: Cell::new(0),
            slots: (0..CAPACITY).map(|_| empty()).collect(),
            marker: PhantomData,
        }
    }

    /// Gives the job back if there is no room.
    #[inline(always)]
    pub(crate) fn push(&self, job: JobRef<C>) -> Result<(), JobRef<C>> {
        let len = self.len.get();
        let Some(slot) = self.slots.get(len) else { return Err(job) };
        slot.set(job.into_raw());
        self.len.set(len + 1);
        Ok(())
    }

    /// Gives `id` back if it is the newest.
    #[inline(always)]
    pub(crate) fn pop_if(&self, id: JobId) -> Option<JobRef<C>> {
        // Of an empty stack, `get(usize::MAX)` is none.
        let top = self.len.get().wrapping_sub(1);
        let job = self.slots.get(top)?.get();
        if job.cast() != id.address() {
            return None;
        }
        self.len.set(top);
        // SAFETY: below the old `len`, so the right to it was ours to give.
        Some(unsafe { JobRef::new(job) })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len.get() == 0
    }

    /// Hands out every job, the oldest first.
    pub(crate) fn drain(&self, sink: impl FnMut(JobRef<C>)) {
        self.drain_oldest(self.len.get(), sink);
    }

    /// Hands out the older half, the oldest first, and closes the gap.
    pub(crate) fn drain_half(&self, sink: impl FnMut(JobRef<C>)) {
        self.drain_oldest(self.len.get().div_ceil(2), sink);
    }

    fn drain_oldest(&self, count: usize, mut sink: impl FnMut(JobRef<C>)) {
        let len = self.len.get();
        // Given up before the first right is handed out: a sink that unwinds
        // leaks jobs and never doubles one.
        self.len.set(0);
        for slot in &self.slots[..count] {
            // SAFETY: below the old `len`, so the right to it was ours.
            sink(unsafe { JobRef::new(slot.get()) });
        }
        for (to, from) in (count..len).enumerate() {
            self.slots[to].set(self.slots[from].get());
        }
        self.len.set(len - count);
    }
}
