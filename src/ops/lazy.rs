//! Lazy binary splitting (Tzannes, Caragea, Barua and Vishkin, PPoPP 2010): a
//! loop is cut in two when somebody wants a half, and not before.

use std::marker::PhantomData;

use super::divide::Divide;
use crate::{
    pool::ThreadPool,
    raw::{self, Host},
    unwind::{self, FirstPanic},
    worker::Worker,
};

/// Pieces a loop is worked off in for each worker, at least: between two of
/// them its owner looks whether somebody is short of work.
const PIECES_PER_WORKER: usize = 32;

pub(super) struct Loop<'a, P, S, F, C> {
    pool: &'a ThreadPool,
    start: S,
    step: F,
    combine: C,
    /// The most items between two looks.
    most: usize,
    /// Halvings that give every thread a piece.
    halvings: u32,
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
        let most = (len / (threads * PIECES_PER_WORKER)).next_power_of_two();
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

    fn fold(&self, worker: &Worker, halvings: u32, mut folded: R, mut rest: P) -> Option<R> {
        let mut len = rest.len();
        if halvings > 0 && len > 1 {
            return self.share(worker, halvings - 1, folded, rest, len / 2);
        }
        let mut piece = 1;
        while len > piece {
            if worker.is_asked() {
                return self.share(worker, 0, folded, rest, len / 2);
            }
            let (now, later) = rest.split_at(piece);
            folded = (self.step)(folded, now);
            rest = later;
            len -= piece;
            piece = (2 * piece).min(self.most);
        }
        Some((self.step)(folded, rest))
    }

    #[inline(never)]
    fn share(&self, worker: &Worker, halvings: u32, folded: R, rest: P, mid: usize) -> Option<R> {
        let (left, right) = rest.split_at(mid);
        let owner = worker.index();
        let left = || self.panics.guard(|| self.fold(worker, halvings, folded, left)).flatten();
        let right = || {
            self.pool.enter(|worker| {
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
