//! `yield_now`: other jobs first.

use super::{Role, Worker, search::Trail, wait::each_worker};
use crate::{detector::Doing, registry::Share};

impl Worker {
    /// Runs one waiting job. False: there was none, or too many that yield are
    /// stacked on this thread.
    pub(crate) fn yield_now(&self) -> bool {
        each_worker(&mut Worker::publish);
        if !self.may_yield() {
            return false;
        }
        let next = || match self.role {
            _ if self.in_section() => self.deque.pop().or_else(|| self.help(Trail::default())),
            Role::Guest => {
                let trail = Trail { has_room: self.has_room(), ..Trail::default() };
                self.deque.pop().or_else(|| self.help(trail))
            }
            // One job, since this thread goes back to what it did.
            Role::Member | Role::StandIn => self.next_job(Share::One),
        };
        self.begins(|| Doing::Yield);
        let ran = std::iter::from_fn(next).any(|job| self.nested(|worker| worker.run_job(job)));
        self.ended();
        self.rest();
        ran
    }
}
