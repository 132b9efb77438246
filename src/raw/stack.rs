//! The private stack: forks that no other thread has heard of.

use std::{
    cell::{Cell, UnsafeCell},
    marker::PhantomData,
    mem::MaybeUninit,
    ptr::NonNull,
};

use super::{
    job::{Header, JobId, JobRef},
    latch::Latch,
};
use crate::sync::MODELLED;

/// Forks a worker may have pending before the older half goes public, and one.
/// Deeper than recursion that halves its input goes (64 levels would be enough
/// for any slice); small enough for a page a guest that may never come. A
/// power of two, so that an index is cut to size by a mask, not checked.
const SLOTS: usize = if MODELLED {
    4
} else if cfg!(miri) {
    8
} else {
    512
};

/// What every fork begins with: enough to tell and to wait for it.
#[repr(C)]
pub(super) struct Fork<C: 'static> {
    /// Says whether the fork is public.
    header: UnsafeCell<Header<C>>,
    /// Made when the fork goes public: before, nobody waits.
    latch: UnsafeCell<MaybeUninit<Latch>>,
}

/// The right to run a fork that is private, and so has no latch yet.
pub(crate) struct ForkRef<C: 'static>(NonNull<Fork<C>>);

/// Plain memory, touched by its owner alone: no atomics, no fences.
///
/// The lowest slot is nobody's, so that no job equals the top of an empty
/// stack. Every other slot up to `top` is a `ForkRef` whose right this stack
/// keeps.
pub(crate) struct ForkStack<C: 'static> {
    top: Cell<usize>,
    slots: [Cell<Option<NonNull<Fork<C>>>>; SLOTS],
    // It owns rights to run jobs.
    marker: PhantomData<ForkRef<C>>,
}

// SAFETY: a host moves it to another thread only while it is empty.
unsafe impl<C> Send for ForkStack<C> {}

impl<C> Fork<C> {
    #[inline(always)]
    pub(super) fn new(header: Header<C>) -> Self {
        Fork { header: UnsafeCell::new(header), latch: UnsafeCell::new(MaybeUninit::uninit()) }
    }

    /// The latch of a fork that is public; none of a private one.
    ///
    /// # Safety
    ///
    /// The caller is who made the fork, or who runs it.
    pub(super) unsafe fn latch(&self) -> Option<&Latch> {
        // SAFETY: written by the maker's thread alone, and by nobody once the
        // fork is public, which comes before it runs elsewhere.
        let header = unsafe { &*self.header.get() };
        if header.public().is_some() {
            return None;
        }
        // SAFETY: as the header, and written with it.
        let latch = unsafe { &*self.latch.get() };
        // SAFETY: written before the header says so.
        Some(unsafe { latch.assume_init_ref() })
    }
}

impl<C> ForkRef<C> {
    /// # Safety
    ///
    /// `fork` is the beginning of a job with a header made by `Header::new_private`,
    /// stays valid until this right is used up, and has no other.
    #[inline(always)]
    pub(super) unsafe fn new(fork: NonNull<Fork<C>>) -> Self {
        ForkRef(fork)
    }

    pub(crate) fn id(&self) -> JobId {
        JobId::new(self.0.cast())
    }

    /// From now on anybody may run it, and slot `owner` waits for its latch.
    fn publish(self, owner: usize) -> JobRef<C> {
        // SAFETY: valid until the right is used up.
        let fork = unsafe { self.0.as_ref() };
        // SAFETY: private so far, so nobody else looks.
        let latch = unsafe { &mut *fork.latch.get() };
        latch.write(Latch::new(owner));
        // SAFETY: as above.
        let header = unsafe { &mut *fork.header.get() };
        if let Some(public) = header.public() {
            *header = public;
        }
        // SAFETY: the right changes hands; a fork begins with its header.
        unsafe { JobRef::new(self.0.cast()) }
    }
}

impl<C> ForkStack<C> {
    /// As many forks as it may hold between two calls.
    pub(crate) const CAPACITY: usize = SLOTS - 2;

    pub(crate) fn new() -> Self {
        ForkStack {
            top: Cell::new(0),
            slots: [const { Cell::new(None) }; SLOTS],
            marker: PhantomData,
        }
    }

    /// How many there are now. If that is more than `CAPACITY`, the next call
    /// has to be one that makes room.
    #[inline(always)]
    pub(crate) fn push(&self, fork: ForkRef<C>) -> usize {
        let top = self.top.get() + 1;
        debug_assert!(top < SLOTS, "room was to be made");
        self.slots[top % SLOTS].set(Some(fork.0));
        self.top.set(top);
        top
    }

    /// Gives `id` back if it is the newest.
    #[inline(always)]
    pub(crate) fn pop_if(&self, id: JobId) -> Option<ForkRef<C>> {
        let top = self.top.get();
        let fork = self.slots[top % SLOTS].get()?;
        if fork.cast() != id.address() {
            return None;
        }
        self.top.set(top - 1);
        // SAFETY: up to the old `top`, so the right to it was ours to give.
        Some(unsafe { ForkRef::new(fork) })
    }

    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.top.get() == 0
    }

    /// Publishes every fork, the oldest first, for slot `owner` to wait for.
    pub(crate) fn drain(&self, owner: usize, sink: impl FnMut(JobRef<C>)) {
        self.drain_oldest(self.top.get(), owner, sink);
    }

    /// Publishes the older half, the oldest first, and closes the gap.
    pub(crate) fn drain_half(&self, owner: usize, sink: impl FnMut(JobRef<C>)) {
        self.drain_oldest(self.top.get().div_ceil(2), owner, sink);
    }

    fn drain_oldest(&self, count: usize, owner: usize, mut sink: impl FnMut(JobRef<C>)) {
        let top = self.top.get();
        // Given up before the first right is handed out: a sink that unwinds
        // leaks jobs and never doubles one.
        self.top.set(0);
        for slot in &self.slots[1..=count] {
            let Some(fork) = slot.get() else { continue };
            // SAFETY: up to the old `top`, so the right to it was ours.
            let fork = unsafe { ForkRef::new(fork) };
            sink(fork.publish(owner));
            assert!(self.is_empty(), "a sink does not fork: that would be in the way of the rest");
        }
        for (to, from) in (1..).zip(count + 1..=top) {
            self.slots[to].set(self.slots[from].get());
        }
        self.top.set(top - count);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Fork, ForkRef, ForkStack, Header, NonNull};
    use crate::{
        raw::job::{Erased, Kind},
        unwind,
    };

    #[repr(C)]
    struct Job(Fork<()>);

    // SAFETY: `repr(C)`, header first.
    unsafe impl Erased<()> for Job {
        const KIND: Kind = Kind::Structured;

        unsafe fn run_erased(_this: NonNull<Header<()>>, (): &()) -> bool {
            true
        }
    }

    #[test]
    fn a_sink_that_forks_is_stopped_before_a_fork_has_two_rights() {
        // SAFETY: to run such a job does nothing.
        let job = || unsafe { Job(Fork::new(Header::new_private::<Job>())) };
        let jobs = [job(), job(), job(), job()];
        // SAFETY: alive to the end, and each is asked for once.
        let fork = |n: usize| unsafe { ForkRef::<()>::new(NonNull::from(&jobs[n]).cast()) };
        let stack = ForkStack::new();
        stack.push(fork(0));
        stack.push(fork(1));
        let mut published = Vec::new();
        let outcome = unwind::catch(|| {
            stack.drain(0, |job| {
                published.push(job.id());
                if published.len() == 1 {
                    stack.push(fork(2));
                    stack.push(fork(3));
                }
            });
        });
        assert!(outcome.is_err());
        assert_eq!(published.len(), 1);
        let newest = fork(3).id();
        assert!(stack.pop_if(newest).is_some_and(|fork| fork.id() == newest));
    }
}
