//! Filling a vector from many threads.

use std::{marker::PhantomData, mem, ptr};

use crate::unwind;

/// A run of slots of one vector, not written yet.
///
/// Both this and `Filled` keep the pointer that the vector gave out, not a
/// slice: two neighbours can then become one run again.
pub(crate) struct Slots<'a, U> {
    start: *mut U,
    len: usize,
    marker: PhantomData<(OneVector<'a>, U)>,
}

/// Invariant, so that runs of two vectors never have one type: what lies at the
/// end of one and at the start of the other are neighbours by chance alone.
type OneVector<'a> = &'a mut &'a ();

// SAFETY: exclusive room for values of `U`, as a `&mut [MaybeUninit<U>]` is.
unsafe impl<U: Send> Send for Slots<'_, U> {}

impl<'a, U> Slots<'a, U> {
    /// Two runs that share nothing.
    ///
    /// # Panics
    ///
    /// If `mid` is beyond the end.
    pub(crate) fn split_at(self, mid: usize) -> (Self, Self) {
        let rest = self.len.checked_sub(mid).expect("split within the run");
        // SAFETY: `mid` is at most `len`, so still within the allocation.
        let start = unsafe { self.start.add(mid) };
        let right = Slots { start, len: rest, marker: PhantomData };
        (Slots { len: mid, ..self }, right)
    }

    /// Writes one value a slot, as long as there are slots and values.
    pub(crate) fn write(self, values: impl Iterator<Item = U>) -> Filled<'a, U> {
        let mut filled = Filled { start: self.start, len: 0, marker: PhantomData };
        // `for_each`, not `for`: where both ends are known it is a plain counted
        // loop, as that of a vector's `extend`.
        values.take(self.len).for_each(|value| {
            // SAFETY: below the length of this run.
            let slot = unsafe { self.start.add(filled.len) };
            // SAFETY: ours alone, and not written yet.
            unsafe { slot.write(value) };
            filled.len += 1;
        });
        filled
    }
}

/// A run of slots that have been written. Drops them, unless they become part
/// of the vector: so results are not leaked when another part panics.
pub(crate) struct Filled<'a, U> {
    start: *mut U,
    len: usize,
    marker: PhantomData<(OneVector<'a>, U)>,
}

// SAFETY: owns `len` values of `U`, as a `Vec<U>` would.
unsafe impl<U: Send> Send for Filled<'_, U> {}

/// Nothing, nowhere.
impl<U> Default for Filled<'_, U> {
    fn default() -> Self {
        Filled { start: ptr::null_mut(), len: 0, marker: PhantomData }
    }
}

impl<U> Filled<'_, U> {
    /// Both runs as one, if `self` is empty or `right` starts where it ends;
    /// else `self` alone, and `right` is dropped.
    pub(crate) fn append(mut self, right: Self) -> Self {
        if self.len == 0 {
            return right;
        }
        if ptr::eq(self.start.wrapping_add(self.len), right.start) {
            self.len += right.len;
            mem::forget(right);
        }
        self
    }
}

impl<U> Drop for Filled<'_, U> {
    fn drop(&mut self) {
        if !mem::needs_drop::<U>() {
            return;
        }
        for index in 0..self.len {
            // SAFETY: within the run.
            let value = unsafe { self.start.add(index) };
            // SAFETY: written by `write`, which counts, or taken over by
            // `append`; ours alone, and read once.
            let value = unsafe { value.read() };
            // One by one: this is an unwind, and destructors may panic too.
            unwind::discard(value);
        }
    }
}

/// A vector of `len` values that `write` has written.
///
/// # Panics
///
/// If `write` filled fewer slots than it was given.
pub(crate) fn fill<U>(
    len: usize,
    write: impl for<'a> FnOnce(Slots<'a, U>) -> Filled<'a, U>,
) -> Vec<U> {
    let mut values = Vec::<U>::with_capacity(len);
    let start = values.as_mut_ptr();
    // The lifetime is any that `write` may be called with, so what it returns
    // can only be made of these slots.
    let filled = write(Slots { start, len, marker: PhantomData });
    assert!(ptr::eq(filled.start, start) && filled.len == len, "every slot is written");
    mem::forget(filled);
    // SAFETY: `filled` says that the first `len` slots are written, and it has
    // been forgotten, so the vector owns them now.
    unsafe { values.set_len(len) };
    values
}

#[cfg(test)]
mod tests {
    use super::fill;
    use crate::sync::Arc;

    #[test]
    fn two_halves_become_one_vector() {
        let values = fill(5, |slots| {
            let (left, right) = slots.split_at(2);
            left.write(0..2).append(right.write(2..5))
        });
        assert_eq!(values, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn values_are_dropped_when_a_part_is_missing() {
        let value = Arc::new(());
        let outcome = crate::unwind::catch(|| {
            fill(3, |slots| slots.write((0..2).map(|_| Arc::clone(&value))))
        });
        assert!(outcome.is_err());
        assert_eq!(Arc::strong_count(&value), 1);
    }
}
