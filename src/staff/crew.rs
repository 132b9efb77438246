//! The stand-ins' threads, and who is away: what `Staff` keeps under its lock.

use std::{mem, task::Waker, time::Instant};

use crate::{
    parker::Parker,
    sync::{Arc, Mutex},
};

/// Threads that have retired and that nobody joins yet: no more than these.
const MOST_GONE: usize = 16;

/// What a stand-in is called for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Duty {
    /// The place of a thread that blocks: to work as that would.
    Place,
    /// To serve the entrance while every worker is busy.
    Door,
}

/// A thread of a stand-in, as others see it.
pub(crate) trait Thread: Send + Sync {
    /// Is it the one that asks?
    fn is_current(&self) -> bool;
    /// Blocks until it is gone, thread-locals and all. To be called once.
    fn join(&self);
}

/// For tests that start none.
#[cfg(test)]
impl Thread for () {
    fn is_current(&self) -> bool {
        false
    }

    fn join(&self) {}
}

/// Starts the thread of a stand-in; none if the system refuses.
pub(crate) type Starter = Box<dyn Fn(&Arc<Call>) -> Option<Arc<dyn Thread>> + Send>;

/// How one stand-in hears of what it is to do.
pub(crate) struct Call {
    parker: Parker,
    duty: Mutex<Option<Duty>>,
}

impl Call {
    fn new(duty: Duty) -> Self {
        Call { parker: Parker::new(), duty: Mutex::new(Some(duty)) }
    }

    pub(crate) fn take(&self) -> Option<Duty> {
        self.duty.lock().take()
    }

    pub(crate) fn parker(&self) -> &Parker {
        &self.parker
    }

    pub(super) fn await_until(&self, until: Option<Instant>) {
        self.parker.park_maybe_until(until);
    }

    fn give(&self, duty: Duty) {
        *self.duty.lock() = Some(duty);
    }
}

pub(super) struct Crew {
    starter: Option<Starter>,
    /// Those at rest, the last to come last.
    bench: Vec<Arc<Call>>,
    /// Threads that there may be.
    seats: usize,
    /// All threads that have not retired.
    threads: Vec<(Arc<Call>, Arc<dyn Thread>)>,
    /// Called for while every seat was taken: for who is on the way to the bench.
    pending: Vec<Duty>,
    gone: Vec<Arc<dyn Thread>>,
    /// Of those before them, the ones that one who retires waits for.
    joined: Vec<Arc<dyn Thread>>,
    /// Slots whose threads are in blocking sections.
    away: Vec<usize>,
    /// Stand-ins in places.
    placed: usize,
    /// The system has refused a thread, and nobody has stepped aside, or come to a place, since.
    refused: bool,
    /// The same for the door, and nobody has come to the bench since.
    refused_keeper: bool,
    /// Who waits for the threads to retire.
    ender: Option<Waker>,
}

/// How places and stand-ins add up.
pub(super) struct Places {
    pub(super) open: usize,
    pub(super) surplus: usize,
}

impl Crew {
    pub(super) fn new(seats: usize) -> Self {
        Crew {
            starter: None,
            bench: Vec::new(),
            seats,
            threads: Vec::new(),
            pending: Vec::new(),
            gone: Vec::new(),
            joined: Vec::new(),
            away: Vec::new(),
            placed: 0,
            refused: false,
            refused_keeper: false,
            ender: None,
        }
    }

    pub(super) fn open(&mut self, starter: Starter) {
        self.starter = Some(starter);
    }

    pub(super) fn step_aside(&mut self, index: usize) {
        self.away.push(index);
        self.refused = false;
    }

    pub(super) fn come_back(&mut self, index: usize) {
        let place = self.away.iter().rposition(|&away| away == index);
        self.away.swap_remove(place.expect("who comes back was away"));
    }

    pub(super) fn take_place(&mut self) {
        self.placed += 1;
    }

    pub(super) fn leave_place(&mut self) {
        self.placed -= 1;
    }

    /// Places of those away whom `counts` counts, `most` of them at a time.
    pub(super) fn places(&self, counts: impl Fn(usize) -> bool, most: usize) -> Places {
        let vacant = self.away.iter().filter(|&&index| counts(index)).count().min(most);
        let comes = self.starter.is_some() && (!self.refused || !self.bench.is_empty());
        let open = if comes { vacant.saturating_sub(self.placed) } else { 0 };
        Places { open, surplus: self.placed.saturating_sub(vacant) }
    }

    pub(super) fn was_refused(&self) -> bool {
        self.refused
    }

    /// Calls a stand-in into a place. False: none can come.
    pub(super) fn fill(&mut self) -> bool {
        let called = self.call(Duty::Place);
        self.refused = !called;
        self.placed += usize::from(called);
        called
    }

    /// Calls a stand-in: one from the bench, or a new one. False: none can come.
    pub(super) fn call(&mut self, duty: Duty) -> bool {
        let Some(starter) = &self.starter else { return false };
        if let Some(call) = self.bench.pop() {
            call.give(duty);
            call.parker.unpark();
            return true;
        }
        if self.threads.len() >= self.seats {
            // Every seat has a thread, but there are fewer duties than seats: one of them is on
            // its way back here, and takes this then.
            self.pending.push(duty);
            return true;
        }
        let call = Arc::new(Call::new(duty));
        let Some(thread) = starter(&call) else { return false };
        self.threads.push((call, thread));
        true
    }

    /// Takes its seat on the bench. False: there is something to do already.
    pub(super) fn sit_down(&mut self, call: &Arc<Call>) -> bool {
        match self.pending.pop() {
            Some(duty) => {
                call.give(duty);
                false
            }
            None => {
                self.bench.push(Arc::clone(call));
                true
            }
        }
    }

    pub(super) fn refuse_keeper(&mut self) {
        self.refused_keeper = true;
    }

    pub(super) fn takes_refused_keeper(&mut self) -> bool {
        mem::take(&mut self.refused_keeper)
    }

    /// Gives back one that retired before, to be joined without the lock.
    pub(super) fn retire(&mut self, call: &Arc<Call>) -> Option<Arc<dyn Thread>> {
        self.bench.retain(|other| !Arc::ptr_eq(other, call));
        let place = self.threads.iter().position(|(other, _)| Arc::ptr_eq(other, call))?;
        self.gone.push(self.threads.swap_remove(place).1);
        let before = (self.gone.len() > MOST_GONE).then(|| self.gone.remove(0));
        self.joined.extend(before.clone());
        before
    }

    pub(super) fn has_joined(&mut self, before: &Arc<dyn Thread>) {
        self.joined.retain(|thread| !Arc::ptr_eq(thread, before));
    }

    /// Has every thread retired? If not, `ender` is for the next one that does.
    pub(super) fn poll_retired(&mut self, ender: &Waker) -> bool {
        self.ender = (!self.threads.is_empty()).then(|| ender.clone());
        self.ender.is_none()
    }

    pub(super) fn take_ender(&mut self) -> Option<Waker> {
        self.ender.take()
    }

    pub(super) fn nudge(&self) {
        self.threads.iter().for_each(|(call, _)| call.parker.unpark());
    }

    pub(super) fn is_dismissed(&self) -> bool {
        self.starter.is_none()
    }

    /// Nobody comes any more, and those at rest retire.
    pub(super) fn send_home(&mut self) {
        self.nudge();
        self.starter = None;
    }

    pub(super) fn dismiss(&mut self) -> Vec<Arc<dyn Thread>> {
        self.send_home();
        let threads = mem::take(&mut self.threads);
        let mut gone = mem::take(&mut self.gone);
        // By what it has in a thread-local, one of them ends the pool. Others that retired may
        // be waiting for it.
        if gone.iter().chain(&self.joined).any(|thread| thread.is_current()) {
            gone.clear();
        }
        gone.into_iter().chain(threads.into_iter().map(|(_, thread)| thread)).collect()
    }
}

pub(super) fn is_past(until: Option<Instant>) -> bool {
    until.is_some_and(|until| Instant::now() >= until)
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::{Call, Crew, Duty, MOST_GONE, Thread};
    use crate::sync::{Arc, Mutex};

    /// What became of the threads, counted from the first.
    #[derive(Default)]
    struct Fates {
        current: Option<usize>,
        joined: Vec<usize>,
    }

    struct Numbered(usize, Arc<Mutex<Fates>>);

    impl Thread for Numbered {
        fn is_current(&self) -> bool {
            self.1.lock().current == Some(self.0)
        }

        fn join(&self) {
            self.1.lock().joined.push(self.0);
        }
    }

    fn crew(seats: usize) -> (Crew, Arc<Mutex<Fates>>) {
        let (mut crew, fates) = (Crew::new(seats), Arc::<Mutex<Fates>>::default());
        let (all, started) = (Arc::clone(&fates), Mutex::new(0));
        crew.open(Box::new(move |_| {
            let number = *started.lock();
            *started.lock() += 1;
            Some(Arc::new(Numbered(number, all.clone())))
        }));
        (crew, fates)
    }

    /// So many that have begun, and how each hears of its duties.
    fn calls(crew: &mut Crew, count: usize) -> Vec<Arc<Call>> {
        assert!((0..count).all(|_| crew.call(Duty::Place)));
        crew.threads.iter().map(|(call, _)| call.clone()).collect()
    }

    #[test]
    fn threads_that_end_are_joined_in_turn_and_the_rest_at_the_end() {
        let (mut crew, fates) = crew(MOST_GONE + 4);
        let calls = calls(&mut crew, MOST_GONE + 4);
        for (ended, call) in calls[..MOST_GONE + 2].iter().enumerate() {
            let before = crew.retire(call);
            assert_eq!(before.is_some(), ended >= MOST_GONE);
            if let Some(before) = before {
                before.join();
                crew.has_joined(&before);
            }
        }
        assert!(crew.joined.is_empty());
        assert_eq!(fates.lock().joined, [0, 1], "the first to end, when there were too many");
        crew.dismiss().iter().for_each(|thread| thread.join());
        assert_eq!(fates.lock().joined.len(), MOST_GONE + 4, "each once");
        fates.lock().joined.sort_unstable();
        assert!(fates.lock().joined.iter().copied().eq(0..MOST_GONE + 4));
        assert!(crew.is_dismissed() && !crew.call(Duty::Place), "nobody comes any more");
    }

    #[test]
    fn one_that_has_retired_and_ends_the_pool_waits_for_no_other_that_has() {
        for joined_by_another in [false, true] {
            let (mut crew, fates) = crew(MOST_GONE + 2);
            let calls = calls(&mut crew, MOST_GONE + 2);
            let retire = |crew: &mut Crew, call| crew.retire(call).is_some();
            assert!(!calls[..MOST_GONE].iter().any(|call| retire(&mut crew, call)));
            assert!(!joined_by_another || retire(&mut crew, &calls[MOST_GONE]));
            fates.lock().current = Some(0);
            crew.dismiss().iter().for_each(|thread| thread.join());
            let joined = fates.lock().joined.len();
            assert_eq!(joined, if joined_by_another { 1 } else { 2 }, "those that have not");
        }
    }

    #[test]
    fn a_duty_without_a_seat_goes_to_the_next_on_the_bench() {
        let (mut crew, _fates) = crew(1);
        assert!(crew.call(Duty::Place));
        let call = crew.threads[0].0.clone();
        assert_eq!(call.take(), Some(Duty::Place));
        assert!(crew.call(Duty::Door), "it is on the way");
        crew.sit_down(&call);
        assert_eq!(call.take(), Some(Duty::Door));
        assert_eq!(call.take(), None, "once");
        crew.sit_down(&call);
        assert_eq!(call.take(), None);
        assert!(crew.call(Duty::Door), "from the bench");
        assert_eq!((call.take(), crew.threads.len()), (Some(Duty::Door), 1));
    }

    #[test]
    fn no_more_places_are_open_than_stand_ins_may_take() {
        let (mut crew, _fates) = crew(2);
        (0..3).for_each(|worker| crew.step_aside(worker));
        // The other seat is for the keeper of the door.
        assert_eq!(crew.places(|_| true, 1).open, 1);
        assert!(crew.fill());
        assert_eq!((crew.places(|_| true, 1).open, crew.places(|_| true, 2).open), (0, 1));
        // Who is off duty leaves no place.
        assert_eq!((crew.places(|_| false, 1).open, crew.places(|_| false, 1).surplus), (0, 1));
    }
}
