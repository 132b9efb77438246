//! `JobRef`: a job whose type has been forgotten, in one word.

use std::{num::NonZero, ptr::NonNull};

use super::{Host, block, packet::HeldTable};
use crate::unwind::AbortOnDrop;

/// The first field of every job: what to call, and what kind of job it is.
///
/// Generic over the context `C` it will run in, so that this file need not
/// know what a worker is.
pub(super) struct Header<C: 'static>(&'static Table<C>);

struct Table<C: 'static> {
    run: unsafe fn(NonNull<Header<C>>, &C) -> bool,
    discard: unsafe fn(NonNull<Header<C>>) -> bool,
    kind: Kind,
    /// The table that takes the place of this one when a private job goes
    /// public; none if it is public.
    public: Option<&'static Table<C>>,
    /// What the handle of a task calls; none if there is no handle.
    held: Option<&'static HeldTable<C>>,
}

/// Why somebody may wait for a job, which decides who runs it while waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A fork, or a closure that was lent: a frame up the stack waits for it.
    Structured,
    /// A scope's job: as above, together with others of its kind.
    Scoped,
    /// A spawned task: it may have nothing to do with the wait at hand.
    Task,
}

impl<C> Header<C> {
    /// # Safety
    ///
    /// `run`, given the address of the job that starts with this header, must
    /// be sound to call once, on any thread, at any time until the `JobRef` is
    /// consumed or leaked; and it must not unwind.
    pub(super) const unsafe fn new<J: Erased<C>>() -> Self {
        Header(Table::public::<J>())
    }

    /// The header of a job that is private for now.
    ///
    /// # Safety
    ///
    /// As `new`.
    #[inline(always)]
    pub(super) const unsafe fn new_private<J: Erased<C>>() -> Self {
        Header(const { &Table { public: Some(Table::public::<J>()), ..*Table::public::<J>() } })
    }

    /// What it is to be when the job goes public; none if it is.
    pub(super) fn public(&self) -> Option<Self> {
        self.0.public.map(Header)
    }

    /// What the handle of a task calls.
    pub(super) fn held(&self) -> &'static HeldTable<C> {
        self.0.held.expect("a task has a handle")
    }
}

impl<C> Table<C> {
    const fn public<J: Erased<C>>() -> &'static Self {
        const {
            &Table {
                run: J::run_erased,
                discard: J::discard_erased,
                kind: J::KIND,
                public: None,
                held: J::HELD,
            }
        }
    }
}

/// A job that begins with a `Header` and can be run through its address.
///
/// # Safety
///
/// The type is `repr(C)` and its first field is a `Header`.
pub(super) unsafe trait Erased<C: 'static> {
    const KIND: Kind;
    const HELD: Option<&'static HeldTable<C>> = None;

    /// False: it was decided before that it is not to run.
    ///
    /// # Safety
    ///
    /// `this` points to the header of a live `Self`, with leave to all of it;
    /// called once; does not unwind.
    unsafe fn run_erased(this: NonNull<Header<C>>, cx: &C) -> bool;

    /// Lets go of a job that is not to run; false if that was decided before.
    ///
    /// # Safety
    ///
    /// As `run_erased`, of which this is the alternative.
    unsafe fn discard_erased(_this: NonNull<Header<C>>) -> bool {
        unreachable!("somebody waits for a structured job")
    }
}

/// The right to run a job, once.
///
/// Bits of the address that are zero in that of a header say whether the job was made in
/// an isolated section, and whether it is a stranger's to any other.
pub(crate) struct JobRef<C: 'static>(NonNull<Header<C>>);

const ISOLATED: usize = 1;
const APART: usize = 2;
const BITS: usize = ISOLATED | APART;

/// Two `JobRef`s with equal ids are the same job.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct JobId(NonNull<()>);

impl JobId {
    pub(super) fn new(address: NonNull<()>) -> Self {
        JobId(address)
    }

    pub(super) fn address(self) -> NonNull<()> {
        self.0
    }
}

// SAFETY: `Header::new` requires that running the job be sound on whichever
// thread does it, so moving the right to another thread gives no new power.
unsafe impl<C> Send for JobRef<C> {}

impl<C> JobRef<C> {
    /// # Safety
    ///
    /// `job` is the address of a job with a header made by `Header::new`,
    /// stays valid until this `JobRef` is consumed, and has no other `JobRef`.
    pub(super) unsafe fn new(job: NonNull<Header<C>>) -> Self {
        JobRef(job)
    }

    pub(crate) fn id(&self) -> JobId {
        JobId(self.address().cast())
    }

    /// The same job, made in an isolated section: it goes wherever the job goes.
    pub(crate) fn isolate(self) -> Self {
        self.with(ISOLATED)
    }

    /// The same, and no part of the section it may be run in: it is to have one of its own there.
    pub(crate) fn set_apart(self) -> Self {
        self.with(BITS)
    }

    pub(crate) fn is_isolated(&self) -> bool {
        self.has(ISOLATED)
    }

    pub(crate) fn is_apart(&self) -> bool {
        self.has(APART)
    }

    fn with(self, bits: usize) -> Self {
        const { assert!(align_of::<Header<C>>() > BITS) };
        JobRef(self.0.map_addr(|address| address | bits))
    }

    fn has(&self, bit: usize) -> bool {
        self.0.addr().get() & bit != 0
    }

    fn address(&self) -> NonNull<Header<C>> {
        self.0.map_addr(|address| NonZero::new(address.get() & !BITS).unwrap_or(address))
    }

    pub(crate) fn kind(&self) -> Kind {
        let address = self.address();
        // SAFETY: valid until consumed, which takes `self`; the header is
        // never written once there is a `JobRef`.
        let header = unsafe { address.as_ref() };
        header.0.kind
    }

    /// Runs the job. Consumes `self`: a job runs at most once. False: it was
    /// decided before that it is not to run.
    pub(crate) fn run(self, cx: &C) -> bool {
        let address = self.address();
        // SAFETY: valid until consumed, as in `kind`.
        let table = unsafe { address.as_ref() }.0;
        // SAFETY: the promise of `Header::new`, and `self` is the only right.
        unsafe { (table.run)(address, cx) }
    }

    /// Drops a task without running it. False: it was decided before.
    pub(crate) fn discard(self) -> bool {
        assert_eq!(self.kind(), Kind::Task, "somebody waits for a structured job");
        let address = self.address();
        // SAFETY: valid until consumed, as in `kind`.
        let table = unsafe { address.as_ref() }.0;
        // SAFETY: in place of `run`, with the only right.
        unsafe { (table.discard)(address) }
    }
}

/// A job that owns its closure, in memory of its own.
#[repr(C)]
struct HeapJob<C: 'static, F> {
    header: Header<C>,
    func: F,
}

// SAFETY: `repr(C)`, header first.
unsafe impl<C: 'static, F: FnOnce(&C) + Send> Erased<C> for HeapJob<C, F> {
    const KIND: Kind = Kind::Scoped;

    unsafe fn run_erased(this: NonNull<Header<C>>, cx: &C) -> bool {
        let bomb = AbortOnDrop;
        // SAFETY: from `Box::into_raw` in `boxed`, and used once.
        let job = unsafe { Box::from_raw(this.cast::<Self>().as_ptr()) };
        (job.func)(cx);
        std::mem::forget(bomb);
        true
    }
}

/// The same in a block of a worker's.
#[repr(transparent)]
struct BlockJob<H: Host, F>(HeapJob<H, F>);

// SAFETY: `HeapJob`, whose header is first.
unsafe impl<H: Host, F: FnOnce(&H) + Send> Erased<H> for BlockJob<H, F> {
    const KIND: Kind = Kind::Scoped;

    unsafe fn run_erased(this: NonNull<Header<H>>, host: &H) -> bool {
        let bomb = AbortOnDrop;
        // SAFETY: from `fill` in `heap`, and used once.
        let job = unsafe { host.blocks().empty(this.cast::<Self>()) };
        (job.0.func)(host);
        std::mem::forget(bomb);
        true
    }
}

/// # Safety
///
/// The job must have run before anything that `func` borrows is gone.
pub(super) unsafe fn heap<H: Host, F>(host: Option<&H>, func: F) -> JobRef<H>
where
    F: FnOnce(&H) + Send,
{
    match host {
        Some(host) if const { block::fits::<BlockJob<H, F>>() } => {
            // SAFETY: `func` is `Send`, `run_erased` empties the block and does
            // not unwind: the bomb.
            let header = unsafe { Header::new::<BlockJob<H, F>>() };
            let job = host.blocks().fill(BlockJob(HeapJob { header, func }));
            // SAFETY: fresh, alive until `run_erased` empties it.
            unsafe { JobRef::new(job.cast()) }
        }
        // SAFETY: the caller's.
        _ => unsafe { boxed(func) },
    }
}

/// # Safety
///
/// As `heap`.
unsafe fn boxed<C, F: FnOnce(&C) + Send>(func: F) -> JobRef<C> {
    // SAFETY: `func` is `Send`, `run_erased` frees the block and does not
    // unwind: the bomb.
    let header = unsafe { Header::new::<HeapJob<C, F>>() };
    let job = Box::into_raw(Box::new(HeapJob { header, func }));
    // SAFETY: a box is never null.
    let job = unsafe { NonNull::new_unchecked(job) };
    // SAFETY: fresh, alive until `run_erased` takes the box back.
    unsafe { JobRef::new(job.cast()) }
}
