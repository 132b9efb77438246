//! `Parker`: how one thread sleeps and is woken.
//!
//! It holds a token. To unpark is to put the token there; to park is to wait
//! for it and take it. A token may be there from before, so whoever parks does
//! so in a loop around what it waits for.

use std::{
    cell::RefCell,
    mem,
    task::{Wake, Waker},
    time::Instant,
};

use crate::{
    affinity::{Moved, Place, Restricted},
    process::Process,
    sync::{Arc, Condvar, Mutex, MutexGuard, is_early, thread_local},
};

#[derive(Debug, Default)]
pub(crate) struct Parker {
    token: Mutex<Token>,
    bell: Condvar,
}

/// There is a token or there is none; and how the thread was moved for it.
#[derive(Debug, Default)]
struct Token {
    there: bool,
    /// Does the thread wait on the bell?
    waits: bool,
    /// Where the thread sleeps that waits for it.
    sleeper: Option<Place>,
    moved: Option<Moved>,
    /// What that thread is known to be restricted to.
    restricted: Restricted,
}

thread_local! {
    static OWN: RefCell<(Process, Arc<Parker>)> = RefCell::default();
}

impl Parker {
    pub(crate) fn new() -> Self {
        Parker { token: Mutex::new(Token::default()), bell: Condvar::new() }
    }

    /// This thread's parker; a fresh one while the thread is being taken down
    /// and has no thread-locals any more.
    pub(crate) fn current() -> Arc<Parker> {
        let own = OWN.try_with(|own| {
            let (process, parker) = &mut *own.borrow_mut();
            if !process.is_current() {
                // Whoever was about to unpark it may hold its lock for ever.
                (*process, *parker) = Default::default();
            }
            Arc::clone(parker)
        });
        own.unwrap_or_default()
    }

    /// Blocks until there is a token, and takes it.
    pub(crate) fn park(&self) {
        let mut token = self.token.lock();
        while !token.there && !is_early() {
            token.waits = true;
            token = self.bell.wait(token);
        }
        token.take();
    }

    /// Like `park`, but no longer than until `deadline`. Was there a token?
    pub(crate) fn park_until(&self, deadline: Instant) -> bool {
        let mut token = self.token.lock();
        while !token.there && !is_early() && Instant::now() < deadline {
            token.waits = true;
            token = self.bell.wait_until(token, deadline);
        }
        token.take()
    }

    /// `park`, or `park_until` if there is a deadline.
    pub(crate) fn park_maybe_until(&self, deadline: Option<Instant>) {
        match deadline {
            Some(deadline) => {
                self.park_until(deadline);
            }
            None => self.park(),
        }
    }

    pub(crate) fn unpark(&self) {
        self.put(self.token.lock());
    }

    /// Says where this thread is about to park.
    pub(crate) fn settle(&self) {
        self.token.lock().sleeper = Place::current();
    }

    /// Like `unpark`, for a caller that keeps its CPU busy: the woken thread
    /// runs on another, if it has settled before.
    pub(crate) fn unpark_elsewhere(&self) {
        let mut token = self.token.lock();
        if !token.there && token.moved.is_none() {
            token.moved = token.sleeper.as_ref().and_then(Place::keep_away);
        }
        self.put(token);
    }

    fn put(&self, mut token: MutexGuard<'_, Token>) {
        token.there = true;
        let waits = token.waits;
        drop(token);
        if waits {
            self.bell.notify_one();
        }
    }

    pub(crate) fn waker(self: &Arc<Self>) -> Waker {
        Waker::from(Arc::clone(self))
    }
}

impl Token {
    fn take(&mut self) -> bool {
        self.waits = false;
        // Gone from there: nobody is to move this thread before it settles anew.
        if let (Some(place), Some(moved)) = (self.sleeper.take(), self.moved.take()) {
            place.restore(&moved, &mut self.restricted);
        }
        mem::take(&mut self.there)
    }
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.unpark();
    }
}

#[cfg(all(test, not(any(chaos, loom, shuttle))))]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::sync::{AtomicUsize, Ordering, thread};

    #[test]
    fn a_deadline_ends_a_park_and_not_before() {
        let parker = Parker::new();
        for deadline in [Instant::now(), Instant::now() + Duration::from_millis(20)] {
            assert!(!parker.park_until(deadline), "there is no token");
            assert!(Instant::now() >= deadline);
        }
        parker.park_maybe_until(Some(Instant::now()));
    }

    #[test]
    fn a_token_is_there_for_one_park_however_often_it_was_put_there() {
        let parker = Arc::new(Parker::new());
        let far = Instant::now() + Duration::from_secs(3600);
        let waker = parker.waker();
        parker.unpark();
        parker.unpark_elsewhere();
        waker.wake_by_ref();
        assert!(parker.park_until(far));
        assert!(!parker.token.lock().there);
        waker.wake();
        parker.park();
        assert!(!parker.token.lock().there);
    }

    #[test]
    fn whoever_waits_is_woken() {
        let (parker, parked) = (Arc::new(Parker::new()), Arc::new(AtomicUsize::new(0)));
        let far = Instant::now() + Duration::from_secs(3600);
        let other = thread::spawn({
            let (parker, parked) = (Arc::clone(&parker), Arc::clone(&parked));
            move || {
                for deadline in [None, Some(far)] {
                    parker.settle();
                    parker.park_maybe_until(deadline);
                    parked.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        for round in 0..2 {
            while !parker.token.lock().waits {
                assert_eq!(parked.load(Ordering::Relaxed), round);
                thread::yield_now();
            }
            if round == 0 {
                parker.unpark()
            } else {
                parker.unpark_elsewhere()
            }
            while parked.load(Ordering::Relaxed) == round {
                thread::yield_now();
            }
        }
        other.join().unwrap();
    }

    #[test]
    #[cfg(all(target_os = "linux", not(miri)))]
    fn a_thread_is_moved_for_a_token_only_while_it_sleeps() {
        use rustix::thread::sched_getaffinity;
        let may_use = || sched_getaffinity(None).unwrap();
        let (all, parker) = (may_use(), Parker::new());
        parker.unpark_elsewhere();
        assert!(may_use() == all, "nobody has settled");
        parker.park();
        parker.settle();
        parker.unpark();
        parker.unpark_elsewhere();
        assert!(may_use() == all, "it is on its way");
        parker.park();
        for _ in 0..2 {
            parker.settle();
            // The waker runs here too, so this thread has to leave.
            parker.unpark_elsewhere();
            assert_eq!(may_use() == all, all.count() == 1, "it has settled");
            let kept_off = may_use();
            parker.unpark_elsewhere();
            assert!(may_use() == kept_off, "once");
            parker.park();
            assert!(may_use() == all, "and is back");
        }
    }
}
