//! The one door to `std::sync`, `std::thread`, the deques of
//! `crossbeam_deque`, and loom, which stands in for all of them under
//! `--cfg loom`. Under `--cfg chaos` they are themselves, but late.

#[cfg(chaos)]
mod chaos;
#[cfg(any(loom, miri))]
mod model;

mod lock;

pub(crate) use self::lock::{Condvar, Mutex, MutexGuard, lock_wait};

// Reference counts are std's everywhere: `std::task::Wake` and trait objects
// need them, and no protocol of ours is carried by a count.
pub(crate) use std::{
    sync::{Arc, OnceLock},
    thread::{self, LocalKey},
};

#[cfg(not(any(chaos, loom)))]
pub(crate) use std::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
};

#[cfg(chaos)]
pub(crate) use self::chaos::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, fence};
#[cfg(chaos)]
pub(crate) use std::sync::atomic::Ordering;

#[cfg(loom)]
pub(crate) use loom::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
};

/// Tells the processor, or the model checker, that this thread spins.
pub(crate) fn spin_loop() {
    #[cfg(not(loom))]
    std::hint::spin_loop();
    #[cfg(loom)]
    loom::thread::yield_now();
}

/// The deques: `Deque` is the owner's half (crossbeam calls it `Worker`).
pub(crate) mod deque {
    #[cfg(chaos)]
    pub(crate) use super::chaos::deque::{Deque, Injector, Steal, Stealer};

    #[cfg(not(any(chaos, loom, miri)))]
    pub(crate) use crossbeam_deque::{Injector, Steal, Stealer, Worker as Deque};

    #[cfg(any(loom, miri))]
    pub(crate) use super::model::{Deque, Injector, Steal, Stealer};
}
