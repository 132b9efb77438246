//! The items, what is noted about them, and what is made of the notes.

use std::{
    iter,
    ops::Range,
    sync::{
        Barrier, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::harness::{self, Runner, work::Work};

pub(crate) const WORKERS: usize = 2;

/// The items of all producers, numbered through.
pub(crate) struct Items {
    work: Work,
    result: u64,
    start: OnceLock<Instant>,
    notes: Vec<Note>,
}

/// What is known of an item, in nanoseconds.
#[derive(Default)]
struct Note {
    /// Since the start, when it was done; 0 as long as it is not.
    done: AtomicU64,
    busy: AtomicU64,
}

/// Which item belongs to whom.
pub(crate) fn producers() -> impl Iterator<Item = Range<usize>> {
    let most = if harness::is_test() { 100 } else { 10_000 };
    let mut next = 0;
    iter::once(most).chain([10; 9]).map(move |count| {
        let first = next;
        next += count;
        first..next
    })
}

impl Items {
    fn new(work: Work, result: u64) -> Items {
        let count = producers().map(|items| items.len()).sum();
        let notes = iter::repeat_with(Note::default).take(count).collect();
        Items { work, result, start: OnceLock::new(), notes }
    }

    /// Starts the clock, if nobody has.
    pub(crate) fn begin(&self) -> Instant {
        *self.start.get_or_init(Instant::now)
    }

    pub(crate) fn process(&self, item: usize) {
        let begun = Instant::now();
        assert_eq!(self.work.run(), self.result);
        let ended = Instant::now();
        let note = &self.notes[item];
        // Read after whoever wrote it was waited for.
        note.busy.store((ended - begun).as_nanos() as u64, Ordering::Relaxed);
        let done = (ended - self.begin()).as_nanos() as u64;
        assert_eq!(note.done.swap(done, Ordering::Relaxed), 0, "item {item} is done but once");
    }

    fn outcome(self) -> Outcome {
        let busy = self.notes.iter().map(|note| note.busy.load(Ordering::Relaxed)).sum();
        let mut done: Vec<u64> =
            self.notes.into_iter().map(|note| note.done.into_inner()).collect();
        done.sort_unstable();
        assert_ne!(done[0], 0, "all items are done");
        Outcome { done, busy }
    }
}

pub(crate) struct Outcome {
    /// When items were done, sorted.
    done: Vec<u64>,
    busy: u64,
}

impl Outcome {
    /// When so great a part of the items was done, in nanoseconds.
    pub(crate) fn done_by(&self, part: f64) -> f64 {
        self.done[((self.done.len() - 1) as f64 * part) as usize] as f64
    }

    /// The part of the workers' time that was computing, in percent.
    pub(crate) fn utilization(&self) -> f64 {
        100.0 * self.busy as f64 / (self.done_by(1.0) * WORKERS as f64)
    }
}

/// The number that is wanted of an outcome.
pub(crate) type Measure = fn(&Outcome) -> f64;

/// A runner of `process`, which is to begin, and to process every item.
pub(crate) fn runner(measure: Measure, mut process: impl FnMut(&Items) + 'static) -> Runner {
    let work = Work::of(Duration::from_micros(2));
    let result = work.run();
    let mut run = move |_| {
        let items = Items::new(work, result);
        process(&items);
        measure(&items.outcome())
    };
    harness::warm(2, Box::new(move |runs| (0..runs).map(&mut run).sum()))
}

/// Calls `process` with a share on a thread of its own, for every share. The
/// clock starts when all threads have.
pub(crate) fn on_threads<S: Send>(
    items: &Items,
    shares: impl ExactSizeIterator<Item = S>,
    process: impl Fn(S) + Sync,
) {
    let (process, started) = (&process, &Barrier::new(shares.len()));
    thread::scope(|scope| {
        for share in shares {
            scope.spawn(move || {
                started.wait();
                items.begin();
                process(share);
            });
        }
    });
}
