//! Was it worth it to steal so many?
//!
//! A stolen job costs two moves of a cache line: its own, and that of its block on the
//! way home, which its owner then waits for. Jobs that take less time than that make
//! their owner slower than it would be alone. So a thief that was soon through with
//! what it had stolen leaves the rest to their owner for a while.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use crate::sync::{MODELLED, spin_loop, thread};

/// Jobs that took no longer each, the steal included, were not worth it.
const FINE: Duration = Duration::from_nanos(250);

/// How long such a thief leaves the others alone, for each of those.
const HELD_BACK: Duration = Duration::from_nanos(500);

/// Pauses between two offers of the processor to others meanwhile.
const PAUSES: u32 = 8;

/// When a thread stole many jobs at once, and how many it had run by then.
#[derive(Default)]
pub(crate) struct Haul {
    since: Cell<Option<Instant>>,
    before: Cell<u64>,
}

impl Haul {
    /// The thread, which has run so many, has stolen many at once.
    pub(crate) fn begin(&self, run: u64) {
        if !MODELLED {
            self.since.set(Some(Instant::now()));
            self.before.set(run);
        }
    }

    /// It is about to do so again.
    pub(crate) fn end(&self, run: u64) {
        let Some(since) = self.since.take() else { return };
        let jobs = run.saturating_sub(self.before.get()).min(u32::MAX.into()) as u32;
        if since.elapsed() >= FINE * jobs {
            return;
        }
        while since.elapsed() < HELD_BACK * jobs {
            (0..PAUSES).for_each(|_| spin_loop());
            thread::yield_now();
        }
    }
}
