//! Locks that are never poisoned and that know how long they made us wait.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

#[cfg(loom)]
use loom::sync as imp;
#[cfg(not(any(loom, miri)))]
use parking_lot as imp;
// `parking_lot` keeps pointers as numbers, which Miri cannot follow.
#[cfg(miri)]
use std::sync as imp;

#[cfg(any(loom, miri))]
use std::sync::PoisonError;

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

    #[cfg(not(any(loom, miri)))]
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.try_lock().unwrap_or_else(|| self.lock_contended())
    }

    #[cfg(any(loom, miri))]
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(not(any(loom, miri)))]
    pub(crate) fn into_inner(self) -> T {
        self.0.into_inner()
    }

    #[cfg(any(loom, miri))]
    pub(crate) fn into_inner(self) -> T {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Apart, so that the clock is read only when there is something to time.
    #[cold]
    #[cfg(not(any(loom, miri)))]
    fn lock_contended(&self) -> MutexGuard<'_, T> {
        let start = Instant::now();
        let guard = self.0.lock();
        WAITED.set(WAITED.get() + start.elapsed());
        guard
    }
}

#[derive(Debug, Default)]
pub(crate) struct Condvar(imp::Condvar);

impl Condvar {
    pub(crate) fn new() -> Self {
        Condvar(imp::Condvar::new())
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    #[cfg(not(any(loom, miri)))]
    pub(crate) fn wait<'a, T>(&self, mut guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0.wait(&mut guard);
        guard
    }

    #[cfg(any(loom, miri))]
    pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }

    /// Like `wait`, but gives up at `deadline`.
    #[cfg(not(any(loom, miri)))]
    pub(crate) fn wait_until<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        deadline: Instant,
    ) -> MutexGuard<'a, T> {
        self.0.wait_until(&mut guard, deadline);
        guard
    }

    #[cfg(miri)]
    pub(crate) fn wait_until<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        deadline: Instant,
    ) -> MutexGuard<'a, T> {
        let timeout = deadline.saturating_duration_since(Instant::now());
        self.0.wait_timeout(guard, timeout).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Loom has no clock: a wait with a deadline is a wait.
    #[cfg(loom)]
    pub(crate) fn wait_until<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        _deadline: Instant,
    ) -> MutexGuard<'a, T> {
        self.wait(guard)
    }
}
