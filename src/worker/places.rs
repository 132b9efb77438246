//! Coming and going: off duty, in the place of one that blocks, at the door, never to come.

use super::Worker;
use crate::{
    counters::Activity,
    parker::Parker,
    raw::{JobRef, Kind},
    registry::{Phase, Share},
    sleep::Place,
    sync::{MODELLED, spin_loop},
};

/// Tasks that were left which go to the entrance at most, others' there counted.
const MOST_SENT: usize = if MODELLED { 1 } else { 256 };

impl Worker {
    /// Is this thread to work, or will it never again?
    fn is_on_duty(&self) -> bool {
        self.registry.staff.is_on_duty(self.index) || self.registry.is_over()
    }

    /// Rests for as long as this worker is one too many. What it has queued is for
    /// others; its mail it still sees to.
    pub(super) fn be_off_duty(&self) {
        if self.registry.staff.is_on_duty(self.index) {
            return;
        }
        self.rest();
        self.leave_to_the_door();
        self.turn_to(Activity::Parked);
        let parker = Parker::current();
        while !self.is_on_duty() {
            self.registry.process.or_abort();
            while let Some(job) = self.registry.take_own_mail(self.index) {
                self.clear_place();
                self.turn_to(Activity::Busy);
                self.run_job(job);
                self.rest();
                self.leave_to_the_door();
            }
            // Whoever changes what is looked at here wakes who lies here.
            self.registry.sleep.lie_down(self.index, &parker);
            if !self.is_on_duty() && !self.registry.has_own_mail(self.index) {
                self.park(&parker);
            }
            self.turn_to(Activity::Parked);
        }
        self.registry.resume(self.index);
        self.turn_to(Activity::Busy);
    }

    /// As a stand-in, works like a member in the place of one that blocks, until
    /// that one is back or there is nothing to do.
    pub(crate) fn take_place(&self) {
        let staff = &self.registry.staff;
        let sees_work = || {
            self.registry.ask_all(self.index);
            self.registry.has_work()
        };
        while !self.leaves_surplus() {
            self.searching.set(self.registry.sleep.start_searching());
            self.turn_to(Activity::Searching);
            let mut found = self.look_around().or_else(|| self.linger());
            self.stop_searching();
            self.turn_to(Activity::Busy);
            let mut surplus = false;
            while let Some(job) = found {
                self.run_job(job);
                surplus = self.leaves_surplus();
                found = if surplus { None } else { self.next_job(Share::Half) };
            }
            self.rest();
            if surplus || staff.leave(sees_work) {
                break;
            }
        }
        self.leave_to_the_door();
        self.discard_if_given_up();
        self.turn_to(Activity::Parked);
        // Whoever called this thread for a task has called nobody else; and before it came, its
        // place may have been taken again.
        if self.registry.has_tasks() {
            self.registry.call_for_tasks();
        }
        self.registry.tell_if_over();
    }

    /// Leaves a place if there are too many; but not with tasks that nobody may be there to
    /// take any more.
    fn leaves_surplus(&self) -> bool {
        if !self.registry.staff.has_surplus() {
            return false;
        }
        // ORDERING(close): against a worker who sees that the pool ends, has a fence, and finds that
        // all is done: since a fence has followed each of these tasks into the deque, that of
        // `Sleep::posted`, either that one sees it accepted, or this one sees the end.
        let is_last = || self.has_queued() && self.registry.phase() >= Phase::Ending;
        if is_last() {
            return false;
        }
        self.leave_queued();
        if is_last() {
            return false;
        }
        self.registry.staff.leaves_surplus()
    }

    /// Before this thread comes for work no more. Tasks that it has queued are for
    /// others to steal. But whoever waits for a scope or a fork may be too deep in waits
    /// for that: so a scope's jobs become strays. Forks are run here, for which a wait takes no
    /// strays if it is too deep; and so are jobs from an isolated section.
    fn leave_queued(&self) {
        let is_stray = |job: &JobRef<Worker>| job.kind() == Kind::Scoped && !job.is_isolated();
        while self.has_queued() {
            let strays = self.deque.take_where(is_stray, || self.registry.post_jobs());
            self.registry.push_strays(strays);
            // One by one, so that others may have the next.
            let own = self.deque.pop_structured(|| self.registry.post_jobs());
            let Some(job) = own else { break };
            self.run_job(job);
            self.rest();
        }
    }

    /// The same, and what is left then is served at the door, if nobody has time for it.
    fn leave_to_the_door(&self) {
        self.leave_queued();
        if self.has_queued() {
            self.registry.leave_tasks(self.index);
        }
    }

    /// This guest goes, and leaves tasks here.
    #[cold]
    pub(crate) fn leave_as_guest(&self) {
        self.registry.leave_tasks(self.index);
        self.discard_if_given_up();
    }

    /// This thread has left tasks here, for others. With the last worker given up meanwhile, nobody
    /// may come for one that was held aside, or about to be pushed, when that looked.
    fn discard_if_given_up(&self) {
        // ORDERING(close): as in `JoinHandle::heed_end`.
        if self.has_queued() && self.registry.phase() == Phase::Discarding {
            while let Some(task) = self.deque.pop() {
                task.discard();
            }
        }
    }

    /// This thread comes where tasks may have been left, and may be long at something else. The
    /// keeper of the door, who takes the oldest job from there, could take what is forked now: so
    /// they go to the entrance.
    #[inline]
    pub(super) fn clear_place(&self) {
        // Without a keeper they stay: waits take tasks from here, and none from there.
        if self.registry.resume(self.index) && self.registry.staff.patience().is_some() {
            self.send_to_the_entrance();
        }
    }

    #[cold]
    fn send_to_the_entrance(&self) {
        // Beyond that they stay, to be stolen: who floods the pool by one guest after the other is
        // to find their deques full, and other errands are not to wait behind.
        if self.deque.len() + self.registry.injector.errands.everybodys_len() > MOST_SENT {
            return;
        }
        let left = self.deque.take_where(|_| true, || ());
        left.into_iter().for_each(|task| self.registry.send_errand(None, task));
        // ORDERING(close): as in `JoinHandle::heed_end`.
        if self.registry.phase() == Phase::Discarding {
            self.registry.discard();
        }
    }

    /// Instead of `run_thread`, for a worker whose thread will never run: sees to
    /// what was sent to it, and if the pool discards, to all that waits.
    pub(crate) fn stand_down(&self) {
        let registry = &self.registry;
        // ORDERING(close): against a guest who pushes, has a fence, and looks whether the pool
        // discards: who has given up the last worker, and said so, had one since, in
        // `Staff::change_active`. So either the guest sees that, or what was pushed is seen here.
        let all = registry.phase() == Phase::Discarding;
        let places = [Place::Deque, Place::Side, Place::Lane];
        let waits = || {
            registry.has_mail(self.index)
                || all
                    && (places.iter().any(|&at| registry.has_work_at(at))
                        || !registry.injector.is_unused())
        };
        while waits() {
            let sent = registry.take_mail(self.index);
            match sent.or_else(|| if all { self.next_job(Share::Half) } else { None }) {
                Some(job) => {
                    self.turn_to(Activity::Busy);
                    self.run_job(job);
                }
                None => {
                    self.turn_to(Activity::Parked);
                    // Somebody may have been about to put one in; and futures at rest and tasks of
                    // keys lie in no queue.
                    if all {
                        registry.discard();
                    }
                    spin_loop();
                }
            }
        }
        self.turn_to(Activity::Busy);
        self.rest();
        self.leave_to_the_door();
        self.discard_if_given_up();
        // ORDERING(close): as in `JoinHandle::heed_end`. Tasks of keys and futures that came since.
        if registry.phase() == Phase::Discarding {
            registry.discard();
        }
        self.turn_to(Activity::Parked);
        registry.sleep.wake_all();
    }

    /// Serves the entrance as the stand-in: runs a task, and what it spawns
    /// here. False: there was none.
    pub(crate) fn run_one_task(&self) -> bool {
        self.run_at_door(self.next_task())
    }

    /// The same for a task whose thread has gone.
    pub(crate) fn run_one_left(&self) {
        self.run_at_door(self.task_left_behind());
    }

    fn run_at_door(&self, task: Option<JobRef<Worker>>) -> bool {
        let some = task.is_some();
        if let Some(task) = task {
            self.turn_to(Activity::Busy);
            self.run_job(task);
            self.turn_to(Activity::Parked);
        }
        self.rest();
        self.registry.tell_if_over();
        some
    }
}
