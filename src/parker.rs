//! `Parker`: how one thread sleeps and is woken.
//!
//! It holds a token. To unpark is to put the token there; to park is to wait
//! for it and take it. A token may be there from before, so whoever parks does
//! so in a loop around what it waits for.

use std::{
    task::{Wake, Waker},
    time::Instant,
};

use crate::sync::{Arc, Condvar, Mutex};

#[derive(Debug, Default)]
pub(crate) struct Parker {
    token: Mutex<bool>,
    bell: Condvar,
}

thread_local! {
    static OWN: Arc<Parker> = Arc::new(Parker::new());
}

impl Parker {
    pub(crate) fn new() -> Self {
        Parker { token: Mutex::new(false), bell: Condvar::new() }
    }

    /// This thread's parker; a fresh one while the thread is being taken down
    /// and has no thread-locals any more.
    pub(crate) fn current() -> Arc<Parker> {
        OWN.try_with(Arc::clone).unwrap_or_else(|_| Arc::new(Parker::new()))
    }

    /// Blocks until there is a token, and takes it.
    pub(crate) fn park(&self) {
        let mut token = self.token.lock();
        while !*token {
            token = self.bell.wait(token);
        }
        *token = false;
    }

    /// Like `park`, but no longer than until `deadline`.
    pub(crate) fn park_until(&self, deadline: Instant) {
        let mut token = self.token.lock();
        while !*token && Instant::now() < deadline {
            token = self.bell.wait_until(token, deadline);
        }
        *token = false;
    }

    /// `park`, or `park_until` if there is a deadline.
    pub(crate) fn park_maybe_until(&self, deadline: Option<Instant>) {
        match deadline {
            Some(deadline) => self.park_until(deadline),
            None => self.park(),
        }
    }

    pub(crate) fn unpark(&self) {
        *self.token.lock() = true;
        self.bell.notify_one();
    }

    pub(crate) fn waker(self: &Arc<Self>) -> Waker {
        Waker::from(Arc::clone(self))
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
