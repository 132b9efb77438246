//! A fair bounded number of permits: who comes first is served first.
//!
//! While somebody waits, a permit that comes back goes to the head of the
//! line, hand to hand, and nobody can overtake. One permit wakes one waiter.
//! The word is the truth about who may enter; the line is changed, and the
//! count of those in it, only under the lock.

mod word;

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    mem,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use crossbeam_utils::CachePadded;

use self::word::{Answer, Word};
use crate::{
    process::Process,
    sync::{AtomicU64, Mutex, Ordering},
    unwind,
};

pub(crate) struct Permits {
    word: CachePadded<AtomicU64>,
    capacity: u32,
    line: Mutex<Line>,
    process: Process,
}

/// Those who wait, by the number they drew on arrival.
#[derive(Default)]
struct Line {
    next: u64,
    waiting: BTreeMap<u64, Waker>,
    /// Served, but they do not know it yet.
    served: BTreeSet<u64>,
}

/// Why there is no permit now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Full,
    Closed,
}

impl Permits {
    pub(crate) fn new(capacity: usize) -> Self {
        let capacity = u32::try_from(capacity).unwrap_or(u32::MAX);
        Permits {
            word: CachePadded::new(AtomicU64::new(Word::new(capacity).bits())),
            capacity,
            line: Mutex::new(Line::default()),
            process: Process::current(),
        }
    }

    /// A permit at once, and how many are in use then.
    pub(crate) fn try_acquire(&self) -> Result<usize, Refused> {
        if !self.process.is_current() {
            // In the child of a fork nobody would run what enters.
            return Err(Refused::Closed);
        }
        let mut word = self.load();
        loop {
            let rest = match word.acquire() {
                Answer::Take(rest) => rest,
                Answer::Wait => return Err(Refused::Full),
                Answer::Closed => return Err(Refused::Closed),
            };
            // ORDERING(permit): acquires what was done before `release`, so
            // the room is really there when the permit is.
            let exchange = self.word.compare_exchange_weak(
                word.bits(),
                rest.bits(),
                Ordering::Acquire, // ORDERING(permit): as above.
                Ordering::Relaxed, // ORDERING(permit): tried again.
            );
            match exchange {
                Ok(_) => return Ok(self.in_use_of(rest)),
                Err(bits) => word = Word::from_bits(bits),
            }
        }
    }

    /// A permit when it is this caller's turn. Joins the line when first polled
    /// and leaves it when dropped.
    pub(crate) fn acquire(&self) -> Acquire<&Permits> {
        Acquire::from(self)
    }

    /// Gives `n` permits back.
    pub(crate) fn release(&self, n: u32) {
        self.release_after(n, &|| ());
    }

    /// The same, `before_wakes` if somebody is to be woken: a waker may do anything.
    pub(crate) fn release_after(&self, n: u32, before_wakes: &dyn Fn()) {
        if self.change(|word| word.release(n)).is_none() {
            before_wakes();
            (0..n).for_each(|_| self.hand_on());
        }
    }

    /// No more permits: those in line are sent away, also if they were served
    /// and have not come for it; they may never come.
    pub(crate) fn close(&self) {
        let mut line = self.line.lock();
        self.change(|word| Some(word.close()));
        let waiting = mem::take(&mut line.waiting);
        waiting.iter().for_each(|_| self.leave_line());
        let served = mem::take(&mut line.served).len() as u32;
        self.change(|word| word.release(served));
        drop(line);
        waiting.into_values().for_each(unwind::wake);
    }

    pub(crate) fn in_use(&self) -> usize {
        // ORDERING(permit): where none is in use, all is seen that was done under those there
        // were: the end of a pool counts on it.
        self.in_use_of(Word::from_bits(self.word.load(Ordering::Acquire)))
    }

    pub(crate) fn waiting(&self) -> usize {
        self.load().waiting()
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity as usize
    }

    /// One permit to the head of the line, or back if nobody is there any more.
    #[cold]
    fn hand_on(&self) {
        let mut line = self.line.lock();
        let Some((place, waker)) = line.waiting.pop_first() else {
            // Nobody waits, and nobody can begin to while the line is ours.
            self.change(|word| word.release(1));
            return;
        };
        line.served.insert(place);
        self.leave_line();
        drop(line);
        unwind::wake(waker);
    }

    fn leave_line(&self) {
        self.change(Word::leave_line);
    }

    fn in_use_of(&self, word: Word) -> usize {
        self.capacity() - word.available()
    }

    fn load(&self) -> Word {
        // ORDERING(permit): to look is not to take.
        Word::from_bits(self.word.load(Ordering::Relaxed))
    }

    /// Applies a transition; what the word was before it, unless refused.
    fn change(&self, transition: impl Fn(Word) -> Option<Word>) -> Option<Word> {
        let step = |bits| transition(Word::from_bits(bits)).map(Word::bits);
        self.word
            // ORDERING(permit): releases what was done with the permit, and
            // acquires it for whoever is handed one.
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, step)
            .ok()
            .map(Word::from_bits)
    }
}

impl AsRef<Permits> for Permits {
    fn as_ref(&self) -> &Permits {
        self
    }
}

/// The wait for one permit.
#[must_use = "futures do nothing unless polled"]
pub(crate) struct Acquire<P: AsRef<Permits>> {
    permits: P,
    /// The number in line, while there.
    place: Option<u64>,
}

impl<P: AsRef<Permits>> From<P> for Acquire<P> {
    fn from(permits: P) -> Self {
        Acquire { permits, place: None }
    }
}

impl<P: AsRef<Permits> + Unpin> Future for Acquire<P> {
    /// How many permits are in use with this one; none if they are closed.
    type Output = Result<usize, Refused>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Acquire { permits, place: own } = self.get_mut();
        let permits = (*permits).as_ref();
        if !permits.process.is_current() {
            // Nobody here releases any, and the line may be locked for ever.
            return Poll::Ready(Err(Refused::Closed));
        }
        let Some(place) = *own else {
            match permits.try_acquire() {
                Err(Refused::Full) => (),
                decided => return Poll::Ready(decided),
            }
            // Cloned, like dropped, outside the lock: a waker is anybody's code.
            let waker = cx.waker().clone();
            let mut line = permits.line.lock();
            // Once more, now that nobody else can join or leave the line.
            let joined = permits.change(|word| match word.acquire() {
                Answer::Take(rest) => Some(rest),
                Answer::Wait => Some(word.join_line()),
                Answer::Closed => None,
            });
            let Some(before) = joined else { return Poll::Ready(Err(Refused::Closed)) };
            if let Answer::Take(rest) = before.acquire() {
                return Poll::Ready(Ok(permits.in_use_of(rest)));
            }
            let place = line.next;
            line.next += 1;
            line.waiting.insert(place, waker);
            *own = Some(place);
            return Poll::Pending;
        };
        let waker = cx.waker().clone();
        let mut line = permits.line.lock();
        if let Some(before) = line.waiting.get_mut(&place) {
            let before = mem::replace(before, waker);
            drop(line);
            drop(before);
            return Poll::Pending;
        }
        let served = line.served.remove(&place);
        drop(line);
        *own = None;
        // Not in line and not served: sent away by `close`.
        Poll::Ready(if served { Ok(permits.in_use()) } else { Err(Refused::Closed) })
    }
}

impl<P: AsRef<Permits>> Drop for Acquire<P> {
    fn drop(&mut self) {
        let permits = self.permits.as_ref();
        let Some(place) = self.place.filter(|_| permits.process.is_current()) else { return };
        let mut line = permits.line.lock();
        let waited = line.waiting.remove(&place);
        if waited.is_some() {
            permits.leave_line();
        }
        let served = line.served.remove(&place);
        drop(line);
        if served {
            // And will not come: the next in line is.
            permits.release(1);
        }
    }
}
