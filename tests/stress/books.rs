//! Who keeps the books finds every loss: what each task of a round came to.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use crate::watchdog::die;

/// The tasks of one round, by number.
pub(crate) struct Books {
    entries: Box<[Entry]>,
    issued: AtomicUsize,
    /// Set before the pool is closed, or ended.
    closed: AtomicBool,
    /// Set before the pool drops what has not started.
    discarding: AtomicBool,
    /// Tasks that somebody tried to spawn, and got an answer.
    pub(crate) tried: AtomicUsize,
    /// Closures that came back, and handles of closed pools.
    pub(crate) refused: AtomicUsize,
    pub(crate) cancelled: AtomicUsize,
    /// Refused, or dropped at once by `shutdown_now`: its handle cannot tell.
    unsure: AtomicUsize,
    /// Tasks that panicked, and panics that reached somebody.
    pub(crate) threw: AtomicUsize,
    pub(crate) caught: AtomicUsize,
}

#[derive(Default)]
struct Entry {
    ran: AtomicBool,
    dropped: AtomicBool,
    /// Accepted, and nobody has cancelled it.
    due: AtomicBool,
}

/// What a task captures. On the heap, so that a sanitizer sees a second drop.
pub(crate) struct Ticket {
    number: Box<usize>,
    pub(crate) books: Arc<Books>,
}

pub(crate) fn add(count: &AtomicUsize) {
    count.fetch_add(1, SeqCst);
}

impl Books {
    /// Books for at most `tasks`.
    pub(crate) fn of(tasks: usize) -> Arc<Books> {
        let zero = AtomicUsize::default;
        Arc::new(Books {
            entries: (0..tasks).map(|_| Entry::default()).collect(),
            issued: zero(),
            closed: AtomicBool::new(false),
            discarding: AtomicBool::new(false),
            tried: zero(),
            refused: zero(),
            cancelled: zero(),
            unsure: zero(),
            threw: zero(),
            caught: zero(),
        })
    }

    pub(crate) fn issue(self: &Arc<Books>) -> Ticket {
        let number = self.issued.fetch_add(1, SeqCst);
        Ticket { number: Box::new(number), books: self.clone() }
    }

    /// The pool has accepted it, and owes its run.
    pub(crate) fn is_due(&self, number: usize) {
        self.entries[number].due.store(true, SeqCst);
    }

    /// It is not to run any more.
    pub(crate) fn is_cancelled(&self, number: usize) {
        self.entries[number].due.store(false, SeqCst);
        add(&self.cancelled);
    }

    pub(crate) fn close(&self) {
        self.closed.store(true, SeqCst);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(SeqCst)
    }

    pub(crate) fn discard(&self) {
        self.discarding.store(true, SeqCst);
    }

    /// The pool refused a task and gave no closure back.
    pub(crate) fn is_refused(&self) {
        add(if self.discarding.load(SeqCst) { &self.unsure } else { &self.refused });
    }

    /// How many tasks `shutdown_now` may have dropped.
    pub(crate) fn discarded(&self) -> RangeInclusive<usize> {
        let owed = self.owed();
        owed..=owed + self.unsure.load(SeqCst)
    }

    /// Has somebody a right to see this task cancelled?
    pub(crate) fn may_be_unrun(&self, number: usize) -> bool {
        self.discarding.load(SeqCst) || !self.entries[number].due.load(SeqCst)
    }

    pub(crate) fn has_run(&self, number: usize) -> bool {
        self.entries[number].ran.load(SeqCst)
    }

    pub(crate) fn issued(&self) -> usize {
        self.issued.load(SeqCst)
    }

    pub(crate) fn ran(&self) -> usize {
        self.entries.iter().filter(|entry| entry.ran.load(SeqCst)).count()
    }

    /// What was accepted, not cancelled, and has not run.
    pub(crate) fn owed(&self) -> usize {
        let owed = |entry: &&Entry| entry.due.load(SeqCst) && !entry.ran.load(SeqCst);
        self.entries.iter().filter(owed).count()
    }

    /// Is everything dropped that tasks captured?
    pub(crate) fn all_dropped(&self) -> bool {
        let issued = &self.entries[..self.issued()];
        issued.iter().all(|entry| entry.dropped.load(SeqCst))
    }
}

impl Ticket {
    pub(crate) fn number(&self) -> usize {
        *self.number
    }

    pub(crate) fn run(&self) -> usize {
        let number = self.number();
        let twice = self.books.entries[number].ran.swap(true, SeqCst);
        assert!(!twice, "task {number} ran twice");
        number
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let twice = self.books.entries[self.number()].dropped.swap(true, SeqCst);
        if twice {
            // A panic in here might reach nobody.
            die(format_args!("task {} was dropped twice", self.number()));
        }
    }
}
