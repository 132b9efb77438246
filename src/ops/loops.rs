//! Loops over ranges and slices: split in halves by `join`, down to a grain.

use std::ops::Range;

use super::divide::{Chunks, Divide, Numbered};
use crate::{
    pool::ThreadPool,
    raw::{self, Filled, Slots},
    unwind::{self, Contained, FirstPanic},
};

/// Pieces a loop is cut into for each worker, at least: enough that one slow
/// piece is a small part of the whole, few enough that a piece of cheap items
/// outweighs its fork.
const PIECES_PER_WORKER: usize = 32;

impl ThreadPool {
    /// Calls `f` for every index of `range`.
    ///
    /// # Where it runs
    ///
    /// On the calling thread (see [`join`](Self::join)) and on whichever
    /// threads of the pool are free; neighbouring indices together.
    ///
    /// # Blocks
    ///
    /// Until all calls are done.
    ///
    /// # Panics
    ///
    /// With the panic that was first in time, after all that was started is
    /// done. Which of the other indices were still called is not defined.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU64, Ordering};
    ///
    /// let pool = heist::ThreadPool::new()?;
    /// let sum = AtomicU64::new(0);
    /// pool.for_each(0..1000, |n| {
    ///     sum.fetch_add(n as u64, Ordering::Relaxed);
    /// });
    /// assert_eq!(sum.into_inner(), 499_500);
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn for_each(&self, range: Range<usize>, f: impl Fn(usize) + Sync) {
        self.visit(range, |range| range.for_each(&f));
    }

    /// Calls `f` with the index and a mutable reference for every item.
    ///
    /// # Where it runs
    ///
    /// As [`for_each`](Self::for_each).
    ///
    /// # Blocks
    ///
    /// Until all calls are done.
    ///
    /// # Panics
    ///
    /// As [`for_each`](Self::for_each).
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = heist::ThreadPool::new()?;
    /// let mut squares = vec![0; 100];
    /// pool.for_each_mut(&mut squares, |index, square| *square = index * index);
    /// assert_eq!(squares[9], 81);
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn for_each_mut<T: Send>(&self, items: &mut [T], f: impl Fn(usize, &mut T) + Sync) {
        self.visit(Numbered { first: 0, items }, |part| {
            (part.first..).zip(part.items).for_each(|(index, item)| f(index, item));
        });
    }

    /// Calls `f` with the number and the items of every chunk of `chunk_len`
    /// items; the last may be shorter.
    ///
    /// # Where it runs
    ///
    /// As [`for_each`](Self::for_each); a chunk is never divided.
    ///
    /// # Blocks
    ///
    /// Until all calls are done.
    ///
    /// # Panics
    ///
    /// If `chunk_len` is 0. Else as [`for_each`](Self::for_each).
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = heist::ThreadPool::new()?;
    /// let mut rows = vec![0; 12];
    /// pool.for_each_chunk_mut(&mut rows, 5, |chunk, items| items.fill(chunk));
    /// assert_eq!(rows, [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2]);
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn for_each_chunk_mut<T: Send>(
        &self,
        items: &mut [T],
        chunk_len: usize,
        f: impl Fn(usize, &mut [T]) + Sync,
    ) {
        assert!(chunk_len != 0, "chunk_len must not be 0");
        self.visit(Chunks { first: 0, chunk_len, items }, |part| {
            let chunks = part.items.chunks_mut(part.chunk_len);
            (part.first..).zip(chunks).for_each(|(number, chunk)| f(number, chunk));
        });
    }

    /// The results of `f` for all items, in their order. A result may borrow
    /// from its item.
    ///
    /// # Where it runs
    ///
    /// As [`for_each`](Self::for_each).
    ///
    /// # Blocks
    ///
    /// Until all calls are done.
    ///
    /// # Panics
    ///
    /// As [`for_each`](Self::for_each); results already made are dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = heist::ThreadPool::new()?;
    /// let lines = ["one two", "three"];
    /// assert_eq!(pool.map(&lines, |line| line.split(' ').next()), [Some("one"), Some("three")]);
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn map<'a, T: Sync, U: Send>(
        &self,
        items: &'a [T],
        f: impl Fn(&'a T) -> U + Sync,
    ) -> Vec<U> {
        let panics = FirstPanic::default();
        let results = raw::fill(items.len(), |slots| {
            self.reduce((items, slots), &panics, &write_with(&f), &Filled::append)
        });
        panics.raise();
        results.expect("a loop without a panic has filled every slot")
    }

    /// Maps every item and combines the results, in their order.
    ///
    /// `reduce` has to be associative, and `identity` neutral to it; it is
    /// called once for each piece of the slice. `reduce` need not be
    /// commutative: the left argument comes from items before the right one's.
    ///
    /// # Where it runs
    ///
    /// As [`for_each`](Self::for_each).
    ///
    /// # Blocks
    ///
    /// Until all calls are done.
    ///
    /// # Panics
    ///
    /// As [`for_each`](Self::for_each); results already made are dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = heist::ThreadPool::new()?;
    /// let words = ["work", "is", "stolen"];
    /// let line = pool.map_reduce(&words, |w| w.to_string(), String::new, |a, b| a + &b);
    /// assert_eq!(line, "workisstolen");
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn map_reduce<'a, T: Sync, U: Send>(
        &self,
        items: &'a [T],
        map: impl Fn(&'a T) -> U + Sync,
        identity: impl Fn() -> U + Sync,
        reduce: impl Fn(U, U) -> U + Sync,
    ) -> U {
        let fold = |items: &'a [T]| {
            items.iter().fold(identity(), |folded, item| {
                // In the way of the unwind if `map` panics.
                let folded = Contained::new(folded);
                let mapped = map(item);
                reduce(folded.into_inner(), mapped)
            })
        };
        let panics = FirstPanic::default();
        let result = self.reduce(items, &panics, &fold, &reduce);
        panics.raise();
        result.expect("a loop without a panic has a result")
    }

    /// Calls `leaf` for every piece of `whole`.
    fn visit<P: Divide>(&self, whole: P, leaf: impl Fn(P) + Sync) {
        let panics = FirstPanic::default();
        self.reduce(whole, &panics, &leaf, &|(), ()| ());
        panics.raise();
    }

    /// Divides `whole`, calls `leaf` for every piece, and combines what comes
    /// back; none if anything panicked.
    fn reduce<P: Divide, R: Send>(
        &self,
        whole: P,
        panics: &FirstPanic,
        leaf: &(impl Fn(P) -> R + Sync),
        combine: &(impl Fn(R, R) -> R + Sync),
    ) -> Option<R> {
        let pieces = (self.num_threads() * PIECES_PER_WORKER).min(whole.pieces()).max(1);
        let cuts = pieces.next_power_of_two().ilog2();
        self.enter(|_| self.reduce_part(cuts, whole, panics, leaf, combine))
    }

    fn reduce_part<P: Divide, R: Send>(
        &self,
        cuts: u32,
        part: P,
        panics: &FirstPanic,
        leaf: &(impl Fn(P) -> R + Sync),
        combine: &(impl Fn(R, R) -> R + Sync),
    ) -> Option<R> {
        if cuts == 0 || part.pieces() < 2 {
            return panics.guard(|| leaf(part));
        }
        let (left, right) = part.halve();
        let half = |part| self.reduce_part(cuts - 1, part, panics, leaf, combine);
        match self.join(|| half(left), || half(right)) {
            (Some(left), Some(right)) => panics.guard(|| combine(left, right)),
            (left, right) => {
                // One by one: a destructor may panic.
                unwind::discard(left);
                unwind::discard(right);
                None
            }
        }
    }
}

/// A piece of `map`.
fn write_with<'a, 's, T: 'a, U>(
    f: &(impl Fn(&'a T) -> U + Sync),
) -> impl Fn((&'a [T], Slots<'s, U>)) -> Filled<'s, U> + Sync {
    move |(items, slots)| slots.write(items.iter().map(f))
}
