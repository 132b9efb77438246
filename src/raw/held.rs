//! `Held`: the handle's share of a task, the way to its result.

use std::{marker::PhantomData, mem::ManuallyDrop, ptr::NonNull, task::Waker};

use super::{
    packet::{ALONE, ASKED, Core, DONE, Front, HELD, STARTED, TAKEN, WAITED, WATCHED},
    verdict::Verdict,
    watch::Watch,
};
use crate::{sync::Ordering, unwind};

/// The handle's share of a task with such a label and such a result.
pub(crate) struct Held<C: 'static, L, R> {
    core: NonNull<Core<C, L, R>>,
    marker: PhantomData<(L, R)>,
}

// SAFETY: a task's closure and result may be sent, and its label shared: see
// `Policy`. A shared handle gives out nothing but the label.
unsafe impl<C, L, R> Send for Held<C, L, R> {}
// SAFETY: as above.
unsafe impl<C, L, R> Sync for Held<C, L, R> {}

/// Nobody has a way to a result before it is moved out.
impl<C, L, R> Unpin for Held<C, L, R> {}

impl<C: 'static, L, R> Held<C, L, R> {
    /// # Safety
    ///
    /// `core` begins a block of a task with these types, and `HELD` there goes
    /// with this.
    pub(super) unsafe fn new(core: NonNull<Core<C, L, R>>) -> Self {
        Held { core, marker: PhantomData }
    }

    pub(crate) fn label(&self) -> &L {
        self.front().label()
    }

    /// Is there a result, or was there?
    pub(crate) fn is_done(&self) -> bool {
        // ORDERING(packet): what is said to be done has happened.
        self.front().state.load(Ordering::Acquire) & DONE != 0
    }

    /// Runs the task on `cx`; false if it was started before.
    pub(crate) fn run_here(&self, cx: &C) -> bool {
        // SAFETY: alive, and borrowed.
        unsafe { (self.front().header.held().run)(self.core.cast(), cx) }
    }

    /// From the start: it was made in an isolated section, as its `JobRef` says where that goes.
    pub(crate) fn isolate(&self) {
        // ORDERING(packet): before the task is in any queue.
        self.front().state.fetch_or(ALONE, Ordering::Relaxed);
    }

    pub(crate) fn is_isolated(&self) -> bool {
        // ORDERING(packet): never changes once the handle is given away.
        self.front().state.load(Ordering::Relaxed) & ALONE != 0
    }

    /// Cancels the task; false if it was started before, and then it is asked to
    /// stop.
    pub(crate) fn cancel(&self) -> bool {
        let cancelled = self.decide(Verdict::Cancelled);
        if !cancelled {
            // ORDERING(packet): a wish; nothing comes with it.
            self.front().state.fetch_or(ASKED, Ordering::Relaxed);
        }
        cancelled
    }

    /// Decides that the task does not run, and why; false if it was started before.
    pub(crate) fn decide(&self, verdict: Verdict) -> bool {
        // SAFETY: alive, and borrowed.
        unsafe { (self.front().header.held().cancel)(self.core.cast(), verdict) }
    }

    /// Has somebody taken the closure, to run or to drop it?
    pub(crate) fn is_started(&self) -> bool {
        // ORDERING(packet): what is said of a task that is not done is soon over.
        self.front().state.load(Ordering::Relaxed) & STARTED != 0
    }

    /// What the task came to, if it is done.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        // ORDERING(packet): as `is_done`.
        let state = self.front().state.load(Ordering::Acquire);
        (state & DONE != 0).then(|| Verdict::of(state))
    }

    /// A share for whoever is to decide about the task from outside. None: there is
    /// one.
    pub(crate) fn watch(&mut self) -> Option<Watch<C, L, R>> {
        let state = &self.front().state;
        // ORDERING(packet): only this handle sets it, while it has its own share.
        if state.load(Ordering::Relaxed) & WATCHED != 0 {
            return None;
        }
        // ORDERING(packet): as above.
        state.fetch_or(WATCHED, Ordering::Relaxed);
        // SAFETY: a block with these types; the share was not there, and goes with it.
        Some(unsafe { Watch::new(self.core) })
    }

    /// The result, if there is one that was not taken.
    pub(crate) fn take(&mut self) -> Option<R> {
        if !self.is_done() {
            return None;
        }
        // ORDERING(packet): only this handle sets it.
        if self.front().state.fetch_or(TAKEN, Ordering::Relaxed) & TAKEN != 0 {
            return None;
        }
        // SAFETY: done, and not taken before.
        Some(unsafe { self.read() })
    }

    /// The waker of `wake_when_done`, if it has not been woken and is not to be any more.
    pub(crate) fn forget_waker(&mut self) -> Option<Waker> {
        self.take_waker_back().flatten()
    }

    /// From now on `waker` is woken when the task is done; the one before it is
    /// not. True: it is done.
    pub(crate) fn wake_when_done(&mut self, waker: Waker) -> bool {
        let Some(before) = self.take_waker_back() else { return true };
        drop(before);
        let front = self.front();
        // SAFETY: ours without `WAITED`, which only this handle sets.
        unsafe { *front.waker.get() = Some(waker) };
        // ORDERING(packet): releases the waker to `finish`.
        if front.state.fetch_or(WAITED, Ordering::Release) & DONE == 0 {
            return false;
        }
        // SAFETY: `finish` came first, and takes none that was not there.
        drop(unsafe { (*front.waker.get()).take() });
        true
    }

    /// Gives the share up if the task is not done: it runs on, and nobody hears
    /// of its result.
    pub(crate) fn detach(self) -> Result<(), Self> {
        let mut this = ManuallyDrop::new(self);
        if this.leave_undone() { Ok(()) } else { Err(ManuallyDrop::into_inner(this)) }
    }

    /// Gives the share up. The result comes back, if there is one that was not
    /// taken.
    #[inline]
    pub(crate) fn let_go(self) -> Option<R> {
        ManuallyDrop::new(self).leave()
    }

    #[inline]
    fn leave(&mut self) -> Option<R> {
        while !self.is_done() {
            if self.leave_undone() {
                return None;
            }
        }
        // ORDERING(packet): only this handle sets it.
        let taken = self.front().state.load(Ordering::Relaxed) & TAKEN != 0;
        // SAFETY: done, and not taken before.
        let output = if taken { None } else { Some(unsafe { self.read() }) };
        // SAFETY: the share is ours, and this is the end of it.
        unsafe { Front::leave(self.core.cast::<Front<C, L>>(), HELD) };
        output
    }

    /// Gives the share up if the task is not done. False: it is.
    fn leave_undone(&mut self) -> bool {
        let Some(waker) = self.take_waker_back() else { return false };
        let state = &self.front().state;
        // ORDERING(packet): decided by the exchange below.
        let mut now = state.load(Ordering::Relaxed);
        let left = loop {
            if now & DONE != 0 {
                break false;
            }
            // ORDERING(packet): releases to `finish` what was done here.
            let (ok, failed) = (Ordering::Release, Ordering::Relaxed);
            match state.compare_exchange_weak(now, now & !HELD, ok, failed) {
                Ok(_) => break true,
                Err(other) => now = other,
            }
        };
        unwind::discard(waker);
        left
    }

    /// The waker that was to be woken; it is not any more. None: the task is
    /// done.
    fn take_waker_back(&mut self) -> Option<Option<Waker>> {
        let front = self.front();
        // ORDERING(packet): decided by the exchange below; whether it is done is
        // looked at again by whoever wants the result.
        let mut now = front.state.load(Ordering::Relaxed);
        while now & WAITED != 0 && now & DONE == 0 {
            // ORDERING(packet): what comes back is our own.
            let (ok, failed) = (Ordering::Relaxed, Ordering::Relaxed);
            match front.state.compare_exchange_weak(now, now & !WAITED, ok, failed) {
                Ok(_) => now &= !WAITED,
                Err(other) => now = other,
            }
        }
        // SAFETY: ours without `WAITED`, which only this handle sets.
        (now & DONE == 0).then(|| unsafe { (*front.waker.get()).take() })
    }

    /// # Safety
    ///
    /// The task is done, and the result was not taken.
    unsafe fn read(&self) -> R {
        // SAFETY: nobody writes it once the task is done.
        let output = unsafe { &*self.core().output.get() };
        // SAFETY: written before `DONE`.
        unsafe { output.assume_init_read() }
    }

    fn front(&self) -> &Front<C, L> {
        &self.core().front
    }

    fn core(&self) -> &Core<C, L, R> {
        // SAFETY: alive by our share.
        unsafe { self.core.as_ref() }
    }
}

impl<C: 'static, L, R> Drop for Held<C, L, R> {
    fn drop(&mut self) {
        drop(self.leave());
    }
}
