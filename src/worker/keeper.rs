//! Keepers: who says when a task may start that is not in a queue of the pool's.

use std::task::Waker;

use super::Worker;
use crate::{label, sync::Arc};

/// What a task of this crate's pools carries along.
pub(crate) type Label = label::Label<dyn Keeper>;
pub(crate) type Extras = label::Extras<dyn Keeper>;

pub(crate) trait Keeper: Send + Sync {
    /// A worker waits for `task`, which has not started: runs it, or what comes
    /// before it. False: not now.
    fn help(self: Arc<Self>, worker: &Worker, task: &dyn Kept) -> bool;

    /// Might `help` do something now?
    fn may_help(&self) -> bool;

    /// From now on `waker` is woken when `help` might do something that it could not
    /// before.
    fn wake_to_help(&self, waker: &Waker);

    /// This thread is about to wait for a task that has not started, for as long as
    /// that takes.
    ///
    /// # Panics
    ///
    /// If that were for ever.
    fn check_wait(&self) {}
}

/// A task in the hands of a keeper.
pub(crate) trait Kept {
    /// Runs it here; false if it was started before.
    fn run(&self, worker: &Worker) -> bool;
    fn is_started(&self) -> bool;
    /// Is the time over for which this is waited for?
    fn is_late(&self) -> bool;
}
