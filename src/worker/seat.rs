//! Whose thread a worker is, and for how long.

use super::{Worker, section::in_section};
use crate::headroom::Headroom;

/// How much of its stack a guest uses for jobs deep in waits, in bytes: nobody knows how
/// much it has, but most threads have 2 MiB or more.
const GUEST_STACK: usize = 512 << 10;

impl Worker {
    /// The worker of a thread that has just begun.
    pub(crate) fn settle(&self, headroom: Headroom) {
        self.headroom.set(headroom);
    }

    /// The worker of a caller's thread, for as long as that is in this call.
    pub(crate) fn settle_in_caller(&self) {
        let of = |outer: Option<&Worker>| outer.map(|worker| worker.headroom.get());
        self.settle(Worker::current(of).unwrap_or_else(|| Headroom::next(GUEST_STACK)));
    }

    /// A caller takes this seat.
    pub(crate) fn sit_down(&self) {
        self.registry.use_slot(self.index);
        self.settle_in_caller();
        self.start();
        self.clear_place();
        if in_section() {
            self.deque.enter_section();
        }
    }

    /// And leaves it.
    pub(crate) fn stand_up(&self) {
        self.deque.leave_section();
    }
}
