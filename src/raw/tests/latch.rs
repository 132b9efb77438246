//! A latch between who sets it and who frees it.

use super::{Plain, until};
use crate::{raw::Latch, sync::thread};

/// Sets a latch that may be gone at once.
struct Setter(*const Latch);

// SAFETY: a latch is shared.
unsafe impl Send for Setter {}

impl Setter {
    fn set(self) -> Option<usize> {
        // SAFETY: freed after it is set.
        unsafe { Latch::set(self.0) }
    }
}

#[test]
fn a_latch_is_freed_as_soon_as_it_is_set() {
    let value = Plain::default();
    thread::scope(|threads| {
        let latch = Box::new(Latch::new(3));
        let setter = Setter(&raw const *latch);
        threads.spawn(|| {
            value.add(1);
            assert_eq!(setter.set(), None);
        });
        until(|| latch.is_set());
        drop(latch);
        assert_eq!(value.get(), 1);
    });
}

#[test]
fn the_setter_wakes_who_fell_asleep_and_nobody_else() {
    let latch = Box::new(Latch::new(3));
    let setter = Setter(&raw const *latch);
    let (late, woken) = thread::scope(|threads| {
        let setter = threads.spawn(|| setter.set());
        (latch.fall_asleep(), setter.join().unwrap())
    });
    assert_eq!(woken, (!late).then_some(3));
    assert!(latch.is_set());
}

#[test]
fn who_holds_the_job_is_known_until_it_is_done() {
    let latch = Box::new(Latch::new(0));
    assert_eq!(latch.holder(), None);
    let setter = Setter(&raw const *latch);
    thread::scope(|threads| {
        let latch = &latch;
        threads.spawn(move || {
            latch.hold(6);
            assert_eq!(setter.set(), None);
        });
        until(|| {
            assert!(latch.holder().is_none_or(|holder| holder == 6));
            latch.is_set()
        });
        assert_eq!(latch.holder(), None);
    });
}
