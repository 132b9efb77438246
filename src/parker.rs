//! `Parker`: how one thread sleeps and is woken.
//!
//! It holds a token. To unpark is to put the token there; to park is to wait
//! for it and take it. A token may be there from before, so whoever parks does
//! so in a loop around what it waits for.

use std::{
    cell::RefCell,
    task::{Wake, Waker},
    time::Instant,
};

use crate::{
    affinity::{Moved, Place},
    process::Process,
    sync::{Arc, Condvar, Mutex, MutexGuard, thread_local},
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
        while !token.there {
            token.waits = true;
            token = self.bell.wait(token);
        }
        token.take();
    }

    /// Like `park`, but no longer than until `deadline`.
    pub(crate) fn park_until(&self, deadline: Instant) {
        let mut token = self.token.lock();
        while !token.there && Instant::now() < deadline {
            token.waits = true;
            token = self.bell.wait_until(token, deadline);
        }
        token.take();
    }

    /// `park`, or `park_until` if there is a deadline.
    pub(crate) fn park_maybe_until(&self, deadline: Option<Instant>) {
        match deadline {
            Some(deadline) => self.park_until(deadline),
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
    fn take(&mut self) {
        self.there = false;
        self.waits = false;
        // Gone from there: nobody is to move this thread before it settles anew.
        if let (Some(place), Some(moved)) = (self.sleeper.take(), self.moved.take()) {
            place.restore(&moved);
        }
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
