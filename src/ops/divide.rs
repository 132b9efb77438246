//! What a loop can run over: anything that can be halved.

use std::ops::Range;

use crate::raw::Slots;

/// Something to be done in pieces, side by side.
pub(super) trait Divide: Sized + Send {
    /// How many pieces it can be divided into at most.
    fn len(&self) -> usize;
    /// The first `mid` of them, and the rest. There are as many.
    fn split_at(self, mid: usize) -> (Self, Self);
}

impl Divide for Range<usize> {
    #[inline]
    fn len(&self) -> usize {
        ExactSizeIterator::len(self)
    }

    fn split_at(self, mid: usize) -> (Self, Self) {
        let mid = self.start + mid;
        (self.start..mid, mid..self.end)
    }
}

impl<T: Sync> Divide for &[T] {
    fn len(&self) -> usize {
        <[T]>::len(self)
    }

    fn split_at(self, mid: usize) -> (Self, Self) {
        <[T]>::split_at(self, mid)
    }
}

/// Items, and where their results go.
impl<T: Sync, U: Send> Divide for (&[T], Slots<'_, U>) {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn split_at(self, mid: usize) -> (Self, Self) {
        let (left, right) = self.0.split_at(mid);
        let (left_slots, right_slots) = self.1.split_at(mid);
        ((left, left_slots), (right, right_slots))
    }
}

/// Items that know the index of the first of them.
pub(super) struct Numbered<'a, T> {
    pub(super) first: usize,
    pub(super) items: &'a mut [T],
}

impl<T: Send> Divide for Numbered<'_, T> {
    fn len(&self) -> usize {
        self.items.len()
    }

    fn split_at(self, mid: usize) -> (Self, Self) {
        let (left, right) = self.items.split_at_mut(mid);
        let right = Numbered { first: self.first + mid, items: right };
        (Numbered { first: self.first, items: left }, right)
    }
}

/// Chunks of items that know the number of the first of them.
pub(super) struct Chunks<'a, T> {
    pub(super) first: usize,
    pub(super) chunk_len: usize,
    pub(super) items: &'a mut [T],
}

impl<T: Send> Divide for Chunks<'_, T> {
    fn len(&self) -> usize {
        self.items.len().div_ceil(self.chunk_len)
    }

    fn split_at(self, mid: usize) -> (Self, Self) {
        let (first, chunk_len) = (self.first, self.chunk_len);
        let (left, right) = self.items.split_at_mut(mid * chunk_len);
        let right = Chunks { first: first + mid, chunk_len, items: right };
        (Chunks { first, chunk_len, items: left }, right)
    }
}
