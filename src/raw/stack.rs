//! The private stack: forks that no other thread has heard of.

use std::{
    cell::{Cell, UnsafeCell},
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr::NonNull,
};

use super::{
    job::{Header, JobId, JobRef},
    latch::Latch,
};

/// What every fork begins with: enough to tell and to wait for it.
#[repr(C)]
pub(super) struct Fork<C: 'static> {
    /// Says whether the fork is public.
    header: UnsafeCell<Header<C>>,
    rest: UnsafeCell<Rest<C>>,
}

union Rest<C: 'static> {
    /// Not in a stack yet.
    new: (),
    /// Private: the next older one in the stack.
    older: Option<NonNull<Fork<C>>>,
    /// Public: before, nobody waits.
    latch: ManuallyDrop<Latch>,
}

/// The right to run a fork that is private, and so has no latch yet.
pub(crate) struct ForkRef<C: 'static>(NonNull<Fork<C>>);

/// Plain memory, touched by its owner alone: no atomics, no fences.
///
/// A list through the frames that the forks lie in, so it has room for as many as
/// the thread's stack has. And what a pop writes was known since the push: a join
/// does not wait for the one before it, as it would for the height of an array.
///
/// Every fork in it is a `ForkRef` whose right this stack keeps.
pub(crate) struct ForkStack<C: 'static> {
    newest: Cell<Option<NonNull<Fork<C>>>>,
    // It owns rights to run jobs.
    marker: PhantomData<ForkRef<C>>,
}

// SAFETY: a host moves it to another thread only while it is empty.
unsafe impl<C> Send for ForkStack<C> {}

impl<C> Fork<C> {
    #[inline(always)]
    pub(super) fn new(header: Header<C>) -> Self {
        Fork { header: UnsafeCell::new(header), rest: UnsafeCell::new(Rest { new: () }) }
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
        let rest = unsafe { &*self.rest.get() };
        // SAFETY: written before the header says so.
        Some(unsafe { &rest.latch })
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
        let latch = ManuallyDrop::new(Latch::new(owner));
        // SAFETY: private so far, so nobody else looks; and in no stack any more.
        unsafe { fork.rest.get().write(Rest { latch }) };
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
    pub(crate) fn new() -> Self {
        ForkStack { newest: Cell::new(None), marker: PhantomData }
    }

    #[inline(always)]
    pub(crate) fn push(&self, fork: ForkRef<C>) {
        // SAFETY: the right to it is ours, and it has been in no stack.
        unsafe { Self::set_older(fork.0, self.newest.get()) };
        self.newest.set(Some(fork.0));
    }

    /// Gives `id` back if it is the newest.
    #[inline(always)]
    pub(crate) fn pop_if(&self, id: JobId) -> Option<ForkRef<C>> {
        let fork = id.address().cast();
        if self.newest.get() != Some(fork) {
            return None;
        }
        // By the caller's address: to go by the one that was just loaded would make a
        // join wait for the one before it.
        // SAFETY: in the stack, so the right to it is ours.
        self.newest.set(unsafe { Self::older(fork) });
        // SAFETY: as above, and now it is given away.
        Some(unsafe { ForkRef::new(fork) })
    }

    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.newest.get().is_none()
    }

    /// Publishes every fork, the oldest first, for slot `owner` to wait for.
    pub(crate) fn drain(&self, owner: usize, mut sink: impl FnMut(JobRef<C>)) {
        // Given up before the first right is handed out: a sink that unwinds
        // leaks jobs and never doubles one.
        let mut rest = self.newest.take();
        let mut oldest = None;
        while let Some(fork) = rest {
            // SAFETY: it was in the stack, so the right to it is ours.
            rest = unsafe { Self::older(fork) };
            // SAFETY: as above. For now, each knows the next younger one.
            unsafe { Self::set_older(fork, oldest) };
            oldest = Some(fork);
        }
        while let Some(fork) = oldest {
            // SAFETY: as above.
            oldest = unsafe { Self::older(fork) };
            // SAFETY: as above, and now it is handed out.
            let fork = unsafe { ForkRef::new(fork) };
            sink(fork.publish(owner));
            assert!(self.is_empty(), "a sink does not fork: that would be in the way of the rest");
        }
    }

    /// # Safety
    ///
    /// The right to the fork is the caller's, and it was in the stack.
    #[inline(always)]
    unsafe fn older(fork: NonNull<Fork<C>>) -> Option<NonNull<Fork<C>>> {
        // SAFETY: alive while there is a right to it.
        let rest = unsafe { fork.as_ref() }.rest.get();
        // SAFETY: private, so nobody else writes.
        let rest = unsafe { &*rest };
        // SAFETY: written when it came in, and private ever since.
        unsafe { rest.older }
    }

    /// # Safety
    ///
    /// The right to the fork is the caller's, and it is private.
    #[inline(always)]
    unsafe fn set_older(fork: NonNull<Fork<C>>, older: Option<NonNull<Fork<C>>>) {
        // SAFETY: alive while there is a right to it.
        let rest = unsafe { fork.as_ref() }.rest.get();
        // SAFETY: private, so nobody else looks.
        unsafe { rest.write(Rest { older }) };
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
