//! `Hands`: what workers have taken from a lane together, to run one by one.

use crossbeam_utils::CachePadded;

use crate::sync::{AtomicU64, AtomicUsize, MODELLED, Mutex, Ordering, deque, fence};

/// The most that a worker takes at a time.
const MOST: usize = 16;

/// Tasks are fine while a hand is through in this time, in nanoseconds. A hand
/// that is not after it may be taken from.
const ROUND: u64 = 10_000;

/// One hand for each worker. A lane's line goes on in them: who holds tasks took
/// them from its head, in their order, and lets anybody have them for whom it
/// would be slow. So few locks are shared by those who run fine tasks, and nothing
/// waits behind a coarse one.
pub(super) struct Hands<J> {
    hands: Box<[CachePadded<Hand<J>>]>,
    /// How many hands hold something.
    full: CachePadded<AtomicUsize>,
}

struct Hand<J> {
    held: Mutex<Held<J>>,
    /// How many it holds: changed under the lock.
    len: AtomicUsize,
    /// When it was filled, in nanoseconds since the lane's epoch.
    since: AtomicU64,
}

struct Held<J> {
    queue: deque::Deque<J>,
    /// So many are taken next.
    many: usize,
}

impl<J> Hands<J> {
    pub(super) fn new(workers: usize) -> Self {
        let hand = |_| CachePadded::new(Hand::new());
        Hands { hands: (0..workers).map(hand).collect(), full: CachePadded::default() }
    }

    /// Does any hand hold something? To be asked after a look at the queue.
    pub(super) fn any(&self) -> bool {
        // ORDERING(hand): ordered by the fences, see `fill`; acquires the length.
        self.full.load(Ordering::Acquire) > 0
    }

    /// How many hands there are.
    pub(super) fn count(&self) -> usize {
        self.hands.len()
    }

    /// Those in the hand of worker `index`.
    pub(super) fn held_by(&self, index: usize) -> usize {
        self.hands[index].len()
    }

    /// Those in all hands.
    pub(super) fn held(&self) -> usize {
        if self.any() { self.hands.iter().map(|hand| hand.len()).sum() } else { 0 }
    }

    /// The oldest task in the hand of worker `index`.
    pub(super) fn take(&self, index: usize) -> Option<J> {
        let hand = self.hands.get(index)?;
        if hand.len() == 0 {
            return None;
        }
        let mut held = hand.held.lock();
        let task = held.queue.pop();
        self.settle(hand, &mut held);
        task
    }

    /// The oldest task in one of the other hands, of those that were filled too long
    /// before `now`. The clock is not asked if all are empty.
    pub(super) fn steal(&self, index: usize, now: impl FnOnce() -> u64) -> Option<J> {
        if !self.any() {
            return None;
        }
        let now = now();
        let from_all = (0..self.hands.len()).filter(|&other| other != index);
        from_all.filter(|&other| self.hands[other].is_slow(now)).find_map(|other| self.take(other))
    }

    /// For worker `index`, whose hand is empty: the head of `queue`; those after it go
    /// into the hand. How many there were in all comes with it.
    pub(super) fn fill<Q>(&self, index: usize, now: u64, queue: Q) -> Option<(J, usize)>
    where
        Q: FnOnce(&deque::Deque<J>, usize) -> Option<J>,
    {
        let hand = &self.hands[index];
        let mut held = hand.held.lock();
        // ORDERING(hand): its owner's own store.
        let before = hand.since.load(Ordering::Relaxed);
        // Models look at no clock: there, tasks are fine and hands slow.
        let fine = MODELLED || now.saturating_sub(before) <= ROUND;
        held.many = if fine { (held.many * 2).min(MOST) } else { 1 };
        // ORDERING(hand): a hint, for `steal`.
        hand.since.store(now, Ordering::Relaxed);
        // First, so that nobody finds both parts of the line empty meanwhile; the length
        // before that, so that nobody looks in vain at a hand that is said to be full.
        hand.set_len(held.many);
        // ORDERING(hand): ordered by the fence; releases the length.
        self.full.fetch_add(1, Ordering::Release);
        fence(Ordering::Release); // ORDERING(hand): pairs with the fence of `Lane::is_empty`.
        let first = queue(&held.queue, held.many);
        let others = self.settle(hand, &mut held);
        Some((first?, 1 + others))
    }

    /// Says what is left in a hand that held something.
    fn settle(&self, hand: &Hand<J>, held: &mut Held<J>) -> usize {
        let (before, len) = (hand.len(), held.queue.len());
        if before > 0 && len == 0 {
            // ORDERING(hand): who took the last one has it. Before the length, as in `fill`.
            self.full.fetch_sub(1, Ordering::Relaxed);
        }
        hand.set_len(len);
        len
    }
}

impl<J> Hand<J> {
    fn new() -> Self {
        let held = Held { queue: deque::Deque::new_fifo(), many: 1 };
        Hand { held: Mutex::new(held), len: AtomicUsize::new(0), since: AtomicU64::new(0) }
    }

    fn is_slow(&self, now: u64) -> bool {
        // ORDERING(hand): a hint.
        let since = self.since.load(Ordering::Relaxed);
        self.len() > 0 && (MODELLED || now.saturating_sub(since) >= ROUND)
    }

    fn len(&self) -> usize {
        // ORDERING(hand): a hint, but for those who hold the lock.
        self.len.load(Ordering::Relaxed)
    }

    fn set_len(&self, len: usize) {
        // ORDERING(hand): as above.
        self.len.store(len, Ordering::Relaxed);
    }
}
