//! `Latch`: something that happens once, and the worker that waits for it.

use std::ptr;

use super::canary::Canary;
use crate::sync::{AtomicU32, Ordering};

const SET: u32 = 1;
const ASLEEP: u32 = 2;
const HOLDER_SHIFT: u32 = 2;

/// Set once by anyone, watched by the worker `owner`.
///
/// The word says whether it is set, whether the owner has gone to sleep over
/// it, and which worker holds the job it belongs to (its number plus one).
pub(crate) struct Latch {
    word: AtomicU32,
    owner: u32,
    canary: Canary,
}

impl Latch {
    #[inline(always)]
    pub(crate) fn new(owner: usize) -> Self {
        Latch { word: AtomicU32::new(0), owner: owner as u32, canary: Canary::new() }
    }

    pub(crate) fn is_set(&self) -> bool {
        // ORDERING(done): acquires what the job wrote before `Latch::set`.
        self.word().load(Ordering::Acquire) & SET != 0
    }

    /// Who runs the job that will set this latch, if anybody has begun.
    pub(crate) fn holder(&self) -> Option<usize> {
        // ORDERING(done): a hint where to help; stale is harmless.
        let word = self.word().load(Ordering::Relaxed);
        (word >> HOLDER_SHIFT).checked_sub(1).map(|index| index as usize)
    }

    /// The owner is about to park. True: too late, the latch is set.
    #[must_use = "a set latch wakes nobody again"]
    pub(crate) fn fall_asleep(&self) -> bool {
        // ORDERING(done): changes to one word have one order: either this sees
        // `SET`, or `Latch::set` sees `ASLEEP`. The result is for `is_set` to
        // acquire, so relaxed is enough.
        self.word().fetch_or(ASLEEP, Ordering::Relaxed) & SET != 0
    }

    /// The slot that waits for it.
    pub(super) fn owner(&self) -> usize {
        self.canary.touch();
        self.owner as usize
    }

    /// The frame goes that holds it, set or not.
    #[inline(always)]
    pub(super) fn end(&self) {
        self.canary.own();
    }

    #[inline(always)]
    fn word(&self) -> &AtomicU32 {
        self.canary.touch();
        &self.word
    }

    /// Tells it from every other that is not over.
    pub(crate) fn address(&self) -> usize {
        ptr::from_ref(self).addr()
    }

    /// Worker `index` begins the job.
    pub(super) fn hold(&self, index: usize) {
        // ORDERING(done): a hint, see `holder`.
        self.word().fetch_or((index as u32 + 1) << HOLDER_SHIFT, Ordering::Relaxed);
    }

    /// Sets the latch and says whom to wake.
    ///
    /// # Safety
    ///
    /// `this` is valid on entry. It may die as soon as the store is visible:
    /// the owner is free to return, and with it the frame that holds the latch.
    #[must_use = "the owner may be asleep"]
    pub(super) unsafe fn set(this: *const Self) -> Option<usize> {
        // SAFETY: valid on entry; nobody frees an unset latch.
        let latch = unsafe { &*this };
        let owner = latch.owner();
        // ORDERING(done): releases the job's result to `Latch::is_set`, and
        // sees whether the owner fell asleep.
        let before = latch.word().swap(SET, Ordering::Release);
        (before & ASLEEP != 0).then_some(owner)
    }
}
