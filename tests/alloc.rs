//! What a fork takes from the allocator: nothing.
//!
//! One test, in a binary of its own: the allocator counts for all threads.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering},
};

use heist::ThreadPool;

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: the system's allocator, and a number.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's.
        unsafe { System.dealloc(block, layout) }
    }
}

fn fib(n: u64) -> u64 {
    if n < 2 {
        return n;
    }
    let (a, b) = heist::join(|| fib(n - 1), || fib(n - 2));
    a + b
}

/// Allocations of the whole process while `f` runs.
fn allocations(f: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    f();
    ALLOCATIONS.load(Ordering::Relaxed) - before
}

fn pool(threads: usize) -> ThreadPool {
    ThreadPool::builder().num_threads(threads).build().unwrap()
}

#[test]
fn joins_do_not_allocate_stolen_or_not() {
    assert_eq!(allocations(|| drop(std::hint::black_box(Box::new(1)))), 1, "it counts");

    // Alone: no fork is stolen.
    let one = pool(1);
    one.install(|| {
        fib(10);
        assert_eq!(allocations(|| assert_eq!(fib(20), 6765)), 0);
    });
    assert_eq!(one.metrics().steals(), 0);
    drop(one);

    // Together, as a guest who comes and goes. A thread's first sleep, and its
    // first steal from another, set up what the later ones use again: so not
    // every round is free of allocations, but one with steals in it is, soon.
    let two = pool(2);
    let free = (0..10_000).any(|_| {
        let before = two.metrics();
        let joins =
            || (0..100).for_each(|_| assert_eq!(two.join(|| fib(14), || fib(15)), (377, 610)));
        let allocations = allocations(joins);
        allocations == 0 && two.metrics().since(&before).steals() > 0
    });
    assert!(free, "a round with steals and without allocations");
}
