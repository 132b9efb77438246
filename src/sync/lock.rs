//! Locks that are never poisoned and that know how long they made us wait.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

// Of no meaning where threads take turns on one: it may be another's panic.
#[cfg(any(loom, shuttle))]
use std::sync::PoisonError;

#[cfg(loom)]
use loom::sync as imp;
#[cfg(not(any(loom, shuttle)))]
use parking_lot as imp;
#[cfg(shuttle)]
use shuttle::sync as imp;

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
        self.0.try_lock().unwrap_or_else(|| self.lock_contended())
    }

    #[cfg(any(loom, shuttle))]
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(not(any(loom, shuttle)))]
    pub(crate) fn into_inner(self) -> T {
        self.0.into_inner()
    }

    #[cfg(any(loom, shuttle))]
    pub(crate) fn into_inner(self) -> T {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Apart, so that the clock is read only when there is something to time.
    #[cold]
    #[cfg(not(any(loom, shuttle)))]
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

    #[cfg(not(any(loom, shuttle)))]
    pub(crate) fn wait<'a, T>(&self, mut guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0.wait(&mut guard);
        guard
    }

    #[cfg(any(loom, shuttle))]
    pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }

    /// Like `wait`, but gives up at `deadline`.
    #[cfg(not(any(loom, shuttle)))]
    pub(crate) fn wait_until<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        deadline: Instant,
    ) -> MutexGuard<'a, T> {
        self.0.wait_until(&mut guard, deadline);
        guard
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
