//! A worker's own jobs: private ones in front of public ones.
//!
//! Everything public is older than everything private. So popping private jobs
//! first and public ones after is last in, first out; and a thief, who sees
//! the public end only, gets the oldest and largest job there is.
//!
//! In an isolated section only what was pushed since it began may be popped.
//! Thieves take the oldest first, so it is enough to count: while more was pushed
//! here since than was popped, the newest is none from before; if thieves have
//! taken some of those, they have taken all that was there before.

use std::cell::{Cell, RefCell};

use crate::{
    haul::Haul,
    raw::{ForkRef, ForkStack, JobId, JobRef, Kind},
    sign::{Holds, Sign},
    sync::{Arc, MODELLED, deque},
};

pub(crate) struct Deque<C: 'static> {
    private: ForkStack<C>,
    public: deque::Deque<JobRef<C>>,
    sign: Arc<Sign>,
    haul: Haul,
    /// The slot whose thread owns this.
    owner: usize,
    /// Jobs pushed less jobs popped by the owner. What thieves take or bring in does
    /// not change it.
    height: Cell<isize>,
    /// The height at which the innermost section began that this thread is in.
    begun: Cell<isize>,
    /// The same of those around it.
    outer: RefCell<Vec<isize>>,
    /// May there be more than tasks? Only the owner pushes, so it would know.
    structured: Cell<bool>,
}

/// Where a section would have begun that everything is in: there is none.
const LONG_AGO: isize = isize::MIN / 2;

/// What a deque is without a thread to own it: small, since most seats for
/// stand-ins are never taken.
pub(crate) struct Seat<C: 'static> {
    public: deque::Deque<JobRef<C>>,
    sign: Arc<Sign>,
    owner: usize,
}

/// A deque as thieves see it.
pub(crate) struct Loot<C: 'static> {
    pub(crate) stealer: deque::Stealer<JobRef<C>>,
    sign: Arc<Sign>,
}

impl<C> Loot<C> {
    /// May there be so much to take?
    pub(crate) fn may_hold(&self, what: Holds) -> bool {
        self.sign.says(what)
    }

    /// Runs `take`, which takes many; none if some may be from a section.
    pub(crate) fn batch<R>(&self, take: impl FnOnce() -> R) -> Option<R> {
        self.sign.batch(take)
    }

    /// Is there, now?
    pub(crate) fn holds(&self, what: Holds) -> bool {
        self.may_hold(what) && !self.stealer.is_empty()
    }
}

impl<C> Seat<C> {
    pub(crate) fn new(owner: usize) -> Self {
        Seat { owner, public: deque::Deque::new_lifo(), sign: Arc::new(Sign::new()) }
    }

    pub(crate) fn loot(&self) -> Loot<C> {
        Loot { stealer: self.public.stealer(), sign: Arc::clone(&self.sign) }
    }

    pub(crate) fn index(&self) -> usize {
        self.owner
    }
}

/// To be called before a pool has threads. What deques share in a process is made at the first
/// steal of all: a fork(2) in the middle of that would leave it half made in the child, where a
/// new pool would wait for it for ever.
pub(crate) fn prepare() {
    if !MODELLED {
        let _ = deque::Deque::<()>::new_lifo().stealer().steal();
    }
}

impl<C> Deque<C> {
    pub(crate) fn new(owner: usize) -> Self {
        Deque::of(Seat::new(owner))
    }

    /// The deque of a seat that nobody has.
    pub(crate) fn of(seat: Seat<C>) -> Self {
        Deque {
            private: ForkStack::new(),
            public: seat.public,
            sign: seat.sign,
            haul: Haul::default(),
            owner: seat.owner,
            height: Cell::new(0),
            begun: Cell::new(LONG_AGO),
            outer: RefCell::default(),
            structured: Cell::new(true),
        }
    }

    /// Back to a seat that nobody has; what is public stays in it.
    pub(crate) fn into_seat(self) -> Seat<C> {
        debug_assert!(self.private.is_empty(), "nobody leaves forks behind");
        debug_assert!(!self.in_section(), "nobody leaves inside a section");
        Seat { owner: self.owner, public: self.public, sign: self.sign }
    }

    pub(crate) fn loot(&self) -> Loot<C> {
        Loot { stealer: self.public.stealer(), sign: Arc::clone(&self.sign) }
    }

    /// What came of the last steal of many.
    pub(crate) fn haul(&self) -> &Haul {
        &self.haul
    }

    /// For stealing jobs into.
    pub(crate) fn public(&self) -> &deque::Deque<JobRef<C>> {
        self.sign.raise(Holds::Jobs);
        self.structured.set(true);
        &self.public
    }

    /// Keeps `fork` private.
    #[inline(always)]
    pub(crate) fn push_private(&self, fork: ForkRef<C>) {
        self.private.push(fork);
    }

    /// Publishes what is private, the oldest first. True: there was something.
    #[must_use = "what went public is to be posted"]
    pub(crate) fn publish(&self) -> bool {
        let some = !self.private.is_empty();
        self.private.drain(self.owner, |job| self.push_public(job));
        some
    }

    /// Pushes a job for everybody to see, behind all that is private.
    pub(crate) fn push(&self, job: JobRef<C>) {
        let _ = self.publish();
        self.sign.raise(Holds::Jobs);
        self.push_public(job);
    }

    /// The newest job, unless it is from before the section. Whoever runs a queued
    /// job has published the rest.
    pub(crate) fn pop(&self) -> Option<JobRef<C>> {
        debug_assert!(self.private.is_empty(), "publish comes before pop");
        if self.within() == 0 {
            return None;
        }
        let job = self.public.pop();
        match job {
            Some(_) => self.height.set(self.height.get() - 1),
            None => self.sign.take_in(),
        }
        job
    }

    /// From now on only newer jobs are popped; what was forked before is public.
    pub(crate) fn enter_section(&self) {
        debug_assert!(self.private.is_empty(), "publish comes before a section");
        let outer = self.begun.replace(self.height.get());
        self.outer.borrow_mut().push(outer);
    }

    pub(crate) fn leave_section(&self) {
        if let Some(outer) = self.outer.borrow_mut().pop() {
            self.begun.set(outer);
        }
    }

    pub(crate) fn in_section(&self) -> bool {
        self.begun.get() != LONG_AGO
    }

    /// The sections that this thread is in, one inside another.
    pub(crate) fn sections(&self) -> usize {
        self.outer.borrow().len()
    }

    /// As many jobs as there may be at most that may be popped.
    fn within(&self) -> usize {
        (self.height.get() - self.begun.get()).max(0) as usize
    }

    fn push_public(&self, job: JobRef<C>) {
        let job = if self.in_section() { job.isolate() } else { job };
        if job.is_isolated() {
            self.sign.warn_of_sections();
        }
        if job.kind() != Kind::Task {
            self.structured.set(true);
        }
        self.height.set(self.height.get() + 1);
        self.sign.raise(Holds::Forks);
        self.public.push(job);
    }

    /// The newest job that is no task; newer tasks stay, and are to be posted
    /// again if they were moved. A search of all that finds none is not made again before there
    /// may be one: a thread that waits looks often, and tasks may be many.
    pub(crate) fn pop_structured(&self, post: impl FnOnce()) -> Option<JobRef<C>> {
        if !self.structured.get() && self.private.is_empty() {
            return None;
        }
        let most = self.within();
        let mut tasks = 0;
        let is_wanted = |job: &JobRef<C>| {
            let is_task = job.kind() == Kind::Task;
            tasks += usize::from(is_task);
            !is_task
        };
        let found = self.pop_where(most, is_wanted, post);
        if found.is_none() && tasks < most {
            self.structured.set(false);
        }
        found
    }

    /// The newest job, if it is a scope's; else it is to be posted again.
    pub(crate) fn pop_scoped(&self, post: impl FnOnce()) -> Option<JobRef<C>> {
        self.pop_where(self.within().min(1), |job| job.kind() == Kind::Scoped, post)
    }

    /// All jobs that are `wanted`, the oldest first; others stay, and are to be posted
    /// again if they were moved.
    pub(crate) fn take_where(
        &self,
        wanted: impl Fn(&JobRef<C>) -> bool,
        post: impl FnOnce(),
    ) -> Vec<JobRef<C>> {
        debug_assert!(self.private.is_empty() && !self.in_section(), "at the end of a job");
        let queued: Vec<_> = std::iter::from_fn(|| self.public.pop()).collect();
        let (taken, others): (Vec<_>, Vec<_>) = queued.into_iter().rev().partition(wanted);
        self.height.set(self.height.get() - taken.len() as isize);
        let moved = !others.is_empty();
        others.into_iter().for_each(|job| self.public.push(job));
        if moved {
            post();
        }
        taken
    }

    /// `id`, if it is the newest and private.
    #[inline(always)]
    pub(crate) fn take_back(&self, id: JobId) -> Option<ForkRef<C>> {
        self.private.pop_if(id)
    }

    /// `id`, if it is still here; newer jobs stay, and are to be posted again
    /// if they were moved.
    pub(crate) fn reclaim(&self, id: JobId, post: impl FnOnce()) -> Option<JobRef<C>> {
        self.pop_where(usize::MAX, |job| job.id() == id, post)
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.public.len()
    }

    /// The newest of `most` jobs that `wanted` wants. Those above it are put aside
    /// meanwhile and then back, in their order: a sleeper may have looked in
    /// between, so `post` is called.
    fn pop_where(
        &self,
        most: usize,
        mut wanted: impl FnMut(&JobRef<C>) -> bool,
        post: impl FnOnce(),
    ) -> Option<JobRef<C>> {
        let published = self.publish();
        let mut aside = Vec::new();
        let found = loop {
            if aside.len() == most {
                break None;
            }
            match self.public.pop() {
                Some(job) if wanted(&job) => break Some(job),
                Some(job) => aside.push(job),
                None => break None,
            }
        };
        self.height.set(self.height.get() - isize::from(found.is_some()));
        let moved = published || !aside.is_empty();
        while let Some(job) = aside.pop() {
            self.public.push(job);
        }
        if moved {
            post();
        }
        found
    }
}
