//! The entrance: three bounded lanes for tasks, and a side door for closures
//! that a blocked caller lends to the pool.

use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;

use crate::{
    config::Handlers,
    counters::Ledger,
    errands::{Errands, take},
    permits::{Acquire, Permits, Refused},
    priority::{Priority, Turn},
    raw::JobRef,
    sync::{Arc, AtomicU64, AtomicUsize, MODELLED, Mutex, Ordering, deque, fence, thread},
};

pub(crate) struct Injector<J> {
    lanes: [Lane<J>; 3],
    /// Without permits: each job here has a thread waiting for it, so there
    /// are never more of them than threads.
    side: deque::Injector<J>,
    pub(crate) errands: Errands<J>,
}

impl<C> Injector<JobRef<C>> {
    /// Drops every task that waits; says how many that were to run.
    pub(crate) fn discard(&self) -> usize {
        let tasks = self.lanes.iter().flat_map(|lane| std::iter::from_fn(|| lane.take()));
        let tasks = tasks.chain(std::iter::from_fn(|| self.errands.take(0, 1)));
        tasks.map(JobRef::discard).filter(|&dropped| dropped).count()
    }
}

impl<J> Injector<J> {
    pub(crate) fn new(
        workers: usize,
        capacity: usize,
        epoch: Instant,
        handlers: &Arc<Handlers>,
    ) -> Self {
        Injector {
            lanes: Priority::ALL.map(|_| Lane::new(capacity, epoch, handlers)),
            side: deque::Injector::new(),
            errands: Errands::new(workers),
        }
    }

    pub(crate) fn lane(&self, priority: Priority) -> &Lane<J> {
        &self.lanes[priority.lane()]
    }

    pub(crate) fn lanes(&self) -> &[Lane<J>; 3] {
        &self.lanes
    }

    pub(crate) fn push_side(&self, job: J) {
        self.side.push(job);
    }

    pub(crate) fn take_side(&self) -> Option<J> {
        take(&self.side)
    }

    /// For the thread of slot `index`: the oldest task of the lane whose turn it
    /// is. Errands share the turns of the normal lane with it, one by one.
    pub(crate) fn take(&self, index: usize, turn: &mut Turn) -> Option<J> {
        let look = turn.next_look();
        let errand = || self.errands.take(index, look / 2);
        turn.pass(|priority| match priority {
            Priority::Normal if look % 2 == 0 => errand().or_else(|| self.lane(priority).take()),
            Priority::Normal => self.lane(priority).take().or_else(errand),
            _ => self.lane(priority).take(),
        })
    }

    pub(crate) fn has_side(&self) -> bool {
        !self.side.is_empty()
    }

    pub(crate) fn has_tasks(&self) -> bool {
        self.lanes.iter().any(|lane| !lane.is_empty()) || !self.errands.is_empty()
    }

    /// No more tasks; who waits to bring one is sent away.
    pub(crate) fn close(&self) {
        self.lanes.iter().for_each(|lane| lane.permits.close());
    }
}

/// A first-in first-out queue that holds no more than its capacity.
///
/// A permit is acquired before a task enters and released when a worker takes
/// the task, so what is in use is what waits here or is about to.
///
/// Of a long line the first few step forward together, in their order, so that
/// workers need not meet submitters at every task. In a lane that is not half
/// full they give up their permits at once.
pub(crate) struct Lane<J> {
    permits: Permits,
    queue: deque::Injector<Waiting<J>>,
    front: CachePadded<Front<J>>,
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
const STAMPED: usize = 8;

/// From this length on a line is long.
const LONG_LINE: usize = if MODELLED { 2 } else { 16 };

/// Of a long line one in so many steps forward, but no more than `MOST_FORWARD`.
const FORWARD_SHARE: usize = if MODELLED { 1 } else { 4 };
const MOST_FORWARD: usize = 16;

/// Offers of the processor before a thread joins the line for room.
const YIELDS: u32 = if MODELLED { 0 } else { 16 };

struct Waiting<J> {
    job: J,
    since: Option<u64>,
}

/// Those who have stepped forward.
struct Front<J> {
    line: Mutex<Forward<J>>,
    /// How many are in it: changed under the lock.
    len: AtomicUsize,
}

struct Forward<J> {
    queue: deque::Deque<Waiting<J>>,
    /// Do they still have their permits?
    permitted: bool,
}

#[derive(Default)]
struct Marks {
    rejected: AtomicU64,
    high_water: AtomicUsize,
}

impl<J> Lane<J> {
    fn new(capacity: usize, epoch: Instant, handlers: &Arc<Handlers>) -> Self {
        Lane {
            permits: Permits::new(capacity),
            queue: deque::Injector::new(),
            front: CachePadded::new(Front::new()),
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
        self.ledger.accept();
        // The clock costs as much as the rest of this: when many wait, one in a
        // few is stamped, and says enough of its followers.
        let is_stamped = in_use <= STAMPED || in_use % STAMPED == 0;
        let since = is_stamped.then(|| self.now());
        self.mark_high_water(in_use);
        if in_use == 1 {
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

    pub(crate) fn take(&self) -> Option<J> {
        let (waiting, permits) = if self.front.len() > 0 || self.queue.len() >= LONG_LINE {
            self.take_front()?
        } else {
            (take(&self.queue)?, 1)
        };
        waiting.since.iter().for_each(|&since| self.mark_head(since));
        // Not under a lock: who waits for a permit is woken.
        if permits > 0 {
            self.permits.release(permits);
        }
        Some(waiting.job)
    }

    /// The first of those who have stepped forward, or do so now; and how many
    /// permits go back.
    fn take_front(&self) -> Option<(Waiting<J>, u32)> {
        let mut forward = self.front.line.lock();
        if let Some(first) = forward.queue.pop() {
            self.front.set_len(forward.queue.len());
            return Some((first, u32::from(forward.permitted)));
        }
        let many = (self.queue.len() / FORWARD_SHARE).clamp(1, MOST_FORWARD);
        // First, so that nobody finds both parts of the line empty meanwhile.
        self.front.set_len(many);
        fence(Ordering::Release); // ORDERING(front): pairs with the fence of `is_empty`.
        let first = loop {
            match self.queue.steal_batch_with_limit_and_pop(&forward.queue, many) {
                deque::Steal::Success(first) => break Some(first),
                deque::Steal::Empty => break None,
                deque::Steal::Retry => (),
            }
        };
        let others = forward.queue.len();
        self.front.set_len(others);
        let first = first?;
        forward.permitted = self.permits.in_use() > self.permits.capacity() / 2;
        Some((first, if forward.permitted { 1 } else { 1 + others as u32 }))
    }

    fn is_empty(&self) -> bool {
        if !self.queue.is_empty() {
            return false;
        }
        // Those who left the queue are at the front.
        fence(Ordering::Acquire); // ORDERING(front): pairs with the fence of `take_front`.
        self.front.len() == 0
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
        (self.queue.len() + self.front.len() + elsewhere).saturating_sub(self.ledger.buried())
    }

    /// Is there no task in the lane, nor one on its way in?
    pub(crate) fn is_unused(&self) -> bool {
        self.permits.in_use() == 0 && self.front.len() == 0
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

    /// How long the oldest task has waited: never too short, and too long by
    /// no more than the time between its arrival and that of the last stamped
    /// one before it. Of those in the lane's own line: who waits elsewhere has
    /// another order.
    pub(crate) fn oldest_wait(&self) -> Duration {
        if self.queue.len() + self.front.len() == 0 || self.depth() == 0 {
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

impl<J> Front<J> {
    fn new() -> Self {
        let line = Forward { queue: deque::Deque::new_fifo(), permitted: true };
        Front { line: Mutex::new(line), len: AtomicUsize::new(0) }
    }

    fn len(&self) -> usize {
        // ORDERING(front): ordered by the fences.
        self.len.load(Ordering::Relaxed)
    }

    fn set_len(&self, len: usize) {
        // ORDERING(front): as above.
        self.len.store(len, Ordering::Relaxed);
    }
}
