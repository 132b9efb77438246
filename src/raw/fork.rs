//! `fork_join`: a job in the frame of the worker that waits for it.
//!
//! The unstolen path is plain memory from end to end: no latch is looked at,
//! no result is stored, no panic is caught. Whoever steals the job pays.

use std::{
    cell::UnsafeCell,
    mem::{self, ManuallyDrop},
    ptr::{self, NonNull},
};

use super::{
    Host, LatchOf,
    job::{Erased, Header, JobId, Kind},
    latch::Latch,
    stack::{Fork, ForkRef},
};
use crate::unwind::{self, AbortOnDrop, Contained, Payload};

/// The frame's job: a closure until it is run elsewhere, then its result.
#[repr(C)]
struct StackJob<H: 'static, F, R> {
    fork: Fork<H>,
    body: UnsafeCell<Body<F, R>>,
}

union Body<F, R> {
    func: ManuallyDrop<F>,
    result: ManuallyDrop<Result<R, Payload>>,
}

impl<H: Host, F: FnOnce() -> R + Send, R: Send> StackJob<H, F, R> {
    #[inline(always)]
    fn new(func: F) -> Self {
        // SAFETY: `F` is `Send` and so is `R`: any thread. `run_erased` does
        // not unwind. How long it lives is the promise of `lend`.
        let header = unsafe { Header::new_private::<Self>() };
        let body = UnsafeCell::new(Body { func: ManuallyDrop::new(func) });
        StackJob { fork: Fork::new(header), body }
    }

    #[inline(always)]
    fn id(&self) -> JobId {
        JobId::new(NonNull::from(self).cast())
    }

    /// # Safety
    ///
    /// `self` stays where it is until the latch is set, or until the right to
    /// run it is back in the caller's hands. Called once.
    #[inline(always)]
    unsafe fn lend(&self) -> ForkRef<H> {
        // SAFETY: the caller keeps it valid, and asks for no second one.
        unsafe { ForkRef::new(NonNull::from(self).cast()) }
    }

    /// # Safety
    ///
    /// The only right to run it is in the caller's hands. Called once.
    #[inline(always)]
    unsafe fn take_func(&self) -> F {
        let body = self.body.get().cast::<F>();
        // SAFETY: unrun, so the body is still the closure, and nobody else has
        // a way to it. Both fields of a union start at its address.
        unsafe { ptr::read(body) }
    }

    /// # Safety
    ///
    /// The latch is set. Called once.
    unsafe fn take_result(&self) -> Result<R, Payload> {
        let body = self.body.get().cast::<Result<R, Payload>>();
        // SAFETY: set after the result was written; the runner is done with it.
        unsafe { ptr::read(body) }
    }
}

// SAFETY: `repr(C)`, header first.
unsafe impl<H: Host, F: FnOnce() -> R + Send, R: Send> Erased<H> for StackJob<H, F, R> {
    const KIND: Kind = Kind::Structured;

    unsafe fn run_erased(this: NonNull<Header<H>>, host: &H) -> bool {
        let bomb = AbortOnDrop;
        let this = this.cast::<Self>();
        // SAFETY: lent, so alive until the latch is set below.
        let job = unsafe { this.as_ref() };
        // SAFETY: this is the run.
        let latch = unsafe { job.fork.latch() }.expect("a fork is public when it has a `JobRef`");
        latch.hold(host.index());
        host.begin(latch);
        // SAFETY: this run consumed the only right to it.
        let func = unsafe { job.take_func() };
        let result = ManuallyDrop::new(unwind::catch(func));
        host.process().or_abort();
        // SAFETY: the waiter reads after the latch; the closure was moved out.
        unsafe { job.body.get().write(Body { result }) };
        let latch = &raw const *latch;
        // SAFETY: alive on entry, which is all `set` asks. `job` is not used
        // again: it may be gone.
        let asleep = unsafe { Latch::set(latch) };
        if let Some(owner) = asleep {
            host.wake(owner);
        }
        mem::forget(bomb);
        true
    }
}

/// Runs `a` here and `b` here or elsewhere; returns when both are done.
///
/// If `a` panics, `b` still runs, exactly once, and its panic, if any, is
/// contained. If only `b` panics, the result of `a` is dropped.
// Inlined where it is called, with `a` and `b`: a fork is then about 15
// instructions in its caller's frame, and no call.
#[inline(always)]
pub(crate) fn fork_join<H, A, B, RA, RB>(host: &H, a: A, b: B) -> (RA, RB)
where
    H: Host,
    A: FnOnce() -> RA,
    B: FnOnce() -> RB + Send,
    RB: Send,
{
    let job = StackJob::new(b);
    let bomb = AbortOnDrop;
    // SAFETY: this frame does not end before `job` is taken back or its latch
    // is set: `loan` sees to it if `a` unwinds, `finish` if it does not.
    host.fork(unsafe { job.lend() });
    mem::forget(bomb);
    let loan = Loan { host, job: &job };
    let result_a = a();
    mem::forget(loan);

    match host.take_back(job.id()) {
        Some(fork) => {
            must_be_same(fork.id(), job.id());
            // SAFETY: here it is, unrun.
            let func = unsafe { job.take_func() };
            run_here(result_a, func)
        }
        None => finish(host, &job, result_a),
    }
}

/// The frame's job is with the pool, and `a` unwinds: settles the job before
/// the frame goes.
struct Loan<'a, H: Host, F: FnOnce() -> R + Send, R: Send> {
    host: &'a H,
    job: &'a StackJob<H, F, R>,
}

impl<H: Host, F: FnOnce() -> R + Send, R: Send> Drop for Loan<'_, H, F, R> {
    // Inlined, so that the loan itself need not be in memory while `a` runs.
    #[inline(always)]
    fn drop(&mut self) {
        settle_unwinding(self.host, self.job);
    }
}

#[cold]
#[inline(never)]
fn settle_unwinding<H, F, R>(host: &H, job: &StackJob<H, F, R>)
where
    H: Host,
    F: FnOnce() -> R + Send,
    R: Send,
{
    match settle(host, job) {
        // The panic of `a` is under way already and wins.
        Settled::Here(func) => unwind::discard(unwind::catch(func)),
        Settled::There(result) => unwind::discard(result),
    }
}

enum Settled<F, R> {
    /// Nobody has run it, and now nobody else can.
    Here(F),
    /// Somebody has run it.
    There(Result<R, Payload>),
}

/// `b` was published: get it back, or wait for its thief.
#[cold]
fn settle<H, F, R>(host: &H, job: &StackJob<H, F, R>) -> Settled<F, R>
where
    H: Host,
    F: FnOnce() -> R + Send,
    R: Send,
{
    let bomb = AbortOnDrop;
    let settled = if let Some(job_ref) = host.reclaim(job.id()) {
        must_be_same(job_ref.id(), job.id());
        // SAFETY: here it is, unrun.
        Settled::Here(unsafe { job.take_func() })
    } else {
        // SAFETY: this thread made it.
        let latch = unsafe { job.fork.latch() }.expect("a fork that is not here is public");
        while !latch.is_set() {
            host.wait(latch, LatchOf::Fork);
        }
        latch.end();
        // SAFETY: set.
        Settled::There(unsafe { job.take_result() })
    };
    mem::forget(bomb);
    settled
}

/// A host gives back what it was asked for. Another job would leave ours with
/// somebody else. Costs nothing where the host has compared the same.
#[inline(always)]
fn must_be_same(given: JobId, asked: JobId) {
    if given != asked {
        drop(AbortOnDrop);
    }
}

#[cold]
#[inline(never)]
fn finish<H, F, RA, R>(host: &H, job: &StackJob<H, F, R>, result_a: RA) -> (RA, R)
where
    H: Host,
    F: FnOnce() -> R + Send,
    R: Send,
{
    match settle(host, job) {
        Settled::Here(func) => run_here(result_a, func),
        Settled::There(Ok(result_b)) => (result_a, result_b),
        Settled::There(Err(payload)) => {
            unwind::discard(result_a);
            unwind::resume(payload)
        }
    }
}

/// Runs `func` inline; if it panics, `result_a` is in the way of the unwind.
#[inline(always)]
fn run_here<RA, R>(result_a: RA, func: impl FnOnce() -> R) -> (RA, R) {
    let result_a = Contained::new(result_a);
    let result_b = func();
    (result_a.into_inner(), result_b)
}
