//! Which of the pool's threads have begun and which have left, and who waits
//! for the rest.

use std::task::Waker;

use crate::{sync::Mutex, unwind};

#[derive(Default)]
pub(crate) struct Attendance(Mutex<Roll>);

#[derive(Default)]
struct Roll {
    began: usize,
    left: usize,
    lost: usize,
    called_off: bool,
    waiting: Vec<Waker>,
}

impl Attendance {
    /// A thread is there. False: it is not to begin, for the pool never will.
    pub(crate) fn begin(&self) -> bool {
        let mut roll = self.0.lock();
        roll.began += usize::from(!roll.called_off);
        !roll.called_off
    }

    /// The pool will never be whole: who has not begun is not to.
    pub(crate) fn call_off(&self) {
        self.0.lock().called_off = true;
    }

    /// A thread that began is done with everything but its thread-locals.
    pub(crate) fn leave(&self) {
        self.change(|roll| roll.left += 1);
    }

    /// A thread will never begin.
    pub(crate) fn lose(&self) {
        self.change(|roll| roll.lost += 1);
    }

    pub(crate) fn lost(&self) -> usize {
        self.0.lock().lost
    }

    /// Have `workers` threads left, or been lost? If not, `waker` is woken when
    /// one more does.
    pub(crate) fn poll_all_left(&self, workers: usize, waker: &Waker) -> bool {
        self.poll(waker, |roll| roll.left + roll.lost >= workers)
    }

    /// Have all that began left? As `poll_all_left`.
    pub(crate) fn poll_began_left(&self, waker: &Waker) -> bool {
        self.poll(waker, |roll| roll.left >= roll.began)
    }

    fn poll(&self, waker: &Waker, enough: impl Fn(&Roll) -> bool) -> bool {
        let mut roll = self.0.lock();
        let enough = enough(&roll);
        if !enough && !roll.waiting.iter().any(|before| before.will_wake(waker)) {
            roll.waiting.push(waker.clone());
        }
        enough
    }

    fn change(&self, change: impl FnOnce(&mut Roll)) {
        let mut roll = self.0.lock();
        change(&mut roll);
        let waiting = std::mem::take(&mut roll.waiting);
        drop(roll);
        waiting.into_iter().for_each(unwind::wake);
    }
}
