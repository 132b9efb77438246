//! Finds threads that have stalled: that wait, or have a task in hand, for too long.
//!
//! A thread writes down what it begins, one thing on top of the other, and takes it
//! off when it is over. One clock a thread, set while there is something to find, has
//! the timer look at what is there: what is old enough is told, once, and the clock
//! set for what may become so next. So a short task costs two locks that nobody else
//! wants, and an idle thread nothing.

use std::time::{Duration, Instant};

use crate::{
    config::Handlers,
    process::Process,
    stall::{Name, Stall, StallCause, StallHandler, StalledThread},
    sync::{Arc, Mutex},
    timer::{Timer, TimerKey},
    unwind,
};

/// What a pool has if it was asked to look.
pub(crate) struct Detector {
    after: Duration,
    handler: StallHandler,
    /// Who hears of the handler's panics.
    handlers: Arc<Handlers>,
    timer: Timer,
    /// Where the timer is. In the child of a fork a lock may be locked for ever.
    process: Process,
}

/// What one thread is at.
pub(crate) struct Post {
    detector: Arc<Detector>,
    thread: StalledThread,
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    /// The innermost last.
    entries: Vec<Entry>,
    clock: Option<TimerKey>,
}

struct Entry {
    doing: Doing,
    /// The task in which a wait began.
    within: Name,
    /// When it began; or went on, after what was on top of it.
    since: Instant,
    told: bool,
}

/// What a thread begins.
pub(crate) enum Doing {
    /// A task, or a poll of a future; of that name.
    Run(Name),
    Wait(StallCause),
    /// A blocking section: the pool knows.
    Block,
    /// Other jobs, in the middle of a task that lets them.
    Yield,
}

impl Detector {
    pub(crate) fn new(
        (after, handler): (Duration, StallHandler),
        handlers: &Arc<Handlers>,
        timer: &Timer,
    ) -> Arc<Self> {
        Arc::new(Detector {
            after,
            handler,
            handlers: Arc::clone(handlers),
            timer: timer.clone(),
            process: Process::current(),
        })
    }

    pub(crate) fn post(self: &Arc<Self>, thread: StalledThread) -> Arc<Post> {
        Arc::new(Post { detector: Arc::clone(self), thread, book: Mutex::default() })
    }

    fn tell(&self, stall: &Stall) {
        if let Err(payload) = unwind::catch(|| (self.handler)(stall)) {
            self.handlers.panicked(payload);
        }
    }
}

impl Post {
    /// The thread begins something.
    pub(crate) fn begin(self: &Arc<Self>, doing: Doing) {
        if !self.detector.process.is_current() {
            return;
        }
        let now = Instant::now();
        let mut book = self.book.lock();
        let within = if let Doing::Wait(_) = doing { book.task() } else { None };
        book.entries.push(Entry { doing, within, since: now, told: false });
        // Nothing below is due earlier: else the clock is set.
        self.set_clock(&mut book, now);
    }

    /// What it began last is over.
    pub(crate) fn end(self: &Arc<Self>) {
        if !self.detector.process.is_current() {
            return;
        }
        let mut book = self.book.lock();
        book.entries.pop();
        if let Some(Entry { doing: Doing::Run(_), since, told: false, .. }) =
            book.entries.last_mut()
        {
            let now = Instant::now();
            *since = now;
            self.set_clock(&mut book, now);
        }
    }

    /// The timer's thread looks after the time that something may take, from `start`.
    fn set_clock(self: &Arc<Self>, book: &mut Book, start: Instant) {
        if book.clock.is_some() {
            return;
        }
        let Some(due) = start.checked_add(self.detector.after) else { return };
        let post = Arc::downgrade(self);
        book.clock = self.detector.timer.at(due, move || {
            if let Some(post) = post.upgrade() {
                post.look();
            }
        });
    }

    /// On the timer's thread.
    fn look(self: &Arc<Self>) {
        let mut book = self.book.lock();
        book.clock = None;
        let now = Instant::now();
        let (mut stalls, mut next) = (Vec::new(), None);
        let innermost = book.entries.len().saturating_sub(1);
        for (at, entry) in book.entries.iter_mut().enumerate() {
            let Some((task, cause)) = entry.may_stall(at == innermost) else { continue };
            let elapsed = now.saturating_duration_since(entry.since);
            if elapsed >= self.detector.after {
                stalls.push(Stall { task, thread: self.thread, cause, elapsed });
                entry.told = true;
            } else {
                next = next.into_iter().chain([entry.since]).min();
            }
        }
        if let Some(start) = next {
            self.set_clock(&mut book, start);
        }
        drop(book);
        stalls.iter().for_each(|stall| self.detector.tell(stall));
    }
}

impl Drop for Post {
    fn drop(&mut self) {
        if !self.detector.process.is_current() {
            return;
        }
        let clock = self.book.lock().clock.take();
        clock.map(|clock| self.detector.timer.cancel(clock));
    }
}

impl Book {
    /// The task that begins what comes next, if the thread runs one.
    fn task(&self) -> Name {
        let is_section = |entry: &&Entry| matches!(entry.doing, Doing::Block);
        let below = self.entries.iter().rev().find(|entry| !is_section(entry))?;
        match &below.doing {
            Doing::Run(name) => name.clone(),
            _ => None,
        }
    }
}

impl Entry {
    /// Which task would be told of, and why; none if it was, or there is nothing to
    /// tell: a task does not answer for what runs on top of it.
    fn may_stall(&self, is_innermost: bool) -> Option<(Name, StallCause)> {
        match &self.doing {
            _ if self.told => None,
            Doing::Run(name) => is_innermost.then(|| (name.clone(), StallCause::Running)),
            Doing::Wait(cause) => Some((self.within.clone(), cause.clone())),
            Doing::Block | Doing::Yield => None,
        }
    }
}
