//! Who comes for work: those who sleep, then stand-ins.

use super::Registry;
use crate::{raw::JobRef, sleep::Place};

impl<C> Registry<C> {
    /// Call after making jobs public in a deque.
    pub(crate) fn post_jobs(&self) {
        // If nobody comes, their owner runs them.
        self.post(Place::Deque);
    }

    /// Call after pushing a stray.
    pub(super) fn post_stray(&self) {
        // If nobody comes, the first that is done does.
        self.post(Place::Stray);
    }

    fn post(&self, place: Place) {
        if !self.sleep.posted(place) {
            let _ = self.call_stand_in();
        }
    }

    /// Lets any thread of the pool take jobs, whoever waits for them.
    pub(crate) fn push_strays(&self, jobs: Vec<JobRef<C>>) {
        if jobs.is_empty() {
            return;
        }
        for job in jobs {
            self.strays.push(job);
            self.post_stray();
        }
        self.sleep.wake_all();
    }

    /// Would somebody who is not awake take forks?
    pub(crate) fn wants_forks(&self) -> bool {
        self.sleep.wants_forks() || self.staff.has_open()
    }

    /// Call after making forks public, and nothing else.
    pub(crate) fn post_forks(&self) {
        self.post(Place::Forks);
    }

    /// Slot `index` is short of work, and its thread is about to sleep.
    pub(crate) fn ask_all(&self, index: usize) {
        let places = (0..self.places()).filter_map(|place| self.at_place(place));
        places.filter(|&slot| slot != index).for_each(|slot| self.slot(slot).privacy().end());
    }

    /// Call after putting a task into a lane.
    pub(crate) fn post_task(&self) {
        if !self.sleep.posted(Place::Lane) {
            self.call_for_tasks();
        }
    }

    /// The thread of slot `index` goes, and leaves tasks behind: from now on they are as good as
    /// at the entrance.
    pub(crate) fn leave_tasks(&self, index: usize) {
        self.slot(index).leave();
        if !self.sleep.posted(Place::Deque) {
            self.call_for_tasks();
        }
    }

    /// Is there a task at the entrance, or one whose thread has gone?
    pub(crate) fn has_tasks(&self) -> bool {
        self.injector.has_tasks() || self.left_behind().next().is_some()
    }

    /// The thread of slot `index` is back, or another guest, and sees to what was left there.
    /// False: nothing was.
    #[inline]
    pub(crate) fn resume(&self, index: usize) -> bool {
        self.slot(index).resume()
    }

    /// Slots where tasks lie whose thread has gone.
    pub(crate) fn left_behind(&self) -> impl Iterator<Item = usize> {
        let slots = (0..self.places()).filter_map(|place| self.at_place(place));
        slots.filter(|&slot| self.slot(slot).has_left())
    }

    /// Lends a closure to the pool's own threads.
    pub(crate) fn lend(&self, job: JobRef<C>) {
        self.injector.push_side(job);
        // If nobody comes, the first that is done does.
        self.post(Place::Side);
    }

    /// The thread of slot `index`, which counted as searching, does so no more.
    pub(crate) fn stop_searching(&self, index: usize) {
        if !self.sleep.stop_searching(|place| self.has_work_at(place)) {
            self.call_for_work();
        }
        self.call_for_forks();
        if self.sleep.wants_forks() || self.staff.has_open() {
            // Nobody awake asks for those who sleep.
            self.ask_all(index);
        }
    }

    /// A place may be open now, whose thread was in slot `index`: sees that work
    /// which waits is found.
    pub(crate) fn serve_open_places(&self, index: usize) {
        if self.staff.has_open() {
            if !self.sleep.serve(|place| self.has_work_at(place)) {
                self.call_for_work();
            }
            self.call_for_forks();
            self.ask_all(index);
        }
    }

    /// There is work, and nobody comes.
    fn call_for_work(&self) {
        if self.has_tasks() {
            self.call_for_tasks();
        } else {
            let _ = self.call_stand_in();
        }
    }

    /// There may be forks that only a stand-in would come for: who sleeps, or dozes,
    /// is woken for what else there is.
    fn call_for_forks(&self) {
        if self.staff.has_open() && self.has_stealable() {
            self.post_forks();
        }
    }

    /// A task waits, and nobody comes.
    pub(crate) fn call_for_tasks(&self) {
        if !self.call_stand_in() {
            self.staff.watch();
        }
    }

    /// Calls a stand-in if a place is open. False: none comes.
    fn call_stand_in(&self) -> bool {
        self.staff.has_open() && self.staff.fill()
    }

    /// Changes how many workers are to be on duty.
    pub(crate) fn change_active(&self, change: impl FnOnce(usize) -> usize) {
        let present = self.attendance.present();
        let changed = self.staff.change_active(change, |worker| present.has(worker));
        // In the same order as the changes, so the last one stays.
        self.sleep.crowd.set_active(self.staff.active());
        drop(present);
        let nobody = self.slots.len();
        changed.for_each(|worker| self.sleep.wake(worker));
        self.serve_open_places(nobody);
    }
}
