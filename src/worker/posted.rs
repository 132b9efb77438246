//! What a worker tells the detector, if its pool has one: a branch if not.

use super::{Role, TASK, Worker};
use crate::{
    detector::{Doing, Post},
    registry::Registry,
    stall::{Name, StalledThread},
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
