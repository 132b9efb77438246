//! Panics: caught at the job's edge, carried as data, re-raised in the waiter.

use std::{any::Any, mem, panic, process, task::Waker};

use crate::sync::Mutex;

pub(crate) type Payload = Box<dyn Any + Send>;

pub(crate) fn catch<R>(f: impl FnOnce() -> R) -> Result<R, Payload> {
    panic::catch_unwind(panic::AssertUnwindSafe(f))
}

/// Goes on with a panic that was caught; the panic hook does not run again.
pub(crate) fn resume(payload: Payload) -> ! {
    panic::resume_unwind(payload)
}

/// Drops a value that is the user's, whose destructor may panic.
pub(crate) fn discard<T>(value: T) {
    if let Err(payload) = catch(|| drop(value)) {
        // What a panicking destructor threw may itself panic when dropped:
        // leaked at the second time, so that this ends.
        if let Err(again) = catch(|| drop(payload)) {
            mem::forget(again);
        }
    }
}

/// Wakes a task or thread; a waker is the user's code, and may panic.
pub(crate) fn wake(waker: Waker) {
    discard(catch(|| waker.wake()));
}

/// Holds a value that is in the way of an unwind: if dropped, it contains
/// what the value's destructor throws.
pub(crate) struct Contained<T>(Option<T>);

impl<T> Contained<T> {
    pub(crate) fn new(value: T) -> Self {
        Contained(Some(value))
    }

    pub(crate) fn into_inner(mut self) -> T {
        self.0.take().expect("taken once, by value")
    }
}

impl<T> Drop for Contained<T> {
    fn drop(&mut self) {
        if let Some(value) = self.0.take() {
            discard(value);
        }
    }
}

/// The panic that was first in time among many jobs; the others are dropped.
#[derive(Default)]
pub(crate) struct FirstPanic(Mutex<Option<Payload>>);

impl FirstPanic {
    /// Runs `f`; none if it panicked.
    pub(crate) fn guard<R>(&self, f: impl FnOnce() -> R) -> Option<R> {
        catch(f).map_err(|payload| self.keep(payload)).ok()
    }

    /// Goes on with the panic, if there was one.
    pub(crate) fn raise(&self) {
        let first = self.0.lock().take();
        if let Some(payload) = first {
            resume(payload);
        }
    }

    #[cold]
    fn keep(&self, payload: Payload) {
        let mut first = self.0.lock();
        if first.is_none() {
            *first = Some(payload);
        } else {
            drop(first);
            discard(payload);
        }
    }
}

/// Aborts if dropped. Held while a stack frame is on loan to other threads.
pub(crate) struct AbortOnDrop;

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        eprintln!("heist: a panic inside the pool's own code would free memory in use; aborting");
        process::abort()
    }
}
