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

mod crowd;
#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;
mod word;

use crossbeam_utils::CachePadded;

use self::{
    crowd::Crowd,
    word::{Taste, Word},
};
use crate::{
    parker::Parker,
    process::Process,
    sync::{Arc, AtomicU64, Mutex, Ordering, fence},
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
    /// the end, so nobody is woken for them who would but take a processor from another.
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
    /// `word` counts who is asleep, and that count changes only under this lock.
    sleepers: Mutex<Sleepers>,
    /// Whom to unpark when a latch of slot `index` is set: the parker of the
    /// thread that slept there last.
    beds: Box<[Mutex<Option<Arc<Parker>>>]>,
    pub(crate) crowd: Crowd,
    process: Process,
}

struct Sleepers {
    /// The newest last.
    asleep: Vec<Sleeper>,
    /// Slots whose sleepers have been woken to search, and are not there yet. A thread that
    /// has no processor may take milliseconds.
    coming: Vec<usize>,
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
    /// For a short time, in which the thread looks by itself; forks end it only if more sleep
    /// than are to be left asleep.
    Doze,
    Sleep,
}

impl Sleep {
    /// For `slots` threads at most, of which `workers` are there all the time; perhaps `pinned`
    /// to other processors than this one's.
    pub(crate) fn new(slots: usize, workers: usize, pinned: bool) -> Self {
        Sleep::of(slots, Crowd::new(workers, pinned))
    }

    fn of(slots: usize, crowd: Crowd) -> Self {
        Sleep {
            word: CachePadded::new(AtomicU64::new(Word::IDLE_NONE.bits())),
            sleepers: Mutex::new(Sleepers {
                asleep: Vec::with_capacity(slots),
                coming: Vec::with_capacity(slots),
            }),
            beds: (0..slots).map(|_| Mutex::new(None)).collect(),
            crowd,
            process: Process::current(),
        }
    }

    /// Are enough threads awake besides the caller, while so many places are `open`?
    pub(crate) fn enough_awake(&self, open: usize) -> bool {
        self.crowd.is_enough_besides(self.word().sleeping(), open)
    }

    /// The same with guests that were there lately.
    pub(crate) fn enough_lately(&self, open: usize) -> bool {
        self.crowd.was_enough_besides(self.word().sleeping(), open)
    }

    /// Is no worker awake, and no guest?
    pub(crate) fn nobody_awake(&self) -> bool {
        self.crowd.are_all(self.word().sleeping())
    }

    fn word(&self) -> Word {
        // ORDERING(dekker): a hint.
        Word::from_bits(self.word.load(Ordering::Relaxed))
    }

    /// Does somebody sleep whom a fork should wake, and nobody search?
    pub(crate) fn wants_forks(&self) -> bool {
        // A hint: who misses it asks in vain once.
        let word = self.word();
        word.wants_waking() && self.wants(word, Place::Forks)
    }

    /// Does anybody sleep whom work at `place` may wake? The word says it for deques: who takes
    /// nothing from there is to keep nobody from forking in private.
    fn wants(&self, word: Word, place: Place) -> bool {
        match place {
            Place::Forks => {
                word.sleep(Taste::Hungry) > 0 && word.sleeping() > self.crowd.left_asleep()
            }
            Place::Deque => word.sleep(Taste::Hungry) > 0,
            Place::Stray | Place::Side | Place::Lane => true,
        }
    }

    /// Counts this thread as searching, unless enough do.
    #[must_use = "a searcher has to stop searching"]
    pub(crate) fn start_searching(&self) -> bool {
        let most = self.crowd.most_searching();
        self.change(|word| word.start_searching(most)).is_some()
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
        self.join_sleepers(false, index, appetite, depth, was, parker);
    }

    /// The same for who would take anything, in the place of those that have been woken to search
    /// and are not there yet: else the processor that this thread leaves could stay idle, while
    /// posters rely on one that waits for another. It must look for all of them.
    pub(crate) fn take_over(&self, index: usize, depth: Depth, was: Awake, parker: &Arc<Parker>) {
        self.join_sleepers(true, index, Appetite::ANYTHING, depth, was, parker);
    }

    fn join_sleepers(
        &self,
        relieves: bool,
        index: usize,
        appetite: Appetite,
        depth: Depth,
        was: Awake,
        parker: &Arc<Parker>,
    ) {
        self.lie_down(index, parker);
        let taste = appetite.taste();
        let mut sleepers = self.sleepers.lock();
        sleepers.asleep.push(Sleeper { index, appetite, depth, parker: Arc::clone(parker) });
        self.count_doze(depth, |dozing| dozing + 1);
        let relieved = if relieves { sleepers.coming.drain(..).len() } else { 0 };
        // S1
        self.change(|word| {
            let searching = relieved + usize::from(was == Awake::Searching);
            (0..searching).try_fold(word, |word, _| word.stop_searching())?.fall_asleep(taste)
        });
        drop(sleepers);
        fence(Ordering::SeqCst); // ORDERING(dekker): S2.
    }

    /// Slot `index` sleeps no more.
    pub(crate) fn get_up(&self, index: usize) -> Awake {
        let mut sleepers = self.sleepers.lock();
        let Sleepers { asleep, coming } = &mut *sleepers;
        if let Some(place) = asleep.iter().rposition(|sleeper| sleeper.index == index) {
            let sleeper = asleep.remove(place);
            self.count_doze(sleeper.depth, |dozing| dozing - 1);
            self.change(|word| word.get_up(sleeper.appetite.taste()));
            return Awake::Unasked;
        }
        // Woken to search; but somebody may have relieved it of that.
        match coming.iter().position(|&coming| coming == index) {
            Some(place) => {
                coming.swap_remove(place);
                Awake::Searching
            }
            None => Awake::Unasked,
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
        let find = |suits: &dyn Fn(&Sleeper) -> bool| sleepers.asleep.iter().rposition(suits);
        let best = preferred.and_then(|_| find(&is_preferred));
        // Of those that doze one, if they are all there is.
        let found = best.or_else(|| find(&suits)).or_else(|| find(&takes));
        let Some(found) = found else { return false };
        let sleeper = sleepers.asleep.remove(found);
        sleepers.coming.push(sleeper.index);
        self.count_doze(sleeper.depth, |dozing| dozing - 1);
        self.change(|word| word.be_woken(sleeper.appetite.taste()));
        drop(sleepers);
        match place {
            // Who posts from inside goes on working.
            Place::Forks | Place::Deque | Place::Stray => sleeper.parker.unpark_elsewhere(),
            Place::Side | Place::Lane => sleeper.parker.unpark(),
        }
        true
    }

    /// One more sleeper dozes, or one fewer, if that one does; under the lock of the sleepers.
    fn count_doze(&self, depth: Depth, change: impl Fn(u32) -> u32) {
        if depth == Depth::Doze {
            self.crowd.count_doze(change);
        }
    }

    /// Applies a transition; what the word was before it, unless refused.
    fn change(&self, transition: impl Fn(Word) -> Option<Word>) -> Option<Word> {
        let step = |bits| transition(Word::from_bits(bits)).map(Word::bits);
        // ORDERING(dekker): S1; ordered by the fence that follows.
        self.word.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step).ok().map(Word::from_bits)
    }
}
