//! How a thread steps aside while it blocks, so that others work in its place.

use super::{Worker, wait::each_worker};
use crate::{counters::Activity, detector::Doing};

/// Runs `f`, which may block. Meanwhile this thread's place is open, in every pool
/// it works for.
pub(crate) fn blocking<R>(f: impl FnOnce() -> R) -> R {
    /// Also in an unwind. In the child of a fork the thread is no worker any more.
    struct Aside;
    impl Drop for Aside {
        fn drop(&mut self) {
            each_worker(&mut Worker::come_back);
        }
    }
    each_worker(&mut Worker::step_aside);
    let _aside = Aside;
    f()
}

impl Worker {
    pub(super) fn step_aside(&self) {
        self.begins(|| Doing::Block);
        // As before any wait.
        self.rest();
        self.publish();
        // What is forked in there goes public, all of it.
        self.start();
        self.sections.set(self.sections.get() + 1);
        if self.sections.get() == 1 {
            self.turn_to(Activity::Blocked);
            self.open_place();
        }
    }

    fn open_place(&self) {
        self.registry.staff.step_aside(self.index);
        self.registry.serve_open_places(self.index);
    }

    pub(super) fn come_back(&self) {
        self.sections.set(self.sections.get() - 1);
        if self.sections.get() == 0 {
            self.registry.staff.come_back(self.index);
            self.turn_to(Activity::Busy);
        }
        self.ended();
    }

    /// Opens the place for a sleep in a wait, to `end_nap_aside`. It is a sleep and no section: in
    /// one, the place is open already.
    pub(super) fn nap_aside(&self) {
        if !self.is_aside() {
            self.naps_aside.set(true);
            self.open_place();
        }
    }

    /// Asked of each worker that this thread is, of which perhaps one had tasks and opened its
    /// place.
    pub(super) fn end_nap_aside(&self) {
        if self.naps_aside.take() {
            self.registry.staff.come_back(self.index);
        }
    }

    /// Is this thread in a blocking section?
    pub(super) fn is_aside(&self) -> bool {
        self.sections.get() > 0
    }

    /// Turns to `activity` in a wait; but a blocking section is one to its end.
    pub(super) fn turn_in_wait(&self, activity: Activity) {
        if !self.is_aside() {
            self.turn_to(activity);
        }
    }
}
