//! Lazy binary splitting: a loop is cut in two when somebody wants a half, and
//! not before (Tzannes, Caragea, Barua and Vishkin, PPoPP 2010).
//!
//! A thread that begins a loop, or has stolen a part of one, first forks half of
//! it, and half of the rest, until there is a part for every thread. So a loop of
//! few and coarse items is spread out before the first of them runs. It then
//! works its own part off in pieces of 1, 2, 4, ... items, and before each piece
//! looks whether somebody is short of work: if so, it forks half of what is
//! left. An item is thus never further than one piece from being shared, and a
//! loop of cheap items costs two loads a piece. Pieces of coarse items do not
//! grow.
//!
//! Half of a loop that nobody stole is work like any other: its owner goes on
//! with it, and forks no more of it unasked.
//!
//! Every fork on a stack is half of what the one below it was, so their number is
//! the logarithm of the loop's length.

use std::{
    marker::PhantomData,
    time::{Duration, Instant},
};

use super::divide::Divide;
use crate::{
    pool::ThreadPool,
    raw::{self, Host},
    unwind::{self, FirstPanic},
    worker::Worker,
};

/// Pieces a loop is worked off in for each worker, at least, and a piece is not
/// divided: enough that one slow piece is a small part of the whole, few enough
/// that a piece of cheap items outweighs a look.
const PIECES_PER_WORKER: usize = 32;

/// So many items, or the first pieces that make as many, say whether items are coarse.
const SAMPLE: usize = 7;

/// If these took longer, items stay pieces of their own: a look is nothing
/// beside them, and the ends of two threads are an item apart, not a piece.
const COARSE: Duration = Duration::from_micros(8);

/// A fold over the pieces of a `P`: from `start`, by `step`, and by `combine` of
/// what came of two neighbouring parts.
pub(super) struct Loop<'a, P, S, F, C> {
    pool: &'a ThreadPool,
    start: S,
    step: F,
    combine: C,
    /// The most items of a piece.
    most: usize,
    /// Halvings that make a part for every thread.
    halvings: u32,
    /// Every part of a loop is guarded on its own, so that the others are done
    /// before a panic is raised.
    panics: FirstPanic,
    marker: PhantomData<fn(P)>,
}

impl<'a, P, R, S, F, C> Loop<'a, P, S, F, C>
where
    P: Divide,
    R: Send,
    S: Fn() -> R + Sync,
    F: Fn(R, P) -> R + Sync,
    C: Fn(R, R) -> R + Sync,
{
    pub(super) fn new(pool: &'a ThreadPool, len: usize, start: S, step: F, combine: C) -> Self {
        let threads = pool.num_threads();
        let parts = threads * PIECES_PER_WORKER;
        // A division takes longer than a small loop has to spare.
        let most = if len < 2 * parts { 1 } else { len / parts };
        // A caller from outside works beside an only worker.
        let halvings = threads.max(2).next_power_of_two().ilog2();
        Loop {
            pool,
            start,
            step,
            combine,
            most,
            halvings,
            panics: FirstPanic::default(),
            marker: PhantomData,
        }
    }

    /// What comes of the whole, or the first panic in time.
    pub(super) fn run(&self, whole: P) -> R {
        let result = self.pool.enter(|worker| {
            let folded = (self.start)();
            self.fold(worker, self.halvings, folded, whole)
        });
        result.unwrap_or_else(|| {
            self.panics.raise();
            unreachable!("there is a result or a panic")
        })
    }

    /// Goes on from `folded` with `rest`, after halving it so many times; none
    /// if a part of it panicked that is not this thread's own.
    fn fold(&self, worker: &Worker, halvings: u32, mut folded: R, mut rest: P) -> Option<R> {
        let mut len = rest.len();
        if halvings > 0 && len > 1 {
            return self.share(worker, halvings - 1, folded, rest, len / 2);
        }
        if self.most == 1 {
            return self.one_by_one(worker, folded, rest, len);
        }
        let (whole, mut piece) = (len, 1);
        let mut sampled_since = Some(Instant::now());
        while len > piece {
            if len > self.most && worker.is_asked() {
                return self.share(worker, 0, folded, rest, len / 2);
            }
            let (now, later) = rest.split_at(piece);
            folded = (self.step)(folded, now);
            rest = later;
            len -= piece;
            piece = (2 * piece).min(self.most);
            if sampled_since.is_some() && whole - len >= SAMPLE {
                let is_coarse = sampled_since.take().is_some_and(|start| start.elapsed() > COARSE);
                if is_coarse {
                    return self.one_by_one(worker, folded, rest, len);
                }
            }
        }
        Some((self.step)(folded, rest))
    }

    /// As `fold`, in pieces of one item: their length is a constant here, so that a step is
    /// compiled to what is done with one item, without a loop around it.
    #[inline]
    fn one_by_one(&self, worker: &Worker, mut folded: R, mut rest: P, mut len: usize) -> Option<R> {
        while len > 1 {
            if worker.is_asked() {
                return self.share(worker, 0, folded, rest, len / 2);
            }
            let (now, later) = rest.split_at(1);
            folded = (self.step)(folded, now);
            rest = later;
            len -= 1;
        }
        Some((self.step)(folded, rest))
    }

    /// Forks what comes after the first `mid` items, and goes on with these.
    // Not inlined: the loop in `fold` is to stay a small one.
    #[inline(never)]
    fn share(&self, worker: &Worker, halvings: u32, folded: R, rest: P, mid: usize) -> Option<R> {
        let (left, right) = rest.split_at(mid);
        let owner = worker.index();
        let left = || self.panics.guard(|| self.fold(worker, halvings, folded, left)).flatten();
        let right = || {
            self.pool.enter(|worker| {
                // Stolen, it is the beginning of something; else nobody came for it.
                let halvings = if worker.index() == owner {
                    worker.calm_down();
                    0
                } else {
                    self.halvings
                };
                let fold = || self.fold(worker, halvings, (self.start)(), right);
                self.panics.guard(fold).flatten()
            })
        };
        match raw::fork_join(worker, left, right) {
            (Some(left), Some(right)) => Some((self.combine)(left, right)),
            (left, right) => {
                // One by one: a destructor may panic.
                unwind::discard(left);
                unwind::discard(right);
                None
            }
        }
    }
}
