//! Memory that is refused: the allocator of this binary, which fails when told.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr;
use std::sync::atomic::{AtomicI64, Ordering};

struct Failing;

#[global_allocator]
static ALLOCATOR: Failing = Failing;

/// Requests of all threads that are still granted; below zero, all are.
static LEFT: AtomicI64 = AtomicI64::new(-1);

thread_local! {
    /// The same for this thread alone.
    static LEFT_HERE: Cell<i64> = const { Cell::new(-1) };
}

/// Refuses the request after the next `granted` ones, once, whoever asks.
pub(crate) fn refuse_after(granted: i64) {
    LEFT.store(granted, Ordering::Relaxed);
}

/// The same among the requests of this thread.
pub(crate) fn refuse_here_after(granted: i64) {
    LEFT_HERE.set(granted);
}

/// Refuses nothing any more. True: nothing was refused.
pub(crate) fn refuse_nothing() -> bool {
    let here = LEFT_HERE.replace(-1);
    let left = LEFT.swap(-1, Ordering::Relaxed);
    here >= 0 || left >= 0
}

fn refuses() -> bool {
    let here = LEFT_HERE.get();
    if here >= 0 {
        LEFT_HERE.set(here - 1);
    }
    let count = |left: i64| (left >= 0).then(|| left - 1);
    // Read first: nobody writes while nothing is to be refused.
    let left = LEFT.load(Ordering::Relaxed);
    let all = left >= 0 && LEFT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, count) == Ok(0);
    here == 0 || all
}

// SAFETY: the system's allocator, or no memory.
unsafe impl GlobalAlloc for Failing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if refuses() {
            return ptr::null_mut();
        }
        // SAFETY: the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's.
        unsafe { System.dealloc(block, layout) }
    }
}
