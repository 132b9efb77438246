//! Who of a class of jobs may run: no more than a limit at once.
//!
//! ```text
//! queued    waits here, and nowhere else: it holds no permit of anybody's
//! ticket    a job somewhere in the pool that will let one of the queue run
//! running   let in, and not at its end
//! ```
//!
//! One rule: while the lock is free, there are as many tickets as could be let in
//! now, `min(queued, limit - running)`, or more. So whoever makes room or
//! adds to the queue sends the tickets that are missing, and none is lost; a ticket
//! too many finds nothing and goes.

use std::{
    collections::BTreeMap,
    mem,
    task::Waker,
    time::{Duration, Instant},
};

use crate::sync::{Mutex, MutexGuard};

pub(crate) struct Turnstile<J> {
    limit: usize,
    state: Mutex<State<J>>,
}

struct State<J> {
    is_closed: bool,
    next: u64,
    /// By number, so that one that is cancelled leaves no gap.
    queue: BTreeMap<u64, Waiting<J>>,
    tickets: usize,
    /// Who waits for a queued job, to run it when there is room.
    waiting: Vec<Waker>,
    counts: Counts,
}

struct Waiting<J> {
    job: J,
    since: Instant,
}

/// What has been counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) running: usize,
    pub(crate) queued: usize,
    pub(crate) accepted: u64,
    pub(crate) rejected: u64,
    pub(crate) completed: u64,
    pub(crate) panicked: u64,
    pub(crate) most_running: usize,
    pub(crate) most_queued: usize,
    pub(crate) oldest_wait: Duration,
}

/// What is to be done outside the lock.
#[must_use = "tickets are to be sent, and wakers to be woken"]
pub(crate) struct Due<J> {
    pub(crate) tickets: usize,
    pub(crate) wakers: Vec<Waker>,
    /// The place in the queue of a job that did not come by its turn.
    pub(crate) cleared: Option<J>,
}

/// By whose leave a job runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    Own,
    /// That of another one further up the stack, which waits for it.
    Lent,
}

/// How a job that was let in came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Completed,
    Panicked,
    /// It was decided before that it is not to run.
    Unrun,
}

impl<J> Turnstile<J> {
    pub(crate) fn new(limit: usize) -> Self {
        let state = State {
            is_closed: false,
            next: 0,
            queue: BTreeMap::new(),
            tickets: 0,
            waiting: Vec::new(),
            counts: Counts::default(),
        };
        Turnstile { limit, state: Mutex::new(state) }
    }

    /// Adds the job that `make` makes, who is told its number; so many tickets
    /// are to be sent. Closed: what it would be made of comes back.
    pub(crate) fn push<F, R>(
        &self,
        f: F,
        make: impl FnOnce(u64, F) -> (J, R),
    ) -> Result<(R, usize), F> {
        let mut state = self.state.lock();
        if state.is_closed {
            return Err(f);
        }
        let number = state.next;
        state.next += 1;
        let (job, rest) = make(number, f);
        state.queue.insert(number, Waiting { job, since: Instant::now() });
        state.counts.accepted += 1;
        state.counts.most_queued = state.counts.most_queued.max(state.queue.len());
        Ok((rest, self.tickets_due(&mut state)))
    }

    /// A ticket has come: lets the oldest job in, if there is room.
    pub(crate) fn arrive(&self) -> Option<J> {
        let mut state = self.state.lock();
        state.tickets -= 1;
        self.let_in(&mut state)
    }

    /// The same without a ticket: for whoever has just seen one end unrun.
    pub(crate) fn next(&self) -> Option<J> {
        self.let_in(&mut self.state.lock())
    }

    /// The same for a thread that has a place, and lends it.
    pub(crate) fn next_lent(&self) -> Option<J> {
        self.state.lock().queue.pop_first().map(|(_, waiting)| waiting.job)
    }

    /// Lets in a job that is known to its bringer, who waits for it. False: the
    /// limit is reached.
    pub(crate) fn admit(&self) -> bool {
        let mut state = self.state.lock();
        let room = state.counts.running < self.limit;
        if room {
            state.enter();
        }
        room
    }

    /// A job that was let in is at its end; its number, if it ran.
    pub(crate) fn leave(&self, room: Room, number: Option<u64>, end: End) -> Due<J> {
        let mut state = self.state.lock();
        let cleared = number.and_then(|number| state.queue.remove(&number));
        match end {
            End::Completed => state.counts.completed += 1,
            End::Panicked => state.counts.panicked += 1,
            End::Unrun => (),
        }
        if room == Room::Own {
            state.counts.running -= 1;
        }
        let tickets = self.tickets_due(&mut state);
        let wakers = mem::take(&mut state.waiting);
        Due { tickets, wakers, cleared: cleared.map(|waiting| waiting.job) }
    }

    /// Takes a job out of the queue that is not to run.
    pub(crate) fn remove(&self, number: u64) -> Option<J> {
        self.state.lock().queue.remove(&number).map(|waiting| waiting.job)
    }

    pub(crate) fn has_room(&self) -> bool {
        self.state.lock().counts.running < self.limit
    }

    /// From now on `waker` is woken, once, when a job leaves.
    pub(crate) fn wake_at_leave(&self, waker: &Waker) {
        let waker = waker.clone();
        let mut state = self.state.lock();
        if !state.waiting.iter().any(|other| other.will_wake(&waker)) {
            state.waiting.push(waker);
        }
    }

    /// One was sent away.
    pub(crate) fn reject(&self) {
        self.state.lock().counts.rejected += 1;
    }

    /// No more jobs. What is queued stays.
    pub(crate) fn close(&self) {
        self.state.lock().is_closed = true;
    }

    /// Everything that is queued, to be dropped.
    pub(crate) fn drain(&self) -> Vec<J> {
        let queue = mem::take(&mut self.state.lock().queue);
        queue.into_values().map(|waiting| waiting.job).collect()
    }

    pub(crate) fn queued(&self) -> usize {
        self.state.lock().queue.len()
    }

    pub(crate) fn counts(&self) -> Counts {
        let state = self.state.lock();
        let first = state.queue.first_key_value();
        Counts {
            queued: state.queue.len(),
            oldest_wait: first.map_or(Duration::ZERO, |(_, waiting)| waiting.since.elapsed()),
            ..state.counts
        }
    }

    fn let_in(&self, state: &mut MutexGuard<'_, State<J>>) -> Option<J> {
        if state.counts.running >= self.limit {
            return None;
        }
        let (_, waiting) = state.queue.pop_first()?;
        state.enter();
        Some(waiting.job)
    }

    fn tickets_due(&self, state: &mut MutexGuard<'_, State<J>>) -> usize {
        let wanted = state.queue.len().min(self.limit - state.counts.running);
        let due = wanted.saturating_sub(state.tickets);
        state.tickets += due;
        due
    }
}

impl<J> State<J> {
    fn enter(&mut self) {
        self.counts.running += 1;
        self.counts.most_running = self.counts.most_running.max(self.counts.running);
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use std::task::Waker;

    use super::{End, Room, Turnstile};

    /// Pushes a job that is its own number; how many tickets are to be sent.
    fn push(turnstile: &Turnstile<u64>) -> usize {
        turnstile.push((), |number, ()| (number, ())).map(|((), tickets)| tickets).unwrap()
    }

    #[test]
    fn as_many_run_as_the_limit_says_in_their_order() {
        let turnstile = Turnstile::new(2);
        let tickets: Vec<usize> = (0..4).map(|_| push(&turnstile)).collect();
        assert_eq!(tickets, [1, 1, 0, 0]);
        assert_eq!((turnstile.arrive(), turnstile.arrive()), (Some(0), Some(1)));
        assert!(!turnstile.has_room() && !turnstile.admit());
        assert_eq!(turnstile.next(), None, "there is no room");
        let due = turnstile.leave(Room::Own, Some(0), End::Completed);
        assert_eq!((due.tickets, due.cleared), (1, None));
        assert!(turnstile.has_room());
        assert_eq!(turnstile.next(), Some(2), "without a ticket");
        assert_eq!(turnstile.arrive(), None, "which comes too late");
        let due = turnstile.leave(Room::Own, Some(1), End::Panicked);
        assert_eq!(due.tickets, 1);
        assert!(turnstile.admit(), "somebody waits for the last and brings it");
        assert_eq!(turnstile.arrive(), None, "a ticket too many");
        let due = turnstile.leave(Room::Own, Some(3), End::Completed);
        assert_eq!((due.tickets, due.cleared), (0, Some(3)), "its place in the queue");
        let _ = turnstile.leave(Room::Own, Some(2), End::Unrun);
        let counts = turnstile.counts();
        assert_eq!((counts.accepted, counts.completed, counts.panicked), (4, 2, 1));
        assert_eq!((counts.running, counts.queued), (0, 0));
        assert_eq!((counts.most_running, counts.most_queued), (2, 4));
    }

    #[test]
    fn a_place_may_be_lent_and_is_nobodys_then() {
        let turnstile = Turnstile::new(1);
        assert_eq!((push(&turnstile), push(&turnstile)), (1, 0));
        assert_eq!((turnstile.arrive(), turnstile.next_lent()), (Some(0), Some(1)));
        assert_eq!(turnstile.counts().running, 1);
        let _ = turnstile.leave(Room::Lent, Some(1), End::Completed);
        assert!(!turnstile.has_room(), "its lender runs on");
        let _ = turnstile.leave(Room::Own, Some(0), End::Completed);
        assert!(turnstile.has_room());
    }

    #[test]
    fn who_waits_is_woken_once_when_a_job_leaves() {
        let turnstile = Turnstile::new(1);
        push(&turnstile);
        turnstile.arrive();
        (0..3).for_each(|_| turnstile.wake_at_leave(Waker::noop()));
        let due = turnstile.leave(Room::Own, Some(0), End::Completed);
        assert_eq!(due.wakers.len(), 1);
        assert!(turnstile.leave(Room::Lent, None, End::Unrun).wakers.is_empty());
    }

    #[test]
    fn a_closed_one_takes_nothing_and_gives_what_it_has() {
        let turnstile = Turnstile::new(1);
        (0..3).for_each(|_| _ = push(&turnstile));
        assert_eq!(turnstile.remove(1), Some(1));
        turnstile.close();
        turnstile.reject();
        let refused = turnstile.push("a closure", |number, _| (number, ()));
        assert_eq!(refused.err(), Some("a closure"));
        assert_eq!((turnstile.queued(), turnstile.counts().rejected), (2, 1));
        assert_eq!(turnstile.drain(), [0, 2]);
        assert_eq!(turnstile.queued(), 0);
    }
}
