//! What a loop can run over: anything that can be halved.

use std::ops::Range;

use crate::raw::Slots;

/// Something to be done in pieces, side by side.
pub(super) trait Divide: Sized + Send {
    /// How many pieces it can be divided into at most.
    fn pieces(&self) -> usize;
    /// Both halves, in order. Asked only if there are two pieces or more.
    fn halve(self) -> (Self, Self);
}

impl Divide for Range<usize> {
    fn pieces(&self) -> usize {
        self.len()
    }

    fn halve(self) -> (Self, Self) {
        let mid = self.start + self.len() / 2;
        (self.start..mid, mid..self.end)
    }
}

impl<T: Sync> Divide for &[T] {
    fn pieces(&self) -> usize {
        self.len()
    }

    fn halve(self) -> (Self, Self) {
        self.split_at(self.len() / 2)
    }
}

/// Items, and where their results go.
impl<T: Sync, U: Send> Divide for (&[T], Slots<'_, U>) {
    fn pieces(&self) -> usize {
        self.0.len()
    }

    fn halve(self) -> (Self, Self) {
        let mid = self.0.len() / 2;
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
    fn pieces(&self) -> usize {
        self.items.len()
    }

    fn halve(self) -> (Self, Self) {
        let mid = self.items.len() / 2;
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
    fn pieces(&self) -> usize {
        self.items.len().div_ceil(self.chunk_len)
    }

    fn halve(self) -> (Self, Self) {
        let mid = self.pieces() / 2;
        let (left, right) = self.items.split_at_mut(mid * self.chunk_len);
        let (first, chunk_len) = (self.first, self.chunk_len);
        let right = Chunks { first: first + mid, chunk_len, items: right };
        (Chunks { first, chunk_len, items: left }, right)
    }
}
