//! `Watch`: the share of whoever may decide about a task from outside: a token, a
//! clock.

use std::{marker::PhantomData, mem, ptr::NonNull, task::Waker};

use super::{
    packet::{Core, Front, OPEN, WATCHED},
    verdict::Verdict,
};
use crate::{sync::Ordering, unwind::AbortOnDrop};

/// A third share of a task with such a label and such a result.
pub(crate) struct Watch<C: 'static, L, R> {
    core: NonNull<Core<C, L, R>>,
    marker: PhantomData<(L, R)>,
}

// SAFETY: a task's closure and result may be sent, and its label shared: see
// `Policy`. It gives out nothing but the label.
unsafe impl<C, L, R> Send for Watch<C, L, R> {}
// SAFETY: as above; what it decides is decided by one bit.
unsafe impl<C, L, R> Sync for Watch<C, L, R> {}

impl<C: 'static, L, R> Watch<C, L, R> {
    /// # Safety
    ///
    /// `core` begins a block of a task with these types, and `WATCHED` there goes
    /// with this.
    pub(super) unsafe fn new(core: NonNull<Core<C, L, R>>) -> Self {
        Watch { core, marker: PhantomData }
    }

    pub(crate) fn label(&self) -> &L {
        self.core().front.label()
    }

    /// Decides that the task will not run; false if it was started before.
    pub(crate) fn cancel(&self, verdict: Verdict) -> bool {
        // SAFETY: alive, and borrowed.
        unsafe { (self.core().front.header.held().cancel)(self.core.cast(), verdict) }
    }

    /// Brings the result of `bring` for a task that runs and is open to that, and
    /// says whom to wake. None: it is not, and `bring` is not called. If that
    /// unwinds, the process aborts. It calls nobody who may wait: nobody else brings
    /// the result meanwhile.
    pub(crate) fn overtake(
        &self,
        verdict: Verdict,
        bring: impl FnOnce() -> R,
    ) -> Option<Option<Waker>> {
        let core = self.core();
        // ORDERING(packet): one step decides who brings the result; acquires that
        // the closure was taken out.
        if core.front.state.fetch_and(!OPEN, Ordering::Acquire) & OPEN == 0 {
            return None;
        }
        let bomb = AbortOnDrop;
        let output = bring();
        mem::forget(bomb);
        // SAFETY: the bit was ours to take away, and there is no share to give up.
        let brought = unsafe { Core::bring(self.core, output, verdict, &mut 0) };
        Some(brought.unwrap_or(None))
    }

    fn core(&self) -> &Core<C, L, R> {
        // SAFETY: alive by our share.
        unsafe { self.core.as_ref() }
    }
}

impl<C: 'static, L, R> Drop for Watch<C, L, R> {
    fn drop(&mut self) {
        // SAFETY: the share is ours, and this is the end of it.
        unsafe { Front::leave(self.core.cast::<Front<C, L>>(), WATCHED) };
    }
}
