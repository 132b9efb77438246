//! Locks that are never poisoned and that know how long they made us wait.
//!
//! They are std's, not those of `parking_lot`: its table of who waits where is one
//! for the whole process, and in the child of a fork it is full of threads that
//! are not there, and perhaps locked. A pool made there would hang.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use std::sync::PoisonError;
#[cfg(not(any(loom, shuttle)))]
use std::sync::TryLockError;

#[cfg(chaos)]
use super::chaos as imp;
#[cfg(loom)]
use loom::sync as imp;
#[cfg(shuttle)]
use shuttle::sync as imp;
#[cfg(not(any(chaos, loom, shuttle)))]
use std::sync as imp;

thread_local! {
    static WAITED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// How long this thread has waited for contended locks since it last asked.
pub(crate) fn lock_wait() -> Duration {
    WAITED.replace(Duration::ZERO)
}

#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(imp::Mutex<T>);

pub(crate) type MutexGuard<'a, T> = imp::MutexGuard<'a, T>;

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Mutex(imp::Mutex::new(value))
    }

    #[cfg(not(any(loom, shuttle)))]
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.try_lock().unwrap_or_else(|| self.lock_contended())
    }

    #[cfg(any(loom, shuttle))]
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lock if it is free.
    #[cfg(not(any(loom, shuttle)))]
    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        match self.0.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    pub(crate) fn into_inner(self) -> T {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Apart, so that the clock is read only when there is something to time.
    #[cold]
    #[cfg(not(any(loom, shuttle)))]
    fn lock_contended(&self) -> MutexGuard<'_, T> {
        let start = Instant::now();
        let guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        WAITED.set(WAITED.get() + start.elapsed());
        guard
    }
}

/// To tell nobody may cost a system call: who notifies knows that somebody waits.
#[derive(Debug, Default)]
pub(crate) struct Condvar(imp::Condvar);

impl Condvar {
    pub(crate) fn new() -> Self {
        Condvar(imp::Condvar::new())
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }

    /// Like `wait`, but gives up at `deadline`.
    #[cfg(not(any(loom, shuttle)))]
    pub(crate) fn wait_until<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        deadline: Instant,
    ) -> MutexGuard<'a, T> {
        let left = deadline.saturating_duration_since(Instant::now());
        self.0.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0
    }

    /// A model has no clock: a wait with a deadline is a wait.
    #[cfg(any(loom, shuttle))]
    pub(crate) fn wait_until<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        _deadline: Instant,
    ) -> MutexGuard<'a, T> {
        self.wait(guard)
    }
}
