//! The one door to `std::sync`, `std::thread`, the deques of `crossbeam_deque`;
//! and to loom and shuttle, which stand in for all of them under `--cfg loom` and
//! `--cfg shuttle`. Under `--cfg chaos` they are themselves, but
//! late. Under Miri a model stands in for the deques, unless `--cfg real_deque` says
//! otherwise.

#[cfg(chaos)]
mod chaos;
#[cfg(any(loom, shuttle, all(miri, not(real_deque))))]
mod model;

mod local;
mod lock;

pub(crate) use self::{
    local::thread_local,
    lock::{Condvar, Mutex, MutexGuard, lock_wait},
};

// Reference counts are std's everywhere: `std::task::Wake` and trait objects
// need them, and no protocol of ours is carried by a count.
pub(crate) use std::sync::{Arc, OnceLock, Weak};

#[cfg(loom)]
use loom as imp;
#[cfg(shuttle)]
use shuttle as imp;
#[cfg(not(any(loom, shuttle)))]
use std as imp;

pub(crate) use self::imp::{
    sync::atomic::Ordering,
    thread::{self, LocalKey},
};

#[cfg(chaos)]
pub(crate) use self::chaos::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, fence};
#[cfg(not(chaos))]
pub(crate) use self::imp::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, fence,
};

/// Is a wait over now, for no reason? Now and then in chaos, so that whoever waits has to look
/// whether what it waits for is there.
#[cfg(chaos)]
pub(crate) use self::chaos::is_early;
#[cfg(not(chaos))]
pub(crate) const fn is_early() -> bool {
    false
}

/// Is a panic under way on this thread? In a model all threads are one, of which nobody knows.
pub(crate) fn is_unwinding() -> bool {
    !MODELLED && std::thread::panicking()
}

/// Memory of which loom knows who touched it last.
#[cfg(loom)]
pub(crate) use loom::cell::UnsafeCell as WatchedUnsafeCell;

/// Does a model checker run this? Then whatever is done so many times is to be
/// done a few times: capacities are small, and nobody looks twice before it sleeps.
pub(crate) const MODELLED: bool = cfg!(any(loom, shuttle));

/// Tells the processor, or the model checker, that this thread spins.
pub(crate) fn spin_loop() {
    #[cfg(not(any(loom, shuttle)))]
    std::hint::spin_loop();
    #[cfg(any(loom, shuttle))]
    thread::yield_now();
}

/// The deques: `Deque` is the owner's half (crossbeam calls it `Worker`).
pub(crate) mod deque {
    #[cfg(chaos)]
    pub(crate) use super::chaos::deque::{Deque, Injector, Steal, Stealer};

    #[cfg(not(any(chaos, loom, shuttle, all(miri, not(real_deque)))))]
    pub(crate) use crossbeam_deque::{Injector, Steal, Stealer, Worker as Deque};

    #[cfg(any(loom, shuttle, all(miri, not(real_deque))))]
    pub(crate) use super::model::{Deque, Injector, Steal, Stealer};
}
