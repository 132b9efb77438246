//! Was it worth it to steal?
//!
//! A stolen job costs two moves of a cache line: its own, and that of its block or its
//! frame on the way home, which its owner then waits for. Jobs that take less time than
//! that make their owner slower than it would be alone. So a thief that was soon through
//! with what it had stolen leaves the rest to their owner for a while.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use crate::sync::MODELLED;

/// Of many jobs, those that took no longer each, the steal included, were not worth it.
const FINE: Duration = Duration::from_nanos(250);

/// How long such a thief leaves the others alone, for each of those.
const HELD_BACK: Duration = Duration::from_nanos(500);

/// A fork that took no longer was not worth it: it is half of what was to be done.
const FINE_FORK: Duration = Duration::from_micros(1);

/// How long its thief takes nothing from others; twice as long for the next in a row, so
/// many times: at last for as long as it takes to wake a thread.
const HELD_BACK_FIRST: Duration = Duration::from_micros(1);
const DOUBLED: u32 = 4;

/// When a thread stole many jobs at once, and how many it had run by then.
#[derive(Default)]
pub(crate) struct Haul {
    since: Cell<Option<Instant>>,
    before: Cell<u64>,
}

impl Haul {
    /// The thread, which has run so many, has stolen many at once.
    pub(crate) fn begin(&self, run: u64, now: impl FnOnce() -> Instant) {
        if !MODELLED {
            self.since.set(Some(now()));
            self.before.set(run);
        }
    }

    /// It is about to do so again; until when is it to leave the others alone first? `most` is
    /// the most that it can have stolen: if it has run more since then, it was not that steal
    /// that kept it busy, and there is no answer.
    pub(crate) fn end(
        &self,
        run: u64,
        most: u32,
        now: impl FnOnce() -> Instant,
    ) -> Option<Instant> {
        let since = self.since.take()?;
        let jobs = u32::try_from(run.saturating_sub(self.before.get())).ok();
        let jobs = jobs.filter(|&jobs| jobs <= most)?;
        let fine = now().duration_since(since) < FINE * jobs;
        fine.then(|| since + HELD_BACK * jobs)
    }
}

/// When a thread without work stole a fork, and how many in a row were not worth it.
#[derive(Default)]
pub(crate) struct Catch {
    since: Cell<Option<Instant>>,
    fine: Cell<u32>,
}

impl Catch {
    /// The thread has stolen a fork, now.
    pub(crate) fn begin(&self, now: impl FnOnce() -> Instant) {
        if !MODELLED {
            self.since.set(Some(now()));
        }
    }

    /// It has no work again; until when is it to take nothing from others?
    pub(crate) fn end(&self, now: impl FnOnce() -> Instant) -> Option<Instant> {
        let since = self.since.take()?;
        let now = now();
        if now.duration_since(since) >= FINE_FORK {
            self.forget();
            return None;
        }
        let fine = self.fine.get();
        self.fine.set(DOUBLED.min(fine + 1));
        Some(now + HELD_BACK_FIRST * (1 << fine))
    }

    /// The next one is the first in a row.
    pub(crate) fn forget(&self) {
        self.fine.set(0);
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Catch, DOUBLED, FINE, FINE_FORK, HELD_BACK, HELD_BACK_FIRST, Haul};

    #[test]
    fn who_steals_many_fine_jobs_holds_back_for_each() {
        let (haul, now) = (Haul::default(), Instant::now());
        const MOST: u32 = 16;
        assert_eq!(haul.end(7, MOST, || now), None, "nothing was stolen");
        let held_back = |jobs: u32, took: Duration| {
            haul.begin(1000, || now);
            let until = haul.end(1000 + u64::from(jobs), MOST, || now + took);
            assert_eq!(haul.end(1001, MOST, || now), None, "once");
            until.map(|until| until - now)
        };
        let least = Duration::from_nanos(1);
        for jobs in [1, 3, 16] {
            assert_eq!(held_back(jobs, FINE * jobs - least), Some(HELD_BACK * jobs));
            assert_eq!(held_back(jobs, FINE * jobs), None);
            assert_eq!(held_back(jobs, FINE * jobs + least), None);
        }
        assert_eq!(held_back(0, Duration::ZERO), None, "it has run none of them");
        assert_eq!(held_back(MOST + 1, Duration::ZERO), None, "not only what it has stolen");
    }

    #[test]
    fn who_steals_fine_forks_holds_back_longer_and_longer() {
        let (catch, now) = (Catch::default(), Instant::now());
        assert_eq!(catch.end(|| now), None, "nothing was stolen");
        let took = |time: Duration| {
            catch.begin(|| now);
            catch.end(|| now + time).map(|until| until - (now + time))
        };
        let fine = FINE_FORK - Duration::from_nanos(1);
        for doubled in 0..=DOUBLED {
            assert_eq!(took(fine), Some(HELD_BACK_FIRST * (1 << doubled)));
        }
        assert_eq!(took(fine), Some(HELD_BACK_FIRST * (1 << DOUBLED)), "and no longer");
        assert_eq!(took(FINE_FORK), None);
        assert_eq!(took(fine), Some(HELD_BACK_FIRST), "the first in a row");
        catch.forget();
        assert_eq!(took(fine), Some(HELD_BACK_FIRST));
    }
}
