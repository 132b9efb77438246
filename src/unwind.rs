//! Panics: caught at the job's edge, carried as data, re-raised in the waiter.

use std::{any::Any, mem, panic, task::Waker};

use crate::{
    process::{Process, abort},
    sync::{Arc, Mutex, MutexGuard},
};

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
pub(crate) struct FirstPanic {
    panics: Mutex<Panics>,
    process: Process,
}

#[derive(Default)]
struct Panics {
    /// The first that nobody can take.
    first: Option<Payload>,
    /// Those before it that somebody may, in time.
    claims: Vec<Arc<Claim>>,
}

/// A panic that belongs to whoever takes it before it is raised.
pub(crate) struct Claim(Mutex<Option<Payload>>);

impl Claim {
    pub(crate) fn take(&self) -> Option<Payload> {
        self.0.lock().take()
    }

    fn is_open(&self) -> bool {
        self.0.lock().is_some()
    }
}

impl FirstPanic {
    /// Runs `f`; none if it panicked.
    pub(crate) fn guard<R>(&self, f: impl FnOnce() -> R) -> Option<R> {
        catch(f).map_err(|payload| self.keep(payload)).ok()
    }

    /// Runs `f`; if it panicked, the caller has a claim on that.
    pub(crate) fn guard_claimed<R>(&self, f: impl FnOnce() -> R) -> Result<R, Arc<Claim>> {
        catch(f).map_err(|payload| self.keep_claimed(payload))
    }

    /// Goes on with the panic, if there was one that nobody has taken.
    pub(crate) fn raise(&self) {
        let Panics { first, claims } = mem::take(&mut *self.panics.lock());
        let claimed = claims.iter().find_map(|claim| claim.take());
        let (payload, rest) = if claimed.is_some() { (claimed, first) } else { (first, None) };
        discard(rest);
        // Later ones stay with their handles, if there are any.
        claims.into_iter().for_each(discard);
        if let Some(payload) = payload {
            resume(payload);
        }
    }

    fn lock_for_another(&self) -> MutexGuard<'_, Panics> {
        // In a child the lock may be held for ever.
        self.process.or_abort();
        self.panics.lock()
    }

    #[cold]
    fn keep(&self, payload: Payload) {
        let mut panics = self.lock_for_another();
        if panics.first.is_none() {
            panics.first = Some(payload);
        } else {
            drop(panics);
            discard(payload);
        }
    }

    #[cold]
    fn keep_claimed(&self, payload: Payload) -> Arc<Claim> {
        let claim = Arc::new(Claim(Mutex::new(Some(payload))));
        let Panics { first, claims } = &mut *self.lock_for_another();
        // After one that nobody can take it is not raised in any case.
        if first.is_none() {
            if claims.len() == claims.capacity() {
                claims.retain(|claim| claim.is_open());
            }
            claims.push(Arc::clone(&claim));
        }
        claim
    }
}

/// Aborts if dropped. Held while a stack frame is on loan to other threads.
pub(crate) struct AbortOnDrop;

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        abort("heist: a panic inside the pool's own code would free memory in use; aborting\n")
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    /// A claim on a panic with this number.
    fn claim(panics: &FirstPanic, number: usize) -> Arc<Claim> {
        panics.guard_claimed(|| -> () { resume(Box::new(number)) }).expect_err("it panicked")
    }

    fn number(payload: Payload) -> usize {
        *payload.downcast().expect("a number")
    }

    fn raised(panics: &FirstPanic) -> Option<usize> {
        catch(|| panics.raise()).err().map(number)
    }

    #[test]
    fn the_first_claim_that_is_open_is_raised_however_many_were_used() {
        let panics = FirstPanic::default();
        let used = claim(&panics, 0);
        let (first, second) = (claim(&panics, 1), claim(&panics, 2));
        assert_eq!(used.take().map(number), Some(0));
        for number_of in 3..1000 {
            let later = claim(&panics, number_of);
            assert_eq!(later.take().map(number), Some(number_of));
        }
        let kept = panics.panics.lock().claims.capacity();
        assert!(kept < 100, "room for {kept} claims, of which 2 are open");
        assert_eq!(raised(&panics), Some(1));
        assert!(first.take().is_none());
        assert_eq!(second.take().map(number), Some(2), "a later one stays with its handle");
        assert_eq!(raised(&panics), None);
    }

    #[test]
    fn a_claim_after_a_panic_that_nobody_can_take_is_not_raised() {
        let panics = FirstPanic::default();
        assert_eq!(panics.guard(|| resume(Box::new(1_usize))), None::<()>);
        let later = claim(&panics, 2);
        assert_eq!(panics.guard(|| resume(Box::new(3_usize))), None::<()>);
        assert_eq!(raised(&panics), Some(1));
        assert_eq!(later.take().map(number), Some(2));
    }
}
