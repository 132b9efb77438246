//! A task: one heap block, owned by the queue that will run it and the handle
//! that waits for it.
//!
//! One word says what has been decided:
//!
//! ```text
//! STARTED   somebody took the closure, and will bring the result
//! DONE      the result is there
//! TAKEN     and the handle has taken it
//! WAITED    there is a waker, for whoever brings the result to take; without
//!           the bit it is the handle's to write
//! HELD, QUEUED   the handle's and the queue's share in the block; the last to
//!           leave frees it
//! ```
//!
//! Whoever brings the result has a share or borrows the handle's, and a queue
//! leaves only a task that is started. So if one share is gone, the other's owner
//! is alone, and a handle whose task the queue has left reads the result without
//! a locked instruction.

use std::{
    cell::UnsafeCell,
    marker::PhantomData,
    mem::{self, MaybeUninit},
    ptr::NonNull,
    task::Waker,
};

use super::{
    held::Held,
    job::{Erased, Header, JobRef, Kind},
};
use crate::{
    sync::{AtomicU32, Ordering},
    unwind::AbortOnDrop,
};

pub(super) const STARTED: u32 = 1;
pub(super) const DONE: u32 = 1 << 1;
pub(super) const TAKEN: u32 = 1 << 2;
pub(super) const WAITED: u32 = 1 << 3;
pub(super) const HELD: u32 = 1 << 4;
const QUEUED: u32 = 1 << 5;

/// What a pool does with its tasks: how one is called, and what is counted.
pub(crate) trait Policy<C: 'static>: Sized + 'static {
    type Label: Send + Sync;
    type Func: Send;
    type Output: Send;

    /// Runs the task on `cx`; false if it was decided before that it is not to
    /// run. Must not unwind; an unwind aborts the process.
    fn run(part: Part<'_, C, Self>, cx: &C) -> bool;

    /// Decides that the task will not run; false if it was started before. Must
    /// not unwind; an unwind aborts the process.
    fn cancel(part: Part<'_, C, Self>) -> bool;
}

#[repr(C)]
struct Packet<C: 'static, P: Policy<C>> {
    core: Core<C, P::Label, P::Output>,
    /// Written until `STARTED`.
    func: UnsafeCell<MaybeUninit<P::Func>>,
}

/// The part of a block that does not depend on the closure's type, which a
/// handle does not know.
#[repr(C)]
pub(super) struct Core<C: 'static, L, R> {
    header: Header<C>,
    pub(super) table: &'static HeldTable<C>,
    pub(super) state: AtomicU32,
    pub(super) waker: UnsafeCell<Option<Waker>>,
    /// Written from `DONE` to `TAKEN`.
    pub(super) output: UnsafeCell<MaybeUninit<R>>,
    pub(super) label: L,
}

/// What a handle asks for, which depends on the closure's type. Each wants the
/// address of a live block; `free`, of one that nobody has a share in.
pub(super) struct HeldTable<C: 'static> {
    pub(super) run: unsafe fn(NonNull<Header<C>>, &C) -> bool,
    pub(super) cancel: unsafe fn(NonNull<Header<C>>) -> bool,
    free: unsafe fn(NonNull<Header<C>>),
}

/// The two shares of a new task.
pub(crate) fn task<C, P: Policy<C>>(
    label: P::Label,
    func: P::Func,
) -> (JobRef<C>, Held<C, P::Label, P::Output>) {
    let func = MaybeUninit::new(func);
    let block = Packet::<C, P>::block(label, HELD | QUEUED, func, MaybeUninit::uninit());
    // SAFETY: its share keeps the block until it has run or was discarded.
    let job = unsafe { JobRef::new(block) };
    // SAFETY: a block with these types, and the only handle on it.
    (job, unsafe { Held::new(block.cast()) })
}

/// The handle's share of a task that was decided from the start.
pub(crate) fn decided<C, P: Policy<C>>(
    label: P::Label,
    output: P::Output,
) -> Held<C, P::Label, P::Output> {
    let (func, output) = (MaybeUninit::uninit(), MaybeUninit::new(output));
    let block = Packet::<C, P>::block(label, HELD | STARTED | DONE, func, output);
    // SAFETY: a block with these types, and the only handle on it.
    unsafe { Held::new(block.cast()) }
}

impl<C: 'static, P: Policy<C>> Packet<C, P> {
    const TABLE: &'static HeldTable<C> =
        &HeldTable { run: Self::run_held, cancel: Self::cancel_held, free: Self::free };

    fn block(
        label: P::Label,
        state: u32,
        func: MaybeUninit<P::Func>,
        output: MaybeUninit<P::Output>,
    ) -> NonNull<Header<C>> {
        let core = Core {
            // SAFETY: closure, result and label may be sent; and it does not
            // unwind: the bomb.
            header: unsafe { Header::new::<Self>() },
            table: Self::TABLE,
            state: AtomicU32::new(state),
            waker: UnsafeCell::new(None),
            output: UnsafeCell::new(output),
            label,
        };
        let block = Box::new(Packet::<C, P> { core, func: UnsafeCell::new(func) });
        NonNull::from(Box::leak(block)).cast()
    }

    /// # Safety
    ///
    /// `this` is the block, and the handle is borrowed meanwhile.
    unsafe fn run_held(this: NonNull<Header<C>>, cx: &C) -> bool {
        let bomb = AbortOnDrop;
        // SAFETY: the caller's.
        let part = unsafe { Part::new(this, 0) };
        let ran = P::run(part, cx);
        mem::forget(bomb);
        ran
    }

    /// # Safety
    ///
    /// As `run_held`.
    unsafe fn cancel_held(this: NonNull<Header<C>>) -> bool {
        let bomb = AbortOnDrop;
        // SAFETY: the caller's.
        let part = unsafe { Part::new(this, 0) };
        let cancelled = P::cancel(part);
        mem::forget(bomb);
        cancelled
    }

    /// # Safety
    ///
    /// `this` is the block, and nobody has a share.
    unsafe fn free(this: NonNull<Header<C>>) {
        // SAFETY: from the box in `block`, and freed once.
        drop(unsafe { Box::from_raw(this.cast::<Self>().as_ptr()) });
    }
}

// SAFETY: `repr(C)`, header first, of the core and the packet.
unsafe impl<C: 'static, P: Policy<C>> Erased<C> for Packet<C, P> {
    const KIND: Kind = Kind::Task;

    unsafe fn run_erased(this: NonNull<Header<C>>, cx: &C) -> bool {
        let bomb = AbortOnDrop;
        // SAFETY: the right to run it is the queue's share.
        let part = unsafe { Part::new(this, QUEUED) };
        let ran = P::run(part, cx);
        mem::forget(bomb);
        ran
    }

    unsafe fn discard_erased(this: NonNull<Header<C>>) -> bool {
        let bomb = AbortOnDrop;
        // SAFETY: the right to discard it is the queue's share.
        let part = unsafe { Part::new(this, QUEUED) };
        let dropped = P::cancel(part);
        mem::forget(bomb);
        dropped
    }
}

impl<C: 'static, L, R> Core<C, L, R> {
    /// Gives up `share`, or nothing; the last to leave frees the block.
    ///
    /// # Safety
    ///
    /// The block is alive, `share` is the caller's, and not used again.
    pub(super) unsafe fn leave(this: NonNull<Self>, share: u32) {
        if share == 0 {
            return;
        }
        // SAFETY: alive, by our share.
        let core = unsafe { this.as_ref() };
        // ORDERING(packet): acquires what the other did before it left.
        let alone = core.state.load(Ordering::Acquire) & (HELD | QUEUED) == share || {
            // ORDERING(packet): releases what was done here to the other, or
            // acquires what it did, whoever is last.
            let before = core.state.fetch_and(!share, Ordering::AcqRel);
            before & (HELD | QUEUED) == share
        };
        if alone {
            let free = core.table.free;
            // SAFETY: both shares are gone.
            unsafe { free(this.cast()) };
        }
    }
}

/// One side's leave to decide what becomes of a task.
pub(crate) struct Part<'a, C: 'static, P: Policy<C>> {
    block: NonNull<Packet<C, P>>,
    /// `QUEUED`, which goes with this; or nothing, for a handle that is borrowed.
    share: u32,
    /// The closure was taken here, so the result comes from here.
    started: bool,
    marker: PhantomData<&'a ()>,
}

impl<C: 'static, P: Policy<C>> Part<'_, C, P> {
    /// # Safety
    ///
    /// `this` is a live `Packet<C, P>`, and `share` is `QUEUED` and goes with
    /// this, or nothing and the handle is borrowed for as long.
    unsafe fn new(this: NonNull<Header<C>>, share: u32) -> Self {
        Part { block: this.cast(), share, started: false, marker: PhantomData }
    }

    /// Does this come from the queue, which the task leaves with it?
    pub(crate) fn is_queued(&self) -> bool {
        self.share == QUEUED
    }

    pub(crate) fn label(&self) -> &P::Label {
        &self.packet().core.label
    }

    /// Takes the closure, unless somebody has. Then the result is due from here.
    pub(crate) fn start(&mut self) -> Option<P::Func> {
        let packet = self.packet();
        // ORDERING(packet): the closure came with the share, and one step
        // decides who takes it.
        if packet.core.state.fetch_or(STARTED, Ordering::Relaxed) & STARTED != 0 {
            return None;
        }
        // SAFETY: written by `task`, and whoever sets `STARTED` reads it alone.
        let func = unsafe { packet.func.get().read() };
        self.started = true;
        // SAFETY: as above: not read before.
        Some(unsafe { func.assume_init() })
    }

    /// Brings the result of a task that was started here, and says whom to
    /// wake. If nobody wants it, it comes back.
    ///
    /// # Panics
    ///
    /// If the task was not started here.
    pub(crate) fn finish(mut self, output: P::Output) -> Result<Option<Waker>, (P::Output, Self)> {
        assert!(mem::take(&mut self.started), "who takes the closure brings the result");
        let core = &self.packet().core;
        // SAFETY: nobody else writes it, and nobody reads before `DONE`.
        unsafe { (*core.output.get()).write(output) };
        // ORDERING(packet): decided by the exchange; or the handle has left, which
        // `leave` acquires.
        let mut state = core.state.load(Ordering::Relaxed);
        while state & HELD != 0 {
            // Who is to take the waker out has to stay for it.
            let leaves = if state & WAITED == 0 { self.share } else { 0 };
            let next = (state | DONE) & !(WAITED | leaves);
            // ORDERING(packet): releases the result to the handle, and acquires
            // the waker from it.
            let (ok, failed) = (Ordering::AcqRel, Ordering::Relaxed);
            match core.state.compare_exchange_weak(state, next, ok, failed) {
                Ok(_) if state & WAITED == 0 => {
                    self.share &= !leaves;
                    return Ok(None);
                }
                Ok(_) => {
                    // SAFETY: ours since `WAITED` was taken away.
                    return Ok(unsafe { (*core.waker.get()).take() });
                }
                Err(now) => state = now,
            }
        }
        // SAFETY: nobody else is left.
        let output = unsafe { &*core.output.get() };
        // SAFETY: written above, and read once: the handle is gone.
        let output = unsafe { output.assume_init_read() };
        Err((output, self))
    }

    fn packet(&self) -> &Packet<C, P> {
        // SAFETY: alive by our share, or by the handle's.
        unsafe { self.block.as_ref() }
    }
}

impl<C: 'static, P: Policy<C>> Drop for Part<'_, C, P> {
    fn drop(&mut self) {
        // SAFETY: the share is ours, and this is the end of it.
        unsafe { Core::<C, P::Label, P::Output>::leave(self.block.cast(), self.share) };
    }
}
