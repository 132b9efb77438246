//! The one door to `std::sync`, `std::thread`, `parking_lot`, the deques of
//! `crossbeam_deque`, and loom, which stands in for all of them under
//! `--cfg loom`. Under Miri a model stands in for the deques too, unless
//! `--cfg real_deque` says otherwise.

#[cfg(any(loom, all(miri, not(real_deque))))]
mod model;

mod lock;

pub(crate) use self::lock::{Condvar, Mutex, lock_wait};

// Reference counts are std's everywhere: `std::task::Wake` and trait objects
// need them, and no protocol of ours is carried by a count.
pub(crate) use std::{
    sync::{Arc, OnceLock},
    thread::{self, LocalKey},
};

#[cfg(not(loom))]
pub(crate) use std::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
};

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
    #[cfg(not(any(loom, all(miri, not(real_deque)))))]
    pub(crate) use crossbeam_deque::{Injector, Steal, Stealer, Worker as Deque};

    #[cfg(any(loom, all(miri, not(real_deque))))]
    pub(crate) use super::model::{Deque, Injector, Steal, Stealer};
}
