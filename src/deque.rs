//! A worker's own jobs: private ones in front of public ones.
//!
//! Everything public is older than everything private. So popping private jobs
//! first and public ones after is last in, first out; and a thief, who sees
//! the public end only, gets the oldest and largest job there is.

use crate::{
    raw::{ForkRef, ForkStack, JobId, JobRef, Kind},
    sync::deque,
};

pub(crate) struct Deque<C: 'static> {
    private: ForkStack<C>,
    public: deque::Deque<JobRef<C>>,
    /// The slot whose thread owns this.
    owner: usize,
}

/// What a deque is without a thread to own it: small, since most seats for
/// stand-ins are never taken.
pub(crate) struct Seat<C: 'static> {
    public: deque::Deque<JobRef<C>>,
    owner: usize,
}

impl<C> Seat<C> {
    pub(crate) fn new(owner: usize) -> Self {
        Seat { owner, public: deque::Deque::new_lifo() }
    }

    pub(crate) fn stealer(&self) -> deque::Stealer<JobRef<C>> {
        self.public.stealer()
    }

    pub(crate) fn index(&self) -> usize {
        self.owner
    }
}

impl<C> Deque<C> {
    pub(crate) fn new(owner: usize) -> Self {
        Deque::of(Seat::new(owner))
    }

    /// The deque of a seat that nobody has.
    pub(crate) fn of(seat: Seat<C>) -> Self {
        Deque { private: ForkStack::new(), public: seat.public, owner: seat.owner }
    }

    /// Back to a seat that nobody has; what is public stays in it.
    pub(crate) fn into_seat(self) -> Seat<C> {
        debug_assert!(self.private.is_empty(), "nobody leaves forks behind");
        Seat { owner: self.owner, public: self.public }
    }

    pub(crate) fn stealer(&self) -> deque::Stealer<JobRef<C>> {
        self.public.stealer()
    }

    /// For stealing into.
    pub(crate) fn public(&self) -> &deque::Deque<JobRef<C>> {
        &self.public
    }

    /// Keeps `fork` private, and says how many are now. If more than
    /// `ForkStack::CAPACITY`, publish some before the next.
    #[inline(always)]
    pub(crate) fn push_private(&self, fork: ForkRef<C>) -> usize {
        self.private.push(fork)
    }

    /// Publishes the older half of what is private, the oldest first.
    pub(crate) fn publish_half(&self) {
        self.private.drain_half(self.owner, |older| self.public.push(older));
    }

    /// Publishes what is private, the oldest first. True: there was something.
    #[must_use = "what went public is to be posted"]
    pub(crate) fn publish(&self) -> bool {
        let some = !self.private.is_empty();
        self.private.drain(self.owner, |job| self.public.push(job));
        some
    }

    /// Pushes a job for everybody to see, behind all that is private.
    pub(crate) fn push(&self, job: JobRef<C>) {
        let _ = self.publish();
        self.public.push(job);
    }

    /// The newest job. Whoever runs a queued job has published the rest.
    pub(crate) fn pop(&self) -> Option<JobRef<C>> {
        debug_assert!(self.private.is_empty(), "publish comes before pop");
        self.public.pop()
    }

    /// The newest job that is no task; newer tasks stay, and are to be posted
    /// again if they were moved.
    pub(crate) fn pop_structured(&self, post: impl FnOnce()) -> Option<JobRef<C>> {
        self.pop_where(|job| job.kind() != Kind::Task, post)
    }

    /// `id`, if it is the newest and private.
    #[inline(always)]
    pub(crate) fn take_back(&self, id: JobId) -> Option<ForkRef<C>> {
        self.private.pop_if(id)
    }

    /// `id`, if it is still here; newer jobs stay, and are to be posted again
    /// if they were moved.
    pub(crate) fn reclaim(&self, id: JobId, post: impl FnOnce()) -> Option<JobRef<C>> {
        self.pop_where(|job| job.id() == id, post)
    }

    pub(crate) fn len(&self) -> usize {
        self.public.len()
    }

    /// The newest job that `wanted` wants. Those above it are put aside
    /// meanwhile and then back, in their order: a sleeper may have looked in
    /// between, so `post` is called.
    fn pop_where(
        &self,
        wanted: impl Fn(&JobRef<C>) -> bool,
        post: impl FnOnce(),
    ) -> Option<JobRef<C>> {
        let published = self.publish();
        let mut aside = Vec::new();
        let found = loop {
            match self.public.pop() {
                Some(job) if wanted(&job) => break Some(job),
                Some(job) => aside.push(job),
                None => break None,
            }
        };
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
