//! What a task or a future waits at until its step comes.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex};
use std::task::{Poll, Waker};

#[derive(Default)]
pub(crate) struct Gate {
    arrived: AtomicBool,
    inner: Mutex<(bool, Option<Waker>)>,
    opened: Condvar,
}

impl Gate {
    /// Somebody has come to it.
    pub(crate) fn is_reached(&self) -> bool {
        self.arrived.load(Ordering::SeqCst)
    }

    pub(crate) fn open(&self) {
        let mut inner = self.inner.lock().unwrap();
        inner.0 = true;
        self.opened.notify_all();
        let waker = inner.1.take();
        drop(inner);
        waker.into_iter().for_each(Waker::wake);
    }

    /// Blocks until it is open.
    pub(crate) fn pass(&self) {
        self.arrived.store(true, Ordering::SeqCst);
        let inner = self.inner.lock().unwrap();
        drop(self.opened.wait_while(inner, |inner| !inner.0).unwrap());
    }

    /// Is pending until it is open.
    pub(crate) async fn passed(&self) {
        let poll = poll_fn(|cx| {
            self.arrived.store(true, Ordering::SeqCst);
            let mut inner = self.inner.lock().unwrap();
            if inner.0 {
                return Poll::Ready(());
            }
            inner.1 = Some(cx.waker().clone());
            Poll::Pending
        });
        poll.await;
    }
}
