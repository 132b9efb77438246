//! Wakers that panic, whatever is called.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::atomic::{AtomicIsize, Ordering};
use std::task::{Poll, RawWaker, RawWakerVTable, Waker};

use crate::process::{alone, assert_settled};
use crate::support::{Count, assert_whole, builder, hold, poll, until};

/// Calls of a waker until one panics, by what is called; below zero, none does.
#[derive(Default)]
struct Fuse {
    clone: AtomicIsize,
    wake: AtomicIsize,
    drop: AtomicIsize,
}

impl Fuse {
    fn burn(left: &AtomicIsize, what: &str) {
        if left.fetch_sub(1, Ordering::Relaxed) == 0 {
            panic_any(what.to_owned());
        }
    }

    /// One that panics at call `at` of `which`.
    fn lit(which: usize, at: isize) -> &'static Fuse {
        let at = |this| AtomicIsize::new(if which == this { at } else { -1 });
        Box::leak(Box::new(Fuse { clone: at(0), wake: at(1), drop: at(2) }))
    }

    fn waker(&'static self) -> Waker {
        // SAFETY: the table's functions keep the contract of wakers, but that
        // they panic; the data is never freed.
        unsafe { Waker::from_raw(RawWaker::new(std::ptr::from_ref(self).cast(), &TABLE)) }
    }

    /// # Safety
    ///
    /// `data` is a waker's of this type.
    unsafe fn of(data: *const ()) -> &'static Fuse {
        // SAFETY: the caller's.
        unsafe { &*data.cast() }
    }
}

static TABLE: RawWakerVTable = {
    unsafe fn clone(data: *const ()) -> RawWaker {
        // SAFETY: the data of a waker with this table.
        Fuse::burn(&unsafe { Fuse::of(data) }.clone, "clone");
        RawWaker::new(data, &TABLE)
    }
    unsafe fn wake(data: *const ()) {
        // SAFETY: as above.
        Fuse::burn(&unsafe { Fuse::of(data) }.wake, "wake");
    }
    unsafe fn drop(data: *const ()) {
        // SAFETY: as above.
        Fuse::burn(&unsafe { Fuse::of(data) }.drop, "drop");
    }
    RawWakerVTable::new(clone, wake, wake, drop)
};

#[test]
fn wakers_that_panic_when_cloned_woken_or_dropped_cost_nobody_anything() {
    alone(|| {
        for threads in [1, 2, 4] {
            let pool = builder(threads).injector_capacity(1).build().unwrap();
            let (ran, mut abandoned) = (Count::shared(), 0);
            for (which, at) in (0..3).flat_map(|which| (0..4).map(move |at| (which, at))) {
                let fuse = Fuse::lit(which, at);
                let held = hold(&pool);
                let count = ran.clone();
                let mut task = Box::pin(pool.spawn(move || count.add()));
                let count = ran.clone();
                let mut room = Box::pin(pool.spawn_async(move || count.add()));
                // Polled twice, so that a waker takes the place of another; whose
                // panic is the poller's, if it is not a worker that calls.
                let mut given_up = false;
                for _ in 0..2 {
                    let waker = fuse.waker();
                    let _ = catch_unwind(AssertUnwindSafe(|| poll(task.as_mut(), &waker)));
                    if !given_up {
                        let polls = AssertUnwindSafe(|| drop(poll(room.as_mut(), &waker)));
                        given_up = catch_unwind(polls).is_err();
                    }
                    let _ = catch_unwind(AssertUnwindSafe(|| drop(waker)));
                }
                held.release();
                until(|| task.is_finished());
                if given_up {
                    abandoned += 1;
                } else {
                    let room = RefCell::new(room);
                    let result = RefCell::new(None);
                    until(|| match poll(room.borrow_mut().as_mut(), Waker::noop()) {
                        Poll::Ready(spawned) => result.replace(Some(spawned)).is_none(),
                        Poll::Pending => false,
                    });
                    result.take().unwrap().unwrap().join().unwrap();
                }
                let lanes = pool.metrics().lanes;
                assert_eq!(lanes.map(|lane| lane.blocked_submitters), [0; 3]);
                assert_whole(&pool);
            }
            // Not those whose future had panicked, as futures do for good.
            assert_eq!(ran.get() + abandoned, 24);
            assert!(abandoned < 6);
            assert_settled(&pool);
        }
    });
}
