//! Which process is this?
//!
//! A fork(2) copies everything but the other threads. In the child, a pool from
//! before has nobody left to work, and the locks that its threads held are never
//! unlocked. So whatever waits, or locks, remembers the process it was made in.

use std::process;
#[cfg(unix)]
use std::{
    fs::File,
    io::{self, Write},
    os::fd::AsFd,
};

#[cfg(not(any(loom, shuttle)))]
use crate::sync::{AtomicU32, Ordering};

/// What `ThreadPool`'s methods panic with in the child of a fork.
pub(crate) const LEFT_BEHIND: &str =
    "this ThreadPool was made before a fork(2): its threads are in the parent process only";

/// Forks that lie between the first process and this one.
// Loom has no forks, and its atomics cannot be in statics.
#[cfg(not(any(loom, shuttle)))]
static FORKS: AtomicU32 = AtomicU32::new(0);

/// A process, among those that come from one another by fork.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process(u32);

impl Process {
    #[inline]
    pub(crate) fn current() -> Self {
        #[cfg(any(loom, shuttle))]
        return Process(0);
        // ORDERING(process): changes only while this is the only thread.
        #[cfg(not(any(loom, shuttle)))]
        Process(FORKS.load(Ordering::Relaxed))
    }

    #[inline]
    pub(crate) fn is_current(self) -> bool {
        self == Process::current()
    }

    /// Goes no further in a child: what comes next would touch, or wait for,
    /// threads that are in the parent only.
    #[inline]
    pub(crate) fn or_abort(self) {
        if !self.is_current() {
            abort(COME_BACK);
        }
    }
}

const COME_BACK: &str = "heist: a fork(2) was called inside a thread pool, and its child came \
    back to the pool, whose other threads are in the parent process only; aborting\n";

/// To be called in the child of every fork.
pub(crate) fn forked() {
    // ORDERING(process): this is the only thread.
    #[cfg(not(any(loom, shuttle)))]
    FORKS.fetch_add(1, Ordering::Relaxed);
}

/// Says `why`, a line, and aborts. In a child std's lock on the standard error may be held for
/// ever, so it is written to without that, if there is a descriptor to be had.
#[cold]
pub(crate) fn abort(why: &str) -> ! {
    #[cfg(unix)]
    if let Ok(own) = io::stderr().as_fd().try_clone_to_owned() {
        let _ = File::from(own).write_all(why.as_bytes());
        process::abort()
    }
    if Process::current() == Process(0) {
        eprint!("{why}");
    }
    process::abort()
}

impl Default for Process {
    fn default() -> Self {
        Process::current()
    }
}
