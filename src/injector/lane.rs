//! `Lane`: one bounded line of the entrance.

use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;

use super::hands::Hands;
use crate::{
    config::Handlers,
    counters::Ledger,
    errands::take,
    permits::{Acquire, Permits, Refused},
    sync::{Arc, AtomicU64, AtomicUsize, MODELLED, Ordering, deque, fence, thread},
};

/// A first-in first-out queue that holds no more than its capacity.
///
/// A permit is acquired before a task enters and released when a worker takes
/// the task, so what is in use is what waits here or is about to.
///
/// Of a long line of fine tasks a worker takes a few at a time, so that it need not
/// meet submitters and others at every task. What a worker has in hand no longer
/// waits in the lane; see `Hands`.
pub(crate) struct Lane<J> {
    permits: Permits,
    queue: deque::Injector<Waiting<J>>,
    hands: Hands<Waiting<J>>,
    /// Tasks with a permit of the lane that wait elsewhere, in a strand.
    elsewhere: AtomicUsize,
    ledger: Arc<Ledger>,
    epoch: Instant,
    marks: CachePadded<Marks>,
    /// When the task came that is at the head now, or the one before it: in
    /// nanoseconds since `epoch`. Apart from what submitters read, since takers
    /// write it.
    head_since: CachePadded<AtomicU64>,
}

/// So many tasks in a lane are stamped each; of more, one in so many.
const STAMPED: usize = 16;

/// From this length on a line is long.
const LONG_LINE: usize = if MODELLED { 2 } else { 16 };

/// Of a long line a worker takes one in so many, at most.
const HAND_SHARE: usize = if MODELLED { 1 } else { 4 };

/// Offers of the processor before a thread joins the line for room.
const YIELDS: u32 = if MODELLED { 0 } else { 16 };

struct Waiting<J> {
    job: J,
    since: Option<u64>,
}

#[derive(Default)]
struct Marks {
    rejected: AtomicU64,
    high_water: AtomicUsize,
}

impl<J> Lane<J> {
    pub(super) fn new(
        workers: usize,
        capacity: usize,
        epoch: Instant,
        handlers: &Arc<Handlers>,
    ) -> Self {
        Lane {
            permits: Permits::new(capacity),
            queue: deque::Injector::new(),
            hands: Hands::new(workers),
            elsewhere: AtomicUsize::new(0),
            ledger: Arc::new(Ledger::new(handlers)),
            epoch,
            marks: CachePadded::default(),
            head_since: CachePadded::default(),
        }
    }

    /// Room for a task at once; what it returns is for `push`.
    pub(crate) fn try_acquire(&self) -> Result<usize, Refused> {
        self.permits.try_acquire()
    }

    /// Room at once; or without a limit in time and with nobody in line, after the
    /// processor was offered to others a few times: they may be those who make room.
    pub(crate) fn acquire_soon(&self, limit: Option<Instant>) -> Result<usize, Refused> {
        let mut permit = self.try_acquire();
        for _ in 0..YIELDS {
            let full = matches!(permit, Err(Refused::Full));
            if !full || limit.is_some() || self.permits.waiting() > 0 {
                break;
            }
            thread::yield_now();
            permit = self.try_acquire();
        }
        permit
    }

    /// Room for a task when it is this caller's turn.
    pub(crate) fn acquire(&self) -> Acquire<&Permits> {
        self.permits.acquire()
    }

    pub(crate) fn permits(&self) -> &Permits {
        &self.permits
    }

    /// Puts in a task for which a permit was acquired, the `in_use`th.
    pub(crate) fn push(&self, job: J, in_use: usize) {
        let before = self.ledger.accept();
        // The clock costs as much as the rest of this: when many wait, one in a
        // few is stamped, and says enough of its followers.
        // Others with a permit may wait elsewhere.
        // ORDERING(mark): as in `book`.
        let elsewhere = self.elsewhere.load(Ordering::Relaxed);
        let is_head = in_use == 1 || elsewhere > 0 && self.is_empty();
        let is_stamped = is_head || in_use <= STAMPED || before % STAMPED as u64 == 0;
        let since = is_stamped.then(|| self.now());
        self.mark_high_water(in_use);
        if is_head {
            since.iter().for_each(|&since| self.mark_head(since));
        }
        self.queue.push(Waiting { job, since });
    }

    /// The same for a task that waits elsewhere, until `let_in`.
    pub(crate) fn book(&self, in_use: usize) {
        self.ledger.accept();
        self.mark_high_water(in_use);
        // ORDERING(mark): statistics.
        self.elsewhere.fetch_add(1, Ordering::Relaxed);
    }

    /// The wait of a task elsewhere is over: its permit comes back.
    pub(crate) fn let_in(&self) {
        // ORDERING(mark): as above.
        self.elsewhere.fetch_sub(1, Ordering::Relaxed);
        self.permits.release(1);
    }

    fn mark_high_water(&self, in_use: usize) {
        // ORDERING(mark): statistics; nothing is published by them.
        if in_use > self.marks.high_water.load(Ordering::Relaxed) {
            // ORDERING(mark): as above.
            self.marks.high_water.fetch_max(in_use, Ordering::Relaxed);
        }
    }

    /// The first in line, for worker `index`, or for who is none. Calls `before_wakes` if who
    /// waits for room is to be woken.
    pub(crate) fn take(&self, index: usize, before_wakes: &dyn Fn()) -> Option<J> {
        let waiting = self.hands.take(index).or_else(|| self.take_head(index, before_wakes))?;
        waiting.since.iter().for_each(|&since| self.mark_head(since));
        Some(waiting.job)
    }

    fn take_head(&self, index: usize, before_wakes: &dyn Fn()) -> Option<Waiting<J>> {
        // Whoever is in a hand came before those who are in the queue.
        let slow = self.hands.steal(index, || self.now());
        slow.or_else(|| self.take_queued(index, before_wakes))
            // Nobody else is left, so theirs are taken while they are warm, too.
            .or_else(|| self.hands.steal(index, || u64::MAX))
    }

    fn take_queued(&self, index: usize, before_wakes: &dyn Fn()) -> Option<Waiting<J>> {
        let len = self.queue.len();
        let (waiting, many) = if len >= LONG_LINE && index < self.hands.count() {
            self.hands.fill(index, self.now(), |hand, many| {
                let many = many.min(len / HAND_SHARE).max(1);
                loop {
                    match self.queue.steal_batch_with_limit_and_pop(hand, many) {
                        deque::Steal::Success(first) => break Some(first),
                        deque::Steal::Empty => break None,
                        deque::Steal::Retry => (),
                    }
                }
            })?
        } else {
            (take(&self.queue)?, 1)
        };
        // Not under a lock: who waits for a permit is woken.
        self.permits.release_after(many as u32, before_wakes);
        Some(waiting)
    }

    pub(super) fn is_empty(&self) -> bool {
        if !self.queue.is_empty() {
            return false;
        }
        // Those who left the queue are in a hand.
        fence(Ordering::Acquire); // ORDERING(hand): pairs with the fence of `Hands::fill`.
        !self.hands.any()
    }

    /// How many tasks worker `index` has in hand.
    pub(super) fn held_by(&self, index: usize) -> usize {
        self.hands.held_by(index)
    }

    /// A task was sent away.
    pub(crate) fn reject(&self) {
        // ORDERING(mark): as in `push`.
        self.marks.rejected.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// Tasks that wait, without those that were cancelled meanwhile.
    pub(crate) fn depth(&self) -> usize {
        // ORDERING(mark): as in `book`.
        let elsewhere = self.elsewhere.load(Ordering::Relaxed);
        let waiting = self.queue.len() + elsewhere;
        // Those buried in a hand take nothing from those who wait here. Which are buried where is
        // not known: so as many of those who wait are buried unseen as live in hands.
        (waiting + self.hands.held()).saturating_sub(self.ledger.buried()).min(waiting)
    }

    /// Is there no task in the lane, nor one on its way in?
    pub(crate) fn is_unused(&self) -> bool {
        self.permits.in_use() == 0 && !self.hands.any()
    }

    pub(crate) fn capacity(&self) -> usize {
        self.permits.capacity()
    }

    pub(crate) fn blocked_submitters(&self) -> usize {
        self.permits.waiting()
    }

    pub(crate) fn rejected(&self) -> u64 {
        // ORDERING(mark): as in `push`.
        self.marks.rejected.load(Ordering::Relaxed)
    }

    pub(crate) fn high_water(&self) -> usize {
        // ORDERING(mark): as in `push`.
        self.marks.high_water.load(Ordering::Relaxed)
    }

    /// How long the oldest task has waited: too long by no more than the time between
    /// its arrival and that of the last stamped one before it, or of one buried at the head.
    /// Too short if one that found the lane empty marks the head later than another,
    /// which came after it, is in the queue. Of those in the lane's own line: who waits
    /// elsewhere has another order.
    pub(crate) fn oldest_wait(&self) -> Duration {
        if self.queue.is_empty() || self.depth() == 0 {
            return Duration::ZERO;
        }
        // ORDERING(mark): as in `push`.
        let since = self.head_since.load(Ordering::Relaxed);
        Duration::from_nanos(self.now().saturating_sub(since))
    }

    fn mark_head(&self, since: u64) {
        // ORDERING(mark): as in `push`. The later of two marks wins, in
        // whatever order they come.
        self.head_since.fetch_max(since, Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        self.epoch.elapsed().as_nanos() as u64
    }
}
