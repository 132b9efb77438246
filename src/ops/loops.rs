//! Loops over ranges and slices: the verbs.

use std::ops::Range;

use super::{
    divide::{Chunks, Divide, Numbered},
    lazy::Loop,
};
use crate::{
    pool::ThreadPool,
    raw::{self, Filled},
    unwind::Contained,
};

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
        raw::fill(items.len(), |slots| {
            self.reduce(
                (items, slots),
                Filled::default,
                |filled, (items, slots)| filled.append(slots.write(items.iter().map(&f))),
                Filled::append,
            )
        })
    }

    /// Maps every item and combines the results, in their order.
    ///
    /// `reduce` has to be associative, and `identity` neutral to it; it is
    /// called once for each part of the slice that a thread folds at a stretch. `reduce` need not be
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
        let fold = |folded, items: &'a [T]| {
            items.iter().fold(folded, |folded, item| {
                // In the way of the unwind if `map` panics.
                let folded = Contained::new(folded);
                let mapped = map(item);
                reduce(folded.into_inner(), mapped)
            })
        };
        self.reduce(items, &identity, fold, &reduce)
    }

    /// Calls `step` for every piece of `whole`.
    fn visit<P: Divide>(&self, whole: P, step: impl Fn(P) + Sync) {
        self.reduce(whole, || (), |(), part| step(part), |(), ()| ());
    }

    /// Folds every piece of `whole` by `step`, beginning with `start`, and
    /// combines what comes of them, in order.
    fn reduce<P: Divide, R: Send>(
        &self,
        whole: P,
        start: impl Fn() -> R + Sync,
        step: impl Fn(R, P) -> R + Sync,
        combine: impl Fn(R, R) -> R + Sync,
    ) -> R {
        Loop::new(self, whole.len(), start, step, combine).run(whole)
    }
}
