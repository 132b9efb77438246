//! `hand_over`: a thread lends a closure to the pool and waits for it.

use std::{
    cell::UnsafeCell,
    mem::{self, ManuallyDrop},
    ptr::NonNull,
    task::Waker,
};

use super::{
    canary::Canary,
    job::{Erased, Header, JobRef, Kind},
};
use crate::{
    process::Process,
    sync::{AtomicBool, Ordering},
    unwind::{self, AbortOnDrop, Payload},
};

/// A closure in the frame of a thread that is no worker of this pool.
#[repr(C)]
struct LentJob<C: 'static, F, R> {
    header: Header<C>,
    done: AtomicBool,
    canary: Canary,
    /// The runner's: taken before `done` is set, used after it.
    waker: UnsafeCell<Option<Waker>>,
    func: UnsafeCell<Option<F>>,
    result: UnsafeCell<Option<Result<R, Payload>>>,
}

impl<C: 'static, F, R> LentJob<C, F, R> {
    /// # Safety
    ///
    /// `self` is alive, and nobody else touches its waker.
    unsafe fn take_waker(&self) -> Option<Waker> {
        self.canary.touch();
        // SAFETY: the caller's.
        unsafe { &mut *self.waker.get() }.take()
    }
}

// SAFETY: `repr(C)`, header first.
unsafe impl<C: 'static, F: FnOnce(&C) -> R + Send, R: Send> Erased<C> for LentJob<C, F, R> {
    const KIND: Kind = Kind::Structured;

    unsafe fn run_erased(this: NonNull<Header<C>>, cx: &C) -> bool {
        let bomb = AbortOnDrop;
        let this = this.cast::<Self>();
        // SAFETY: lent, so alive until `done` is set below.
        let job = unsafe { this.as_ref() };
        // SAFETY: the only run, and the waiter keeps its hands off until done.
        let waker = unsafe { job.take_waker() };
        // SAFETY: as above.
        let func = unsafe { &mut *job.func.get() }.take();
        let func = func.expect("a job runs once");
        let process = Process::current();
        let result = unwind::catch(|| func(cx));
        process.or_abort();
        // SAFETY: as above.
        unsafe { *job.result.get() = Some(result) };
        // ORDERING(done): releases the result to `hand_over`.
        job.done.store(true, Ordering::Release);
        // The frame may be gone; the waker is ours.
        if let Some(waker) = waker {
            waker.wake();
        }
        mem::forget(bomb);
        true
    }
}

/// Lends `func` to the pool through `inject` and returns its result.
///
/// `wait` blocks until the closure it is given says true; whenever that may
/// have changed, `waker` is woken.
pub(crate) fn hand_over<C, F, R>(
    waker: Waker,
    inject: impl FnOnce(JobRef<C>),
    mut wait: impl FnMut(&dyn Fn() -> bool),
    func: F,
) -> R
where
    C: 'static,
    F: FnOnce(&C) -> R + Send,
    R: Send,
{
    let job = ManuallyDrop::new(LentJob {
        // SAFETY: `F` and `R` are `Send`, a `Waker` too; does not unwind.
        header: unsafe { Header::new::<LentJob<C, F, R>>() },
        done: AtomicBool::new(false),
        canary: Canary::new(),
        waker: UnsafeCell::new(Some(waker)),
        func: UnsafeCell::new(Some(func)),
        result: UnsafeCell::new(None),
    });
    // SAFETY: the frame does not end before `done`: the loop below, or the bomb.
    let job_ref = unsafe { JobRef::new(NonNull::from(&*job).cast()) };
    let bomb = AbortOnDrop;
    inject(job_ref);
    // ORDERING(done): acquires the result that the runner left.
    let is_done = || job.done.load(Ordering::Acquire);
    while !is_done() {
        wait(&is_done);
    }
    mem::forget(bomb);
    job.canary.own();
    let job = ManuallyDrop::into_inner(job);
    match job.result.into_inner().expect("a job that is done has a result") {
        Ok(result) => result,
        Err(payload) => unwind::resume(payload),
    }
}
