//! Which worker am I? A thread-local that can hold a borrow, and remembers the
//! borrows it held before: a thread may work for one pool inside another.

use std::{cell::Cell, ptr};

use crate::sync::LocalKey;

/// Holds a pointer to a `T` for as long as `enter` runs.
pub(crate) struct Slot<T> {
    /// Apart from `outer`, so that the common question costs one load.
    value: Cell<*const T>,
    outer: Cell<*const Frame<T>>,
}

/// What was held before, kept in the frame of `enter`.
struct Frame<T> {
    value: Cell<*const T>,
    outer: Cell<*const Frame<T>>,
}

impl<T> Slot<T> {
    pub(crate) const fn new() -> Self {
        Slot { value: Cell::new(ptr::null()), outer: Cell::new(ptr::null()) }
    }

    /// Lends `value` to this thread while `f` runs.
    pub(crate) fn enter<R>(&self, value: &T, f: impl FnOnce() -> R) -> R {
        // Lent already, by a frame that outlives this call: so those of a worker that helps
        // itself, again and again, do not pile up for `find`.
        if ptr::eq(self.value.get(), value) { f() } else { self.replace(ptr::from_ref(value), f) }
    }

    /// Has nothing lent to this thread while `f` runs.
    pub(crate) fn hide<R>(&self, f: impl FnOnce() -> R) -> R {
        self.replace(ptr::null(), f)
    }

    /// `value` is null, or alive until `f` is over.
    fn replace<R>(&self, value: *const T, f: impl FnOnce() -> R) -> R {
        struct Restore<'a, T>(&'a Slot<T>, Frame<T>);
        impl<T> Drop for Restore<'_, T> {
            fn drop(&mut self) {
                self.0.value.set(self.1.value.get());
                self.0.outer.set(self.1.outer.get());
            }
        }
        let before = Frame { value: self.value.clone(), outer: self.outer.clone() };
        let restore = Restore(self, before);
        self.outer.set(&raw const restore.1);
        self.value.set(value);
        f()
    }

    /// Calls `f` with the value that this thread's slot was lent last. The
    /// borrow cannot leave `f`.
    #[inline(always)]
    pub(crate) fn with<R>(key: &'static LocalKey<Self>, f: impl FnOnce(Option<&T>) -> R) -> R {
        // SAFETY: null, or set by an `enter` that is still on this stack.
        f(unsafe { Self::lent(key).as_ref() })
    }

    // Only the pointer is fetched inside `LocalKey::with`: with the rest in
    // there the compiler keeps that a function of its own, and calls it.
    #[inline(always)]
    fn lent(key: &'static LocalKey<Self>) -> *const T {
        key.with(|slot| slot.value.get())
    }

    /// Shows `f` the lent values, the last first, until it says true.
    pub(crate) fn find(&self, f: &mut dyn FnMut(&T) -> bool) {
        let mut value = self.value.get();
        let mut outer = self.outer.get();
        // SAFETY: null, or set by an `enter` that is still on this stack, as
        // is every frame and value it remembers.
        while let Some(lent) = unsafe { value.as_ref() } {
            if f(lent) {
                return;
            }
            // SAFETY: where there is a value there is the frame that lent it,
            // alive as above.
            let frame = unsafe { &*outer };
            (value, outer) = (frame.value.get(), frame.outer.get());
        }
    }

    /// Takes back every value lent to this thread: from now on it has none, up
    /// to the bottom of its stack.
    pub(crate) fn clear(&self) {
        self.value.set(ptr::null());
        let mut outer = self.outer.replace(ptr::null());
        // SAFETY: null, or of an `enter` that is still on this stack.
        while let Some(frame) = unsafe { outer.as_ref() } {
            frame.value.set(ptr::null());
            outer = frame.outer.replace(ptr::null());
        }
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::Slot;

    thread_local! {
        static SLOT: Slot<i32> = const { Slot::new() };
    }

    #[test]
    fn lent_values_are_found_innermost_first_and_given_back() {
        let all = || {
            let mut seen = Vec::new();
            SLOT.with(|slot| {
                slot.find(&mut |&n| {
                    seen.push(n);
                    false
                });
            });
            seen
        };
        SLOT.with(|slot| {
            slot.enter(&1, || {
                slot.enter(&2, || assert_eq!(all(), [2, 1]));
                assert_eq!(all(), [1]);
            });
        });
        assert!(all().is_empty() && Slot::with(&SLOT, |value| value.is_none()));
    }

    #[test]
    fn a_value_that_is_lent_again_is_found_once() {
        let (one, mut seen) = (1, 0);
        let count = &mut |_: &i32| {
            seen += 1;
            false
        };
        SLOT.with(|slot| {
            slot.enter(&one, || slot.enter(&one, || slot.find(count)));
            slot.enter(&one, || slot.enter(&2, || slot.enter(&one, || slot.find(count))));
            assert!(Slot::with(&SLOT, |value| value.is_none()));
        });
        assert_eq!(seen, 1 + 3);
    }

    #[test]
    fn what_is_hidden_comes_back() {
        let now = || Slot::with(&SLOT, |value| value.copied());
        SLOT.with(|slot| {
            slot.enter(&1, || {
                slot.hide(|| {
                    assert_eq!(now(), None);
                    slot.enter(&2, || assert_eq!(now(), Some(2)));
                    assert_eq!(now(), None);
                });
                assert_eq!(now(), Some(1));
            });
        });
    }

    #[test]
    fn what_is_taken_back_does_not_come_again() {
        let none = || Slot::with(&SLOT, |value| value.is_none());
        SLOT.with(|slot| {
            slot.enter(&1, || {
                slot.enter(&2, || {
                    slot.clear();
                    slot.enter(&3, || assert!(!none()));
                    assert!(none());
                });
                assert!(none());
            });
            assert!(none());
        });
    }
}
