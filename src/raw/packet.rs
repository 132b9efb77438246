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
//! WATCHED   a third share, of whoever may decide from outside (`raw/watch.rs`)
//! OPEN      the closure is out, and the result may come from outside: who takes
//!           the bit away brings it
//! ASKED     the handle would have the running task stop
//! ALONE     it was made in an isolated section
//! and three bits that say, once it is done, what it came to
//! ```
//!
//! Whoever brings the result has a share or borrows the handle's, and a queue leaves only a
//! task that is started. A share is taken out once, by who has one. So whoever sees the others
//! gone is alone, and a handle whose task the queue has left reads without a locked instruction.

use std::{
    cell::UnsafeCell,
    marker::PhantomData,
    mem::{self, ManuallyDrop, MaybeUninit},
    ptr::NonNull,
    task::Waker,
};

use super::{
    held::Held,
    job::{Erased, Header, JobRef, Kind},
    slab::{self, Place},
    verdict::Verdict,
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
pub(super) const WATCHED: u32 = 1 << 6;
pub(super) const OPEN: u32 = 1 << 7;
pub(super) const ASKED: u32 = 1 << 8;
pub(super) const ALONE: u32 = 1 << 12; // `raw/verdict.rs` has those between.

const SHARES: u32 = HELD | QUEUED | WATCHED;

/// What a pool does with its tasks: how one is called, and what is counted.
pub(crate) trait Policy<C: 'static>: Sized + 'static {
    type Label: Send + Sync;
    type Func: Send;
    type Output: Send;

    /// Runs the task on `cx`; false if it was decided before that it is not to
    /// run. Must not unwind; an unwind aborts the process.
    fn run(part: Part<'_, C, Self>, cx: &C) -> bool;

    /// Decides that the task will not run, and why; false if it was started
    /// before. Must not unwind; an unwind aborts the process.
    fn cancel(part: Part<'_, C, Self>, verdict: Verdict) -> bool;
}

/// What does not depend on the types of closure and result.
#[repr(C)]
pub(crate) struct Front<C: 'static, L> {
    pub(super) header: Header<C>,
    pub(super) state: AtomicU32,
    place: Place,
    pub(super) waker: UnsafeCell<Option<Waker>>,
    label: L,
}

impl<C: 'static, L> Front<C, L> {
    fn new<P: Policy<C, Label = L>>(label: L, state: u32, place: Place) -> Self {
        // SAFETY: closure, result and label may be sent; and it does not
        // unwind: the bomb.
        let header = unsafe { Header::new::<Packet<C, P>>() };
        let (state, waker) = (AtomicU32::new(state), UnsafeCell::new(None));
        Front { header, state, place, waker, label }
    }

    pub(crate) fn label(&self) -> &L {
        &self.label
    }

    /// Would the handle have the running task stop?
    pub(crate) fn is_asked(&self) -> bool {
        // ORDERING(packet): a wish; nothing comes with it.
        self.state.load(Ordering::Relaxed) & ASKED != 0
    }
}

/// A block as the queue sees it: with a closure, until `STARTED`.
#[repr(C)]
struct Packet<C: 'static, P: Policy<C>> {
    front: Front<C, P::Label>,
    func: UnsafeCell<MaybeUninit<P::Func>>,
}

/// A block as the handle sees it, which does not know the closure's type: with a
/// result, from `DONE` to `TAKEN`. It lies where the closure was.
#[repr(C)]
pub(super) struct Core<C: 'static, L, R> {
    pub(super) front: Front<C, L>,
    pub(super) output: UnsafeCell<MaybeUninit<R>>,
}

/// Room for either.
#[repr(C)]
union Block<C: 'static, P: Policy<C>> {
    packet: ManuallyDrop<Packet<C, P>>,
    core: ManuallyDrop<Core<C, P::Label, P::Output>>,
}

/// What a handle asks for, which depends on the closure's type. Each wants the
/// address of a live block; `free`, of one that nobody has a share in.
pub(super) struct HeldTable<C: 'static> {
    pub(super) run: unsafe fn(NonNull<Header<C>>, &C) -> bool,
    pub(super) cancel: unsafe fn(NonNull<Header<C>>, Verdict) -> bool,
    free: unsafe fn(NonNull<Header<C>>),
}

/// The two shares of a new task.
pub(crate) fn task<C, P: Policy<C>>(
    label: P::Label,
    func: P::Func,
) -> (JobRef<C>, Held<C, P::Label, P::Output>) {
    let block = slab::cut(|place| {
        let front = Front::new::<P>(label, HELD | QUEUED, place);
        let func = UnsafeCell::new(MaybeUninit::new(func));
        Block::<C, P> { packet: ManuallyDrop::new(Packet { front, func }) }
    });
    // SAFETY: its share keeps the block until it has run or was discarded.
    let job = unsafe { JobRef::new(block.cast()) };
    // SAFETY: a block with these types, and the only handle on it.
    (job, unsafe { Held::new(block.cast()) })
}

/// The handle's share of a task that was decided from the start.
pub(crate) fn decided<C, P: Policy<C>>(
    label: P::Label,
    output: P::Output,
    verdict: Verdict,
) -> Held<C, P::Label, P::Output> {
    let block = slab::cut(|place| {
        let front = Front::new::<P>(label, HELD | STARTED | DONE | verdict.bits(), place);
        let output = UnsafeCell::new(MaybeUninit::new(output));
        Block::<C, P> { core: ManuallyDrop::new(Core { front, output }) }
    });
    // SAFETY: a block with these types, and the only handle on it.
    unsafe { Held::new(block.cast()) }
}

/// What a task of this policy takes, in bytes.
#[cfg(all(test, not(any(loom, shuttle))))]
pub(crate) const fn task_size<C: 'static, P: Policy<C>>() -> usize {
    size_of::<Block<C, P>>()
}

impl<C: 'static, P: Policy<C>> Packet<C, P> {
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
    /// As `run_held`; or a watch is.
    unsafe fn cancel_held(this: NonNull<Header<C>>, verdict: Verdict) -> bool {
        let bomb = AbortOnDrop;
        // SAFETY: the caller's.
        let part = unsafe { Part::new(this, 0) };
        let cancelled = P::cancel(part, verdict);
        mem::forget(bomb);
        cancelled
    }

    /// # Safety
    ///
    /// `this` is the block, and nobody has a share.
    unsafe fn free(this: NonNull<Header<C>>) {
        let front = this.cast::<Front<C, P::Label>>();
        // SAFETY: alive, and ours alone.
        let place = unsafe { (*front.as_ptr()).place };
        // SAFETY: cut with this place, and nobody has a share; in an unwind, too.
        let _room = unsafe { slab::Empty::new(this.cast::<Block<C, P>>(), place) };
        // SAFETY: dropped once; closure and result were moved out.
        unsafe { front.drop_in_place() };
    }
}

// SAFETY: `repr(C)`, header first, of the front and the packet.
unsafe impl<C: 'static, P: Policy<C>> Erased<C> for Packet<C, P> {
    const KIND: Kind = Kind::Task;
    const HELD: Option<&'static HeldTable<C>> =
        Some(&HeldTable { run: Self::run_held, cancel: Self::cancel_held, free: Self::free });

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
        let dropped = P::cancel(part, Verdict::Cancelled);
        mem::forget(bomb);
        dropped
    }
}

impl<C: 'static, L> Front<C, L> {
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
        let front = unsafe { this.as_ref() };
        // ORDERING(packet): acquires what the others did before they left.
        let alone = front.state.load(Ordering::Acquire) & SHARES == share || {
            // ORDERING(packet): releases what was done here, acquires what they did.
            let before = front.state.fetch_and(!share, Ordering::AcqRel);
            before & SHARES == share
        };
        if alone {
            let free = front.header.held().free;
            // SAFETY: all shares are gone.
            unsafe { free(this.cast()) };
        }
    }
}

impl<C: 'static, L, R> Core<C, L, R> {
    /// Brings the result, and says whom to wake; or gives it back if nobody wants
    /// it. With it goes `share`, unless it is needed yet: then it is left.
    ///
    /// # Safety
    ///
    /// The block is alive, the right to bring it is the caller's, and so is `share`;
    /// the closure was taken out. (With `&self` the block had to outlive the call.)
    pub(super) unsafe fn bring(
        this: NonNull<Self>,
        output: R,
        verdict: Verdict,
        share: &mut u32,
    ) -> Result<Option<Waker>, R> {
        // SAFETY: alive, until a share is given up; used no more after that.
        let Core { front: Front { state: word, waker, .. }, output: place } =
            unsafe { this.as_ref() };
        // SAFETY: nobody else writes it, and nobody reads before `DONE`.
        unsafe { (*place.get()).write(output) };
        // ORDERING(packet): decided by the exchange; or the handle has left, which
        // `leave` acquires.
        let mut state = word.load(Ordering::Relaxed);
        while state & HELD != 0 {
            // Who is to take the waker out has to stay for it.
            let leaves = if state & WAITED == 0 { *share } else { 0 };
            let next = (state | DONE | verdict.bits()) & !(WAITED | leaves);
            // ORDERING(packet): releases the result to the handle, and acquires
            // the waker from it.
            let (ok, failed) = (Ordering::AcqRel, Ordering::Relaxed);
            match word.compare_exchange_weak(state, next, ok, failed) {
                Ok(_) if state & WAITED == 0 => {
                    *share &= !leaves;
                    return Ok(None);
                }
                Ok(_) => {
                    // SAFETY: ours since `WAITED` was taken away.
                    return Ok(unsafe { (*waker.get()).take() });
                }
                Err(now) => state = now,
            }
        }
        // SAFETY: nobody else is left who reads it.
        let output = unsafe { &*place.get() };
        // SAFETY: written above, and read once: the handle is gone.
        Err(unsafe { output.assume_init_read() })
    }
}

/// One side's leave to decide what becomes of a task.
pub(crate) struct Part<'a, C: 'static, P: Policy<C>> {
    block: NonNull<Packet<C, P>>,
    /// `QUEUED`, which goes with this; or nothing, for a handle that is borrowed.
    share: u32,
    /// The closure was taken here, so the result comes from here;
    started: bool,
    /// unless somebody outside was let to bring it, and did.
    opened: bool,
    marker: PhantomData<&'a ()>,
}

impl<C: 'static, P: Policy<C>> Part<'_, C, P> {
    /// # Safety
    ///
    /// `this` is a live `Packet<C, P>`, and `share` is `QUEUED` and goes with
    /// this, or nothing and the handle is borrowed for as long.
    unsafe fn new(this: NonNull<Header<C>>, share: u32) -> Self {
        Part { block: this.cast(), share, started: false, opened: false, marker: PhantomData }
    }

    /// Does this come from the queue, which the task leaves with it?
    pub(crate) fn is_queued(&self) -> bool {
        self.share == QUEUED
    }

    pub(crate) fn label(&self) -> &P::Label {
        self.front().label()
    }

    pub(crate) fn front(&self) -> &Front<C, P::Label> {
        &self.packet().front
    }

    /// Takes the closure, unless somebody has. Then the result is due from here.
    pub(crate) fn start(&mut self) -> Option<P::Func> {
        let packet = self.packet();
        // ORDERING(packet): the closure came with the share; one step decides who takes it.
        if packet.front.state.fetch_or(STARTED, Ordering::Relaxed) & STARTED != 0 {
            return None;
        }
        // SAFETY: written by `task`, and whoever sets `STARTED` reads it alone.
        let func = unsafe { packet.func.get().read() };
        self.started = true;
        // SAFETY: as above: not read before.
        Some(unsafe { func.assume_init() })
    }

    /// From now on a watch may bring the result of the task that was started here.
    pub(crate) fn open(&mut self) {
        if self.started && !self.opened {
            self.opened = true;
            // ORDERING(packet): releases that the closure was taken out.
            self.front().state.fetch_or(OPEN, Ordering::Release);
        }
    }

    /// Brings the result of a task that was started here, and says whom to
    /// wake. If nobody wants it, or a watch was quicker, it comes back.
    ///
    /// # Panics
    ///
    /// If the task was not started here.
    pub(crate) fn finish(
        mut self,
        output: P::Output,
        verdict: Verdict,
    ) -> Result<Option<Waker>, (P::Output, Self)> {
        assert!(mem::take(&mut self.started), "who takes the closure brings the result");
        // ORDERING(packet): one step decides who brings it. Who lost writes nothing.
        if self.opened && self.front().state.fetch_and(!OPEN, Ordering::Relaxed) & OPEN == 0 {
            return Err((output, self));
        }
        let mut share = self.share;
        let core = self.block.cast::<Core<C, P::Label, P::Output>>();
        // SAFETY: alive by a share; who takes the closure has the right, as no watch has.
        let brought = unsafe { Core::bring(core, output, verdict, &mut share) };
        self.share = share;
        brought.map_err(|output| (output, self))
    }

    fn packet(&self) -> &Packet<C, P> {
        // SAFETY: alive by our share, or by the handle's.
        unsafe { self.block.as_ref() }
    }
}

impl<C: 'static, P: Policy<C>> Drop for Part<'_, C, P> {
    fn drop(&mut self) {
        // SAFETY: the share is ours, and this is the end of it.
        unsafe { Front::<C, P::Label>::leave(self.block.cast(), self.share) };
    }
}
