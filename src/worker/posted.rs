//! What a worker tells the detector, if its pool has one: a branch if not.

use super::{Role, TASK, Worker, wait::each_worker};
use crate::{
    detector::{Doing, Post},
    registry::Registry,
    stall::{Name, StallCause, StalledThread},
    sync::Arc,
};

/// The post of a thread in slot `index`.
pub(super) fn post(registry: &Registry<Worker>, index: usize, role: Role) -> Option<Arc<Post>> {
    let thread = match role {
        Role::Member => StalledThread::Worker(index),
        Role::StandIn => StalledThread::StandIn,
        Role::Guest => StalledThread::Guest,
    };
    registry.detector.as_ref().map(|detector| detector.post(thread))
}

impl Worker {
    /// Polls a future with `f`, which contains its panics. That is no task of this
    /// thread's, nor part of one that waits further up its stack.
    pub(crate) fn run_poll<R>(&self, name: impl FnOnce() -> Name, f: impl FnOnce() -> R) -> R {
        self.occupied(name, || TASK.with(|slot| slot.hide(f)))
    }

    /// Runs `f`, a task's closure or a poll.
    #[inline]
    pub(super) fn occupied<R>(&self, name: impl FnOnce() -> Name, f: impl FnOnce() -> R) -> R {
        self.begins(|| Doing::Run(name()));
        let result = f();
        self.ended();
        result
    }

    /// This thread begins something, on top of what it is at.
    #[inline]
    pub(super) fn begins(&self, doing: impl FnOnce() -> Doing) {
        if let Some(post) = &self.post {
            post.begin(doing());
        }
    }

    /// And what it began last is over.
    #[inline]
    pub(super) fn ended(&self) {
        if let Some(post) = &self.post {
            post.end();
        }
    }
}

/// A wait that the detector knows of, until this is dropped, also in an unwind.
pub(crate) struct Noted {
    /// That of a thread that is no worker, and waits for a pool with a detector.
    _outside: Option<Arc<Post>>,
}

impl Noted {
    pub(super) fn new(why: &dyn Fn() -> StallCause, home: Option<&Arc<Registry<Worker>>>) -> Self {
        each_worker(&mut |worker| worker.begins(|| Doing::Wait(why())));
        let is_worker = Worker::current(|worker| worker.is_some());
        Noted { _outside: if is_worker { None } else { post_outside(why, home) } }
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        each_worker(&mut Worker::ended);
    }
}

fn post_outside(
    why: &dyn Fn() -> StallCause,
    home: Option<&Arc<Registry<Worker>>>,
) -> Option<Arc<Post>> {
    let post = home?.detector.as_ref()?.post(StalledThread::Outside);
    post.begin(Doing::Wait(why()));
    Some(post)
}
