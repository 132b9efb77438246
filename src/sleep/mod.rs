//! Who is idle, and how not to sleep through work.
//!
//! ```text
//! poster                         searcher
//!   P1 publish work                S1 searching -= 1 (and sleeping += 1)
//!   P2 fence(SeqCst)               S2 fence(SeqCst)
//!   P3 read the word               S3 is there work?
//! ```
//!
//! Either P2 or S2 comes first. If P2: S3 sees P1, so the searcher does not
//! leave the work behind. If S2: P3 sees S1, so the poster does not count on
//! the searcher. Either alone would lose a wake-up.
//!
//! A poster wakes one sleeper if nobody searches. It may rely on a searcher
//! because the last one to stop, for whatever reason, looks once more at S3:
//! if it meant to sleep it stays up; if it found work it wakes the next.
//! Whoever moves jobs from queue to queue posts them anew.

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;
mod word;

use crossbeam_utils::CachePadded;

use self::word::{Taste, Word};
use crate::{
    parker::Parker,
    process::Process,
    sync::{Arc, AtomicU32, AtomicU64, Mutex, Ordering, fence},
};

/// What a sleeper is willing to take when woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Appetite {
    pub(crate) deques: bool,
    pub(crate) strays: bool,
    pub(crate) side: bool,
    pub(crate) lanes: bool,
}

/// Where new work lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a deque, and forks are all it is: whoever forked them runs them in
    /// the end, so who dozes beside a guest is let doze.
    Forks,
    /// In a deque.
    Deque,
    /// Among the strays.
    Stray,
    /// The side door of the entrance.
    Side,
    /// A lane of the entrance.
    Lane,
}

impl Appetite {
    pub(crate) const NONE: Appetite =
        Appetite { deques: false, strays: false, side: false, lanes: false };

    /// A member's that has nothing else to do.
    pub(crate) const ANYTHING: Appetite =
        Appetite { deques: true, strays: true, side: true, lanes: true };

    fn takes_from(self, place: Place) -> bool {
        match place {
            Place::Forks | Place::Deque => self.deques,
            Place::Stray => self.strays,
            Place::Side => self.side,
            Place::Lane => self.lanes,
        }
    }

    fn taste(self) -> Taste {
        if self.deques { Taste::Hungry } else { Taste::Picky }
    }
}

/// How a sleep ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a searcher has to stop searching"]
pub(crate) enum Awake {
    /// A poster chose it: it counts as searching, and others rely on it.
    Searching,
    /// By itself, or for the latch it waited on: nobody relies on it.
    Unasked,
}

pub(crate) struct Sleep {
    word: CachePadded<AtomicU64>,
    /// Who sleeps, the newest last. `word` counts this list, and that count
    /// changes only under this lock.
    sleepers: Mutex<Vec<Sleeper>>,
    /// Whom to unpark when a latch of slot `index` is set: the parker of the
    /// thread that slept there last.
    beds: Box<[Mutex<Option<Arc<Parker>>>]>,
    /// Half of the workers on duty, rounded up.
    most_searching: AtomicU32,
    guests: CachePadded<Guests>,
    process: Process,
}

/// On a line of their own: guests write it at every call.
#[derive(Default)]
struct Guests {
    /// Whoever has the first seat, none or one.
    first: AtomicU32,
    others: AtomicU32,
    /// The most that were seated since somebody asked: a guest comes again soon, or not at all.
    lately: AtomicU32,
    dozing: AtomicU32,
}

impl Guests {
    fn seated(&self) -> u32 {
        // ORDERING(demand): a hint; a thread may leave the one seat for the other in between.
        self.first.load(Ordering::Relaxed) + self.others.load(Ordering::Relaxed)
    }

    fn remember(&self) {
        let seated = self.seated();
        // ORDERING(demand): as above.
        if seated > self.lately.load(Ordering::Relaxed) {
            // ORDERING(demand): as above.
            self.lately.store(seated, Ordering::Relaxed);
        }
    }
}

struct Sleeper {
    index: usize,
    appetite: Appetite,
    depth: Depth,
    parker: Arc<Parker>,
}

/// How deep a sleep is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// For a short time, after which the thread looks by itself; forks do not
    /// end it.
    Doze,
    Sleep,
}

impl Sleep {
    /// For `slots` threads at most, of which `workers` are there all the time.
    pub(crate) fn new(slots: usize, workers: usize) -> Self {
        Sleep {
            word: CachePadded::new(AtomicU64::new(Word::IDLE_NONE.bits())),
            sleepers: Mutex::new(Vec::with_capacity(slots)),
            beds: (0..slots).map(|_| Mutex::new(None)).collect(),
            // More searchers than this find less than they cost (Go's rule).
            most_searching: AtomicU32::new((workers as u32).div_ceil(2)),
            guests: CachePadded::default(),
            process: Process::current(),
        }
    }

    /// A guest has the first seat now, says that one.
    pub(crate) fn take_first_seat(&self) {
        // ORDERING(demand): a hint how many threads are enough for forks.
        self.guests.first.store(1, Ordering::Relaxed);
        self.guests.remember();
    }

    /// And is about to leave it.
    pub(crate) fn leave_first_seat(&self) {
        // ORDERING(demand): as above.
        self.guests.first.store(0, Ordering::Relaxed);
    }

    /// So many guests have other seats now, says whoever keeps those.
    pub(crate) fn set_others_seated(&self, guests: usize) {
        // ORDERING(demand): as above.
        self.guests.others.store(guests as u32, Ordering::Relaxed);
        self.guests.remember();
    }

    /// Are, without the caller, as many threads awake as the pool has workers? A guest, now
    /// or since it was last asked, takes the place of one; so many places are `open`.
    pub(crate) fn enough_awake(&self, open: usize) -> bool {
        // ORDERING(demand): a hint, as in `take_first_seat`.
        let guests = self.guests.lately.swap(self.guests.seated(), Ordering::Relaxed);
        // ORDERING(dekker): a hint.
        let sleeping = Word::from_bits(self.word.load(Ordering::Relaxed)).sleeping();
        guests as usize > sleeping as usize + open
    }

    /// Does somebody sleep whom a fork should wake, and nobody search?
    pub(crate) fn wants_forks(&self) -> bool {
        // ORDERING(dekker): a hint; who misses it asks in vain once.
        let word = Word::from_bits(self.word.load(Ordering::Relaxed));
        word.wants_waking() && self.wants(word, Place::Forks)
    }

    /// Does anybody sleep whom work at `place` may wake? The word says it for deques: who takes
    /// nothing from there is to keep nobody from forking in private.
    fn wants(&self, word: Word, place: Place) -> bool {
        match place {
            Place::Forks => word.sleep(Taste::Hungry) > self.let_doze(),
            Place::Deque => word.sleep(Taste::Hungry) > 0,
            Place::Stray | Place::Side | Place::Lane => true,
        }
    }

    /// How many of those who doze forks are not to wake: one for each guest that still
    /// takes the place of a worker.
    fn let_doze(&self) -> u32 {
        self.dozing().min(self.guests.seated())
    }

    fn dozing(&self) -> u32 {
        // ORDERING(demand): a dozer looks by itself soon.
        self.guests.dozing.load(Ordering::Relaxed)
    }

    /// One more sleeper dozes, or one fewer; under the lock of the sleepers.
    fn count_doze(&self, sleeper: &Sleeper, change: impl Fn(u32) -> u32) {
        if sleeper.depth == Depth::Doze {
            // ORDERING(demand): as in `dozing`.
            self.guests.dozing.store(change(self.dozing()), Ordering::Relaxed);
        }
    }

    /// Counts this thread as searching, unless enough do.
    #[must_use = "a searcher has to stop searching"]
    pub(crate) fn start_searching(&self) -> bool {
        // ORDERING(duty): as many as were enough a moment ago.
        let most = self.most_searching.load(Ordering::Relaxed);
        self.change(|word| word.start_searching(most)).is_some()
    }

    /// So many workers are on duty now.
    pub(crate) fn set_crowd(&self, active: usize) {
        // ORDERING(duty): just the number.
        self.most_searching.store((active as u32).div_ceil(2), Ordering::Relaxed);
    }

    /// This thread counted as searching and turns to something else. If nobody
    /// searches now, `has_work` is asked where work lies, and somebody is woken
    /// for it. False: there is work, and nobody comes.
    pub(crate) fn stop_searching(&self, has_work: impl Fn(Place) -> bool) -> bool {
        // S1
        let Some(before) = self.change(Word::stop_searching) else { return true };
        if before.searching() > 1 {
            return true;
        }
        fence(Ordering::SeqCst); // ORDERING(dekker): S2.
        // S3
        self.wake_for(before, has_work)
    }

    /// Call after a fence: somebody is woken for work that `has_work` says there is,
    /// unless somebody searches. False: there is work, and nobody comes.
    pub(crate) fn serve(&self, has_work: impl Fn(Place) -> bool) -> bool {
        // ORDERING(dekker): P3; what is there was posted before.
        let word = Word::from_bits(self.word.load(Ordering::Relaxed));
        word.searching() > 0 || self.wake_for(word, has_work)
    }

    fn wake_for(&self, before: Word, has_work: impl Fn(Place) -> bool) -> bool {
        let places = [Place::Deque, Place::Stray, Place::Side, Place::Lane, Place::Forks];
        // Forks that nobody wants are no work.
        let is_work = |&at: &Place| (at != Place::Forks || self.wants(before, at)) && has_work(at);
        let mut work = places.into_iter().filter(is_work).peekable();
        work.peek().is_none() || work.any(|at| self.wants(before, at) && self.wake_one(None, at))
    }

    /// Call after publishing work at `place`: wakes a sleeper if it takes one.
    /// False: nobody comes, for everybody works.
    pub(crate) fn posted(&self, place: Place) -> bool {
        self.posted_for(None, place)
    }

    /// The same for work that slot `preferred` is to take, if it sleeps.
    pub(crate) fn posted_for(&self, preferred: Option<usize>, place: Place) -> bool {
        fence(Ordering::SeqCst); // ORDERING(dekker): P2.
        // ORDERING(dekker): P3.
        let word = Word::from_bits(self.word.load(Ordering::Relaxed));
        if word.wants_waking() && self.wants(word, place) {
            return self.wake_one(preferred, place);
        }
        word.searching() > 0
    }

    /// Makes it known that slot `index` is about to sleep, on `parker`. Must be
    /// followed by a look at all the work it would take, by a park if there is
    /// none, and by `get_up`.
    pub(crate) fn fall_asleep(
        &self,
        index: usize,
        appetite: Appetite,
        depth: Depth,
        was: Awake,
        parker: &Arc<Parker>,
    ) {
        self.lie_down(index, parker);
        let taste = appetite.taste();
        let mut sleepers = self.sleepers.lock();
        let sleeper = Sleeper { index, appetite, depth, parker: Arc::clone(parker) };
        self.count_doze(&sleeper, |dozing| dozing + 1);
        sleepers.push(sleeper);
        // S1
        self.change(|word| match was {
            Awake::Searching => word.stop_searching()?.fall_asleep(taste),
            Awake::Unasked => word.fall_asleep(taste),
        });
        drop(sleepers);
        fence(Ordering::SeqCst); // ORDERING(dekker): S2.
    }

    /// Slot `index` sleeps no more.
    pub(crate) fn get_up(&self, index: usize) -> Awake {
        let mut sleepers = self.sleepers.lock();
        match sleepers.iter().rposition(|sleeper| sleeper.index == index) {
            Some(place) => {
                let sleeper = sleepers.remove(place);
                self.count_doze(&sleeper, |dozing| dozing - 1);
                self.change(|word| word.get_up(sleeper.appetite.taste()));
                Awake::Unasked
            }
            // Taken off the list by `wake_one`, which counts it as searching.
            None => Awake::Searching,
        }
    }

    /// Says which thread sleeps in slot `index`: the one that `wake` unparks.
    /// For a sleep that no poster is to end; `fall_asleep` does it too.
    pub(crate) fn lie_down(&self, index: usize, parker: &Arc<Parker>) {
        let mut bed = self.beds[index].lock();
        if !bed.as_ref().is_some_and(|before| Arc::ptr_eq(before, parker)) {
            *bed = Some(Arc::clone(parker));
        }
    }

    /// Unparks slot `index`: something that it alone waits for has happened.
    pub(crate) fn wake(&self, index: usize) {
        if !self.process.is_current() {
            // Who slept here sleeps in the parent, and may hold the lock.
            return;
        }
        let parker = self.beds[index].lock().clone();
        if let Some(parker) = parker {
            parker.unpark();
        }
    }

    /// Unparks every thread that ever slept here.
    pub(crate) fn wake_all(&self) {
        (0..self.beds.len()).for_each(|index| self.wake(index));
    }

    /// Wakes the newest sleeper that would take work from `place`, or the
    /// preferred one. False: there is none, and nobody searches.
    #[cold]
    fn wake_one(&self, preferred: Option<usize>, place: Place) -> bool {
        if !self.process.is_current() {
            return false; // As in `wake`.
        }
        let mut sleepers = self.sleepers.lock();
        // ORDERING(dekker): P3 again: another poster may have been first, and
        // then there is a searcher to rely on.
        let word = Word::from_bits(self.word.load(Ordering::Relaxed));
        if !word.wants_waking() {
            return word.searching() > 0;
        }
        if !self.wants(word, place) {
            return false;
        }
        let takes = |sleeper: &Sleeper| sleeper.appetite.takes_from(place);
        let suits = |sleeper: &Sleeper| {
            takes(sleeper) && (place != Place::Forks || sleeper.depth == Depth::Sleep)
        };
        let is_preferred = |sleeper: &Sleeper| preferred == Some(sleeper.index) && suits(sleeper);
        let best = preferred.and_then(|_| sleepers.iter().rposition(is_preferred));
        let newest = || sleepers.iter().rposition(suits);
        // One that dozes for a guest who is gone.
        let spare =
            || (self.dozing() > self.guests.seated()).then(|| sleepers.iter().rposition(takes));
        let Some(found) = best.or_else(newest).or_else(|| spare()?) else { return false };
        let sleeper = sleepers.remove(found);
        self.count_doze(&sleeper, |dozing| dozing - 1);
        self.change(|word| word.be_woken(sleeper.appetite.taste()));
        drop(sleepers);
        match place {
            // Who posts from inside goes on working.
            Place::Forks | Place::Deque | Place::Stray => sleeper.parker.unpark_elsewhere(),
            Place::Side | Place::Lane => sleeper.parker.unpark(),
        }
        true
    }

    /// Applies a transition; what the word was before it, unless refused.
    fn change(&self, transition: impl Fn(Word) -> Option<Word>) -> Option<Word> {
        let step = |bits| transition(Word::from_bits(bits)).map(Word::bits);
        // ORDERING(dekker): S1; ordered by the fence that follows.
        self.word.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step).ok().map(Word::from_bits)
    }
}
