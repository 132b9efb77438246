//! Which of the pool's threads have begun and which have left, and who waits
//! for the rest.

use std::task::Waker;

use crate::{
    sync::{Mutex, MutexGuard},
    unwind,
};

pub(crate) struct Attendance(Mutex<Roll>);

struct Roll {
    began: usize,
    left: usize,
    lost: usize,
    /// For each worker: will it never begin?
    absent: Vec<bool>,
    called_off: bool,
    waiting: Vec<Waker>,
}

/// Who is there or will be, as long as this is held: nobody is struck off.
pub(crate) struct Present<'a>(MutexGuard<'a, Roll>);

impl Present<'_> {
    pub(crate) fn has(&self, worker: usize) -> bool {
        !self.0.absent[worker]
    }

    pub(crate) fn anybody(&self) -> bool {
        self.0.absent.contains(&false)
    }

    pub(crate) fn assert_anybody(&self) {
        assert!(self.anybody(), "no thread of this ThreadPool has been run, nor will be");
    }
}

impl Attendance {
    pub(crate) fn new(workers: usize) -> Self {
        let absent = vec![false; workers];
        let waiting = Vec::new();
        Attendance(Mutex::new(Roll {
            began: 0,
            left: 0,
            lost: 0,
            absent,
            called_off: false,
            waiting,
        }))
    }

    /// To be held while something is sent that only workers take.
    pub(crate) fn present(&self) -> Present<'_> {
        Present(self.0.lock())
    }

    /// A worker will never begin: nothing is sent to it from now on. What has been
    /// sent is for the caller to see to, and then to `lose` it. False: it was the
    /// last.
    pub(crate) fn strike_off(&self, worker: usize) -> bool {
        let mut present = self.present();
        present.0.absent[worker] = true;
        present.anybody()
    }

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

    /// A worker that was struck off has nothing left to see to.
    pub(crate) fn lose(&self) {
        self.change(|roll| roll.lost += 1);
    }

    /// Has any worker been struck off?
    pub(crate) fn lacks(&self) -> bool {
        self.0.lock().absent.contains(&true)
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
