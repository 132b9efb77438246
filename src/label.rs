//! What a task carries along beside its closure, and who may decide about it from
//! outside: its token, its clocks.

use std::{
    borrow::Cow,
    mem,
    time::{Duration, Instant},
};

use crate::{
    counters::Ledger,
    raw::Verdict,
    sync::{Arc, Mutex},
    timer::{Timer, TimerKey},
    token::{CancellationToken, ListenerKey},
};

/// Small, since every task has one: most have nothing but where they came in. What a
/// keeper is, its user knows.
pub(crate) struct Label<K: ?Sized> {
    extras: Option<Box<Extras<K>>>,
    /// The place it came in by.
    origin: Arc<Ledger>,
}

/// What was asked for with a `TaskBuilder`.
pub(crate) struct Extras<K: ?Sized> {
    pub(crate) name: Option<Cow<'static, str>>,
    pub(crate) token: Option<CancellationToken>,
    pub(crate) deadline: Option<Instant>,
    pub(crate) timeout: Option<Duration>,
    /// Who says when it may start, if it is in no queue of the pool's.
    pub(crate) keeper: Option<Arc<K>>,
    desk: Mutex<Desk>,
}

/// Decides about one task from outside of queue and handle. What it does is
/// contained.
pub(crate) trait Decider: Send + Sync {
    /// The task will not run, unless it was started.
    fn cancel(&self, verdict: Verdict);
    /// The running task's time is over, unless it is done.
    fn expire(&self);
}

/// Who waits for something to happen to a task that is not done.
#[derive(Default)]
struct Desk {
    /// It keeps the task's block alive, in which this is: taken out in the end, and
    /// then nobody is to come any more.
    decider: Option<Arc<dyn Decider>>,
    on_cancel: Option<ListenerKey>,
    clocks: Vec<(Timer, TimerKey)>,
}

impl<K: ?Sized> Label<K> {
    pub(crate) fn new(extras: Option<Box<Extras<K>>>, origin: &Arc<Ledger>) -> Self {
        Label { extras, origin: Arc::clone(origin) }
    }

    pub(crate) fn name(&self) -> Option<&Cow<'static, str>> {
        self.extras()?.name.as_ref()
    }

    pub(crate) fn token(&self) -> Option<&CancellationToken> {
        self.extras()?.token.as_ref()
    }

    pub(crate) fn extras(&self) -> Option<&Extras<K>> {
        self.extras.as_deref()
    }

    pub(crate) fn origin(&self) -> &Arc<Ledger> {
        &self.origin
    }

    /// Was this process forked off since the task came in? Then nobody here will
    /// run it, and nobody drops it either: it is the parent's.
    pub(crate) fn is_left_behind(&self) -> bool {
        !self.origin.process().is_current()
    }
}

impl<K: ?Sized> Default for Extras<K> {
    fn default() -> Self {
        Extras {
            name: None,
            token: None,
            deadline: None,
            timeout: None,
            keeper: None,
            desk: Mutex::default(),
        }
    }
}

impl<K: ?Sized> Extras<K> {
    /// Is anybody outside to decide about the task?
    pub(crate) fn is_watched(&self) -> bool {
        self.token.is_some() || self.deadline.is_some() || self.timeout.is_some()
    }

    /// A task with a time-out has a token of its own, that the time-out cancels.
    pub(crate) fn give_own_token(&mut self) {
        if self.timeout.is_some() {
            let given = self.token.as_ref();
            self.token = Some(given.map_or_else(Default::default, CancellationToken::child_token));
        }
    }

    /// Says who decides. Before the task is in a queue.
    pub(crate) fn appoint(&self, decider: Arc<dyn Decider>) {
        self.desk.lock().decider = Some(decider);
    }

    /// The task is in a queue: from now on the token and the deadline reach it
    /// there.
    pub(crate) fn watch(&self, timer: &Timer) {
        let mut desk = self.desk.lock();
        let Some(decider) = desk.decider.clone() else { return };
        if let Some(when) = self.deadline {
            let decider = Arc::clone(&decider);
            // Without a clock the queue finds out.
            let key = timer.at(when, move || decider.cancel(Verdict::Overdue));
            desk.clocks.extend(key.map(|key| (timer.clone(), key)));
        }
        if let Some(token) = &self.token {
            let told = Arc::clone(&decider);
            desk.on_cancel = token.listen(move || told.cancel(Verdict::Cancelled));
        }
        drop(desk);
        // It may have been cancelled before.
        if let Some(verdict) = self.forbids() {
            decider.cancel(verdict);
        }
    }

    /// Why the task is not to start, if it is not.
    pub(crate) fn forbids(&self) -> Option<Verdict> {
        if self.token.as_ref().is_some_and(CancellationToken::is_cancelled) {
            return Some(Verdict::Cancelled);
        }
        let is_over = |deadline| Instant::now() >= deadline;
        self.deadline.is_some_and(is_over).then_some(Verdict::Overdue)
    }

    /// The task starts, and may take so long. When that is over, if there is no
    /// clock to say so: the one who runs it is to look in the end.
    pub(crate) fn begin(&self, timer: &Timer) -> Option<Instant> {
        let end = Instant::now().checked_add(self.timeout?)?;
        let mut desk = self.desk.lock();
        let decider = desk.decider.clone()?;
        match timer.at(end, move || decider.expire()) {
            Some(key) => {
                desk.clocks.push((timer.clone(), key));
                None
            }
            None => Some(end),
        }
    }

    /// The running task's time is over.
    pub(crate) fn expire(&self) {
        let decider = self.desk.lock().decider.clone();
        decider.into_iter().for_each(|decider| decider.expire());
    }

    /// The task is about to be done: nobody is to decide about it any more.
    pub(crate) fn retire(&self) {
        if !self.is_watched() {
            return;
        }
        let desk = mem::take(&mut *self.desk.lock());
        if let (Some(token), Some(key)) = (&self.token, desk.on_cancel) {
            token.ignore(key);
        }
        for (timer, key) in desk.clocks {
            timer.cancel(key);
        }
    }
}
