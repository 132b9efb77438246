//! Whose turn it is with a future: it rests, waits to be polled, is being polled, or
//! is gone. One owner at a time; a wake or a cancel meanwhile is remembered.
//!
//! An *errand* is a job on its way that polls it if it is still due then. There is at
//! most one: whoever makes the future due sends it, unless there is one. A thread that
//! waits for the future polls it without; the errand then comes for another turn, or
//! for nothing. The first turn of all comes by a lane or a deque, and is no errand:
//! it may be on its way for longer.

use std::{mem, task::Waker};

use crate::sync::Mutex;

pub(crate) struct Turns<F>(Mutex<State<F>>);

struct State<F> {
    stage: Stage<F>,
    has_errand: bool,
    /// Who waits for the future, to poll it when it is due: whoever has its handle.
    waiting: Option<Waker>,
}

enum Stage<F> {
    /// Nobody has woken it.
    Resting(F),
    /// Somebody has; an errand or the first turn is on its way.
    Due(F),
    /// A thread has it in hand.
    Polled { woken: bool },
    /// Done or cancelled.
    Gone,
}

/// What comes after a poll that was not the last.
pub(crate) enum Next<F> {
    Rest,
    /// It was woken meanwhile.
    Again(Due),
    /// It was cancelled meanwhile: here it is, to be dropped.
    Drop(F),
}

/// It has become due: what is to be done outside the lock.
#[must_use = "the errand is to be sent, and the waker to be woken"]
pub(crate) struct Due {
    pub(crate) errand: bool,
    pub(crate) waker: Option<Waker>,
}

impl<F> Turns<F> {
    /// Of a new future, whose first turn is to be sent.
    pub(crate) fn new(future: F) -> Self {
        let stage = Stage::Due(future);
        Turns(Mutex::new(State { stage, has_errand: false, waiting: None }))
    }

    /// Somebody wakes it. None: there is nothing to do.
    pub(crate) fn wake(&self) -> Option<Due> {
        let mut state = self.0.lock();
        match mem::replace(&mut state.stage, Stage::Gone) {
            Stage::Resting(future) => return Some(state.make_due(future)),
            Stage::Polled { .. } => state.stage = Stage::Polled { woken: true },
            other => state.stage = other,
        }
        None
    }

    /// The errand has come: takes it in hand, if it is due.
    pub(crate) fn arrive(&self) -> Option<F> {
        let mut state = self.0.lock();
        state.has_errand = false;
        state.begin()
    }

    /// The same for the first turn, or for a thread that waits.
    pub(crate) fn begin(&self) -> Option<F> {
        self.0.lock().begin()
    }

    /// Puts it back after a poll that was not the last.
    pub(crate) fn put_back(&self, future: F) -> Next<F> {
        let mut state = self.0.lock();
        match state.stage {
            Stage::Polled { woken: false } => {
                state.stage = Stage::Resting(future);
                Next::Rest
            }
            Stage::Polled { woken: true } => Next::Again(state.make_due(future)),
            _ => Next::Drop(future),
        }
    }

    /// It is done, or is not to be polled any more. It comes back unless a thread
    /// has it in hand, which drops it.
    pub(crate) fn end(&self) -> Option<F> {
        let mut state = self.0.lock();
        let waiting = state.waiting.take();
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
        let before = state.waiting.replace(waker);
        drop(state);
        // From an earlier nap, or of somebody who has given up.
        drop(before);
    }
}

impl<F> State<F> {
    fn make_due(&mut self, future: F) -> Due {
        self.stage = Stage::Due(future);
        let errand = !mem::replace(&mut self.has_errand, true);
        Due { errand, waker: self.waiting.take() }
    }

    fn begin(&mut self) -> Option<F> {
        match mem::replace(&mut self.stage, Stage::Gone) {
            Stage::Due(future) => {
                self.stage = Stage::Polled { woken: false };
                Some(future)
            }
            other => {
                self.stage = other;
                None
            }
        }
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use std::task::Waker;

    use super::{Due, Next, Turns};

    #[test]
    fn it_is_polled_once_for_each_time_it_is_woken() {
        let turns = Turns::new("future");
        assert!(turns.is_due());
        assert_eq!(turns.begin(), Some("future"));
        assert!(!turns.is_due() && turns.begin().is_none(), "one at a time");
        assert!(matches!(turns.put_back("future"), Next::Rest));
        assert!(!turns.is_due() && turns.begin().is_none(), "nobody has woken it");
        (0..2).for_each(|_| turns.wake_when_due(Waker::noop()));
        assert_eq!(turns.wake().map(|due| (due.errand, due.waker.is_some())), Some((true, true)));
        assert!(turns.is_due() && turns.wake().is_none(), "an errand is on its way");
        assert_eq!(turns.arrive(), Some("future"));
        (0..2).for_each(|_| turns.wake_when_due(Waker::noop()));
        assert!(turns.wake().is_none(), "it is not due before it is put back");
        let Next::Again(due) = turns.put_back("future") else { panic!("it was woken") };
        assert!(due.errand && due.waker.is_some());
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
    /// A future with what is on its way to it, and what is done with it.
    struct Played {
        turns: Turns<()>,
        errands: usize,
        first_turn: bool,
        in_hand: bool,
        owes_poll: bool,
    }

    impl Played {
        fn sent(&mut self, due: Due) {
            self.errands += usize::from(due.errand);
        }

        fn polled(&mut self, begun: Option<()>) {
            self.in_hand |= begun.is_some();
            self.owes_poll &= begun.is_none();
        }

        /// False: this cannot happen now.
        fn play(&mut self, act: usize) -> bool {
            match act {
                0 => {
                    self.owes_poll = true;
                    if let Some(due) = self.turns.wake() {
                        self.sent(due);
                    }
                }
                1 if self.first_turn => {
                    self.first_turn = false;
                    self.polled(self.turns.begin());
                }
                2 if self.errands > 0 => {
                    self.errands -= 1;
                    self.polled(self.turns.arrive());
                }
                // Somebody waits for it.
                3 => self.polled(self.turns.begin()),
                4 if self.in_hand => {
                    self.in_hand = false;
                    if let Next::Again(due) = self.turns.put_back(()) {
                        self.sent(due);
                    }
                }
                _ => return false,
            }
            true
        }
    }

    #[test]
    fn one_errand_at_most_is_on_its_way_and_none_is_missing_whatever_happens_when() {
        const ACTS: usize = 5;
        const LENGTH: u32 = 8;
        let mut stale = 0;
        for history in 0..ACTS.pow(LENGTH) {
            let mut played = Played {
                turns: Turns::new(()),
                errands: 0,
                first_turn: true,
                in_hand: false,
                owes_poll: true,
            };
            let acts = (0..LENGTH).map(|n| history / ACTS.pow(n) % ACTS);
            for act in acts {
                if !played.play(act) {
                    break;
                }
                let Played { ref turns, errands, first_turn, in_hand, owes_poll } = played;
                assert!(errands <= 1, "{history}: two on their way");
                assert!(!owes_poll || in_hand || turns.is_due(), "{history}: not polled again");
                assert!(!turns.is_due() || first_turn || errands == 1, "{history}: lost");
                stale += usize::from(errands == 1 && !turns.is_due());
            }
        }
        assert!(stale > 0, "some come for nothing");
    }
}
