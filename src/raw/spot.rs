//! A place where one box lies, or none.

use std::ptr;

use crate::sync::{AtomicPtr, Ordering};

/// Whoever takes the box has it alone, and sees what was done with it before.
pub(crate) struct Spot<T: Send>(AtomicPtr<T>);

impl<T: Send> Spot<T> {
    pub(crate) fn new(boxed: Option<Box<T>>) -> Self {
        Spot(AtomicPtr::new(boxed.map_or(ptr::null_mut(), Box::into_raw)))
    }

    /// None also if somebody else was quicker.
    pub(crate) fn take(&self) -> Option<Box<T>> {
        // ORDERING(spot): a hint; what was found is looked at again.
        let boxed = self.0.load(Ordering::Relaxed);
        if boxed.is_null() {
            return None;
        }
        let (taken, quicker) = (
            Ordering::Acquire, // ORDERING(spot): what was done with it before it was put here.
            Ordering::Relaxed, // ORDERING(spot): somebody else has it.
        );
        // What it gives, not `boxed`: that may be the same address from another time here.
        let boxed = self.0.compare_exchange(boxed, ptr::null_mut(), taken, quicker).ok()?;
        // SAFETY: from a box, and one exchange alone has found it here.
        Some(unsafe { Box::from_raw(boxed) })
    }

    /// Only where nothing lies, and nobody else puts: for who has taken the box. So
    /// it takes no more than a store.
    pub(crate) fn put(&self, boxed: Box<T>) {
        // ORDERING(spot): nothing is read by it.
        debug_assert!(self.0.load(Ordering::Relaxed).is_null(), "one box lies here");
        // ORDERING(spot): releases what was done with the box to who takes it next.
        self.0.store(Box::into_raw(boxed), Ordering::Release);
    }
}

impl<T: Send> Drop for Spot<T> {
    fn drop(&mut self) {
        drop(self.take());
    }
}
