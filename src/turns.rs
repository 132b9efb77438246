//! Whose turn it is with a future: it rests, waits to be polled, is being polled, or
//! is gone. One owner at a time; a wake or a cancel meanwhile is remembered.

use std::{mem, task::Waker};

use crate::sync::Mutex;

pub(crate) struct Turns<F>(Mutex<State<F>>);

struct State<F> {
    stage: Stage<F>,
    /// Who waits for the future, to poll it when it is due.
    waiting: Vec<Waker>,
}

enum Stage<F> {
    /// Nobody has woken it.
    Resting(F),
    /// Somebody has, and a job will poll it.
    Due(F),
    /// A thread has it in hand.
    Polled { woken: bool },
    /// Done or cancelled.
    Gone,
}

/// What comes after a poll that was not the last.
pub(crate) enum Next<F> {
    Rest,
    /// It was woken meanwhile: a job is to be sent, and these are to be woken.
    Again(Vec<Waker>),
    /// It was cancelled meanwhile: here it is, to be dropped.
    Drop(F),
}

impl<F> Turns<F> {
    /// Of a new future, for which a job is to be sent.
    pub(crate) fn new(future: F) -> Self {
        Turns(Mutex::new(State { stage: Stage::Due(future), waiting: Vec::new() }))
    }

    /// Somebody wakes it: a job is to be sent, and these are to be woken. None:
    /// there is nothing to do.
    pub(crate) fn wake(&self) -> Option<Vec<Waker>> {
        let mut state = self.0.lock();
        match mem::replace(&mut state.stage, Stage::Gone) {
            Stage::Resting(future) => {
                state.stage = Stage::Due(future);
                return Some(mem::take(&mut state.waiting));
            }
            Stage::Polled { .. } => state.stage = Stage::Polled { woken: true },
            other => state.stage = other,
        }
        None
    }

    /// Takes it in hand, if it is due.
    pub(crate) fn begin(&self) -> Option<F> {
        let mut state = self.0.lock();
        match mem::replace(&mut state.stage, Stage::Gone) {
            Stage::Due(future) => {
                state.stage = Stage::Polled { woken: false };
                Some(future)
            }
            other => {
                state.stage = other;
                None
            }
        }
    }

    /// Puts it back after a poll that was not the last.
    pub(crate) fn put_back(&self, future: F) -> Next<F> {
        let mut state = self.0.lock();
        let (stage, next) = match state.stage {
            Stage::Polled { woken: false } => (Stage::Resting(future), Next::Rest),
            Stage::Polled { woken: true } => {
                (Stage::Due(future), Next::Again(mem::take(&mut state.waiting)))
            }
            _ => return Next::Drop(future),
        };
        state.stage = stage;
        next
    }

    /// It is done, or is not to be polled any more. It comes back unless a thread
    /// has it in hand, which drops it.
    pub(crate) fn end(&self) -> Option<F> {
        let mut state = self.0.lock();
        let waiting = mem::take(&mut state.waiting);
        let stage = mem::replace(&mut state.stage, Stage::Gone);
        drop(state);
        // Wakers are the user's.
        drop(waiting);
        match stage {
            Stage::Resting(future) | Stage::Due(future) => Some(future),
            Stage::Polled { .. } | Stage::Gone => None,
        }
    }

    pub(crate) fn is_due(&self) -> bool {
        matches!(self.0.lock().stage, Stage::Due(_))
    }

    /// From now on `waker` is woken, once, when it is due again.
    pub(crate) fn wake_when_due(&self, waker: &Waker) {
        let waker = waker.clone();
        let mut state = self.0.lock();
        if !state.waiting.iter().any(|other| other.will_wake(&waker)) {
            state.waiting.push(waker);
        }
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use std::task::Waker;

    use super::{Next, Turns};

    #[test]
    fn it_is_polled_once_for_each_time_it_is_woken() {
        let turns = Turns::new("future");
        assert!(turns.is_due());
        assert_eq!(turns.begin(), Some("future"));
        assert!(!turns.is_due() && turns.begin().is_none(), "one at a time");
        assert!(matches!(turns.put_back("future"), Next::Rest));
        assert!(!turns.is_due() && turns.begin().is_none(), "nobody has woken it");
        (0..2).for_each(|_| turns.wake_when_due(Waker::noop()));
        assert_eq!(turns.wake().map(|wakers| wakers.len()), Some(1));
        assert!(turns.is_due() && turns.wake().is_none(), "a job is on its way");
        assert_eq!(turns.begin(), Some("future"));
        (0..2).for_each(|_| turns.wake_when_due(Waker::noop()));
        assert!(turns.wake().is_none(), "it is not due before it is put back");
        let Next::Again(wakers) = turns.put_back("future") else { panic!("it was woken") };
        assert_eq!(wakers.len(), 1);
        assert!(turns.is_due());
        assert_eq!(turns.end(), Some("future"));
        assert!(turns.wake().is_none() && turns.begin().is_none() && turns.end().is_none());
    }

    #[test]
    fn one_that_is_cancelled_while_it_is_polled_comes_back_from_that() {
        let turns = Turns::new("future");
        turns.begin();
        assert_eq!(turns.end(), None, "it is in hand");
        assert!(matches!(turns.put_back("future"), Next::Drop("future")));
    }
}
