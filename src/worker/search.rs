//! Where a worker looks for work.

use super::{Worker, fair::in_turn, wait::each_worker};
use crate::{
    raw::{JobRef, Kind, Latch},
    registry::{Only, Share},
    sleep::{Appetite, Place},
    sync::MODELLED,
};

/// Jobs from elsewhere that may be stacked on one thread by waiting. Bounds
/// the stack and the time that a finished wait goes unnoticed.
const MOST_DEPTH: usize = if MODELLED { 1 } else { 2 };

/// The same for a thread that waits for a scope, whose jobs may lie with anybody, also with a
/// thread that has gone back to a frame that blocks.
const MOST_DEPTH_SPREAD: usize = if MODELLED { 2 } else { 16 };

/// The same for those that may be needed: of whoever holds what is waited for, and of one's own
/// pool while waiting on another, which may be waiting for them.
const MOST_DEPTH_NEEDED: usize = if MODELLED { 3 } else { 64 };

/// Jobs that may be stacked on one thread by yielding inside what a yield runs.
const MOST_YIELDS: usize = if MODELLED { 2 } else { 128 };

/// Visits in vain before a victim is asked to share what it keeps private. Fewer
/// would ask in the short time in which a tiny region ends by itself.
const ASK_AFTER: u8 = 4;

/// Visits in vain, the ask unanswered, before what runs there is taken for
/// coarse: some tens of microseconds. Fine jobs end in less.
const URGE_AFTER: u8 = 100;

pub(super) type Job = JobRef<Worker>;

/// Where what a thread waits for may be.
#[derive(Clone, Copy, Default)]
pub(super) struct Trail {
    /// The slot that is busy with it, if known.
    pub(super) holder: Option<usize>,
    /// Do parts of it lie with anybody?
    pub(super) is_spread: bool,
    /// Is there room on the stack for more than a few jobs from elsewhere?
    pub(super) has_room: bool,
    /// Is it a join's half, and a panic under way below? To a stranger's task that would seem
    /// its own: no lock that it holds would be poisoned by one that is.
    pub(super) in_unwind: bool,
}

impl Worker {
    /// Work for a thread that has nothing to wait for. Own newest, then
    /// others' oldest, then the outside world's: finish what was begun before
    /// beginning something new.
    pub(super) fn next_job(&self, share: Share) -> Option<Job> {
        self.overdue_job().or_else(|| self.next_inside(share)).or_else(|| self.take_injected())
    }

    /// The same without the outside world's.
    pub(super) fn next_inside(&self, share: Share) -> Option<Job> {
        self.deque
            .pop()
            .or_else(|| self.registry.take_mail(self.index))
            .or_else(|| self.steal(share))
    }

    /// Work for a thread that waits for something in its own pool, perhaps for
    /// what another is busy with: its descendants, likely, are there
    /// (leapfrogging; Wagner and Calder, PPoPP 1993).
    pub(super) fn help(&self, trail: Trail) -> Option<Job> {
        if self.in_section() {
            return self.help_alone(trail, true);
        }
        let appetite = self.appetite_to_help(trail);
        self.overdue_help(appetite, appetite.deques)
            .or_else(|| self.own_job(appetite.deques, appetite.strays))
            .or_else(|| self.take_sent(appetite))
            .or_else(|| self.leapfrog(trail))
            .or_else(|| if appetite.deques { self.steal(Share::One) } else { None })
            // Last, but at any depth: what this thread waits for may be run by
            // a guest that waits for one of the pool's own threads to do this.
            .or_else(|| self.take_side())
    }

    /// The oldest job of whoever holds what this thread waits for.
    fn leapfrog(&self, trail: Trail) -> Option<Job> {
        let job = self.steal_from(self.in_reach(trail)?, Share::One)?;
        self.unless_stranger(job, self.takes_any_needed(trail))
    }

    /// The job; but unless `any` will do, no task, which came after the look for some: others may
    /// have that from here.
    fn unless_stranger(&self, job: Job, any: bool) -> Option<Job> {
        if any || job.kind() != Kind::Task {
            return Some(job);
        }
        self.push(job);
        None
    }

    /// The slot to leapfrog to, while there is room: too deep for strangers' tasks, only while
    /// none can lie there.
    fn in_reach(&self, trail: Trail) -> Option<usize> {
        let tasks = |slot| self.registry.slot(slot).may_hold_jobs();
        trail.holder.filter(|&slot| {
            let any = self.takes_any_needed(trail);
            slot != self.index && self.may_nest(trail.has_room) && (any || !tasks(slot))
        })
    }

    /// Tasks too, where what is waited for may need them?
    fn takes_any_needed(&self, trail: Trail) -> bool {
        self.may_be_needed(trail.has_room) && !trail.in_unwind
    }

    /// Work for a thread that waits in an isolated section: what was forked or spawned there, all
    /// of which may be needed, and perhaps nobody else is there for it.
    fn help_alone(&self, trail: Trail, structured: bool) -> Option<Job> {
        let any = self.takes_any_needed(trail);
        let (registry, sections) = (&self.registry, self.isolated_sections());
        // Now and then what newer tasks would hide, or what is for inner sections.
        let overdue = self.fair_turn().and_then(|turn| {
            in_turn(turn, 2, |place| match place {
                0 => registry.take_outer_mail(self.index, sections),
                _ => self.own_job(false, structured),
            })
        });
        let sent = || registry.take_inner_mail(self.index, sections);
        overdue.or_else(|| self.own_job(any, structured)).or_else(sent)
    }

    /// The newest of its own jobs, if `any` will do; else if `structured` do what a frame
    /// further up waits for, but no stranger's task.
    fn own_job(&self, any: bool, structured: bool) -> Option<Job> {
        if any {
            self.deque.pop()
        } else if structured {
            self.deque.pop_structured(|| self.registry.post_jobs())
        } else {
            None
        }
    }

    /// What was sent to this thread, or strayed.
    pub(super) fn take_sent(&self, appetite: Appetite) -> Option<Job> {
        let sent = self.registry.take_own_mail(self.index);
        sent.or_else(|| if appetite.strays { self.registry.take_stray() } else { None })
    }

    /// The oldest job of the holder, if all that lies there descends from the job that will set
    /// `latch`, and is as much a part of the section here as that: what is made in a section
    /// inside it is not open while that lasts.
    pub(super) fn steal_back(&self, latch: &Latch, trail: Trail) -> Option<Job> {
        let victim = self.in_reach(trail)?;
        // Locked while it steals, since its thread turns to nothing else before this is taken
        // off there.
        let only = self.registry.slot(victim).only.lock();
        let is_open = |only: &Only| only.latch == latch.address() && only.inner == 0;
        if !only.as_ref().is_some_and(is_open) {
            return None;
        }
        let job = self.steal_from(victim, Share::One)?;
        drop(only);
        self.unless_stranger(job, self.takes_any_needed(trail))
    }

    /// Work for a thread that waits for another pool: that pool may need it
    /// done.
    pub(super) fn serve(&self, has_room: bool) -> Option<Job> {
        let appetite = self.appetite_to_serve(has_room);
        if self.in_section() {
            return self.help_alone(Trail { has_room, ..Trail::default() }, appetite.strays);
        }
        let any = self.may_be_needed(has_room);
        self.overdue_help(appetite, any)
            .or_else(|| self.own_job(any, appetite.strays))
            .or_else(|| self.take_sent(appetite))
            .or_else(|| self.take_side())
            .or_else(|| if appetite.deques { self.steal(Share::One) } else { None })
            .or_else(|| if appetite.lanes { self.take_task() } else { None })
    }

    /// A task for the stand-in: it is here for the entrance.
    pub(super) fn next_task(&self) -> Option<Job> {
        self.overdue_task().or_else(|| self.deque.pop()).or_else(|| self.take_head())
    }

    /// A task whose thread has gone.
    pub(super) fn task_left_behind(&self) -> Option<Job> {
        let steal = |slot| self.registry.steal(slot, self.index, Share::One, &self.deque);
        self.registry.left_behind().find_map(steal)
    }

    /// The head of the lane whose turn it is, for a member.
    pub(super) fn take_task(&self) -> Option<Job> {
        self.take_head().inspect(|_| self.counters().taken.add(1))
    }

    pub(super) fn take_head(&self) -> Option<Job> {
        // A permit that comes free wakes somebody, and a waker may do anything.
        self.rest();
        // Put back at once: taking wakes who waits for room, and a waker may
        // call into the pool.
        let mut turn = self.turn.get();
        // Nor is anybody to rely meanwhile on a searcher for work.
        let stop_searching = || each_worker(&mut Worker::stop_searching);
        let task = self.registry.injector.take(self.index, &mut turn, &stop_searching);
        self.turn.set(turn);
        task
    }

    /// May this thread run one more job inside a job that yields?
    pub(super) fn may_yield(&self) -> bool {
        self.depth.get() < MOST_YIELDS
    }

    /// May this thread, waiting in its own pool, run anybody's jobs, tasks of its own too?
    pub(super) fn may_take_any(&self, trail: Trail) -> bool {
        let most = if trail.is_spread { MOST_DEPTH_SPREAD } else { MOST_DEPTH };
        self.depth.get() < most && !trail.in_unwind
    }

    /// May this thread take jobs that what it waits for may need?
    fn may_be_needed(&self, has_room: bool) -> bool {
        self.depth.get() < MOST_DEPTH_NEEDED && self.may_nest(has_room)
    }

    fn may_nest(&self, has_room: bool) -> bool {
        self.depth.get() < MOST_DEPTH || has_room
    }

    /// May this thread not nest any more?
    #[inline]
    pub(super) fn lacks_room(&self) -> bool {
        self.depth.get() >= MOST_DEPTH && !self.has_room()
    }

    /// Is there room on the stack of this thread, which this worker is, for more than a few
    /// jobs from elsewhere? If not, then neither for a wait on top.
    pub(super) fn has_room(&self) -> bool {
        self.headroom.get().is_left()
    }

    /// May this thread, waiting on another pool, take tasks of its own?
    fn may_serve_tasks(&self, has_room: bool) -> bool {
        self.may_be_needed(has_room) && self.is_pools_own()
    }

    /// What this thread takes while it waits in its own pool, besides what was sent to it and
    /// what lies with the holder. Strays, as its own structured jobs, at any depth that there
    /// is room for; for a scope at any, for they may be that scope's.
    pub(super) fn appetite_to_help(&self, trail: Trail) -> Appetite {
        Appetite {
            deques: self.may_take_any(trail),
            strays: trail.is_spread || self.may_nest(trail.has_room),
            side: self.is_pools_own(),
            lanes: false,
        }
    }

    /// The same while it waits on another pool.
    pub(super) fn appetite_to_serve(&self, has_room: bool) -> Appetite {
        let tasks = self.may_serve_tasks(has_room);
        Appetite {
            deques: tasks,
            strays: self.may_nest(has_room),
            side: self.is_pools_own(),
            lanes: tasks,
        }
    }

    /// Is there anything that `next_job` would take?
    pub(super) fn sees_work(&self) -> bool {
        self.registry.has_work() || self.registry.has_own_mail(self.index)
    }

    /// The same, but forks, which those who forked them run in the end.
    pub(super) fn sees_more_than_forks(&self) -> bool {
        self.registry.has_more_than_forks() || self.registry.has_own_mail(self.index)
    }

    /// Is there anything that `help` would take?
    pub(super) fn sees_help(&self, trail: Trail) -> bool {
        if self.in_section() {
            return self.registry.has_inner_mail(self.index, self.isolated_sections());
        }
        let holder_has =
            || self.in_reach(trail).is_some_and(|slot| self.registry.slot(slot).queue_depth() > 0);
        let appetite = self.appetite_to_help(trail);
        self.sees_sent(appetite)
            || self.sees_side()
            || if appetite.deques { self.registry.has_work_at(Place::Forks) } else { holder_has() }
    }

    /// Is there anything that `serve` would take?
    pub(super) fn sees_service(&self, has_room: bool) -> bool {
        let registry = &self.registry;
        if self.in_section() {
            return registry.has_inner_mail(self.index, self.isolated_sections());
        }
        let appetite = self.appetite_to_serve(has_room);
        self.sees_sent(appetite)
            || self.sees_side()
            || appetite.deques && registry.has_work_at(Place::Forks)
            || appetite.lanes && registry.has_work_at(Place::Lane)
            || self.may_be_needed(has_room) && self.has_queued()
    }

    fn sees_sent(&self, appetite: Appetite) -> bool {
        let registry = &self.registry;
        registry.has_own_mail(self.index) || appetite.strays && registry.has_work_at(Place::Stray)
    }

    fn sees_side(&self) -> bool {
        self.is_pools_own() && self.registry.injector.has_side()
    }

    /// A random victim first, then the rest in a row.
    pub(super) fn steal(&self, share: Share) -> Option<Job> {
        let places = self.registry.places();
        let first = self.rng.below(places);
        let mut place = first;
        loop {
            let victim = self.registry.at_place(place).filter(|&victim| victim != self.index);
            let job = victim.and_then(|victim| self.steal_from(victim, share));
            place = if place + 1 == places { 0 } else { place + 1 };
            if job.is_some() || place == first {
                return job;
            }
        }
    }

    #[inline]
    fn steal_from(&self, victim: usize, share: Share) -> Option<Job> {
        let job = self.registry.steal(victim, self.index, share, &self.deque);
        let vain = if job.is_none() { self.vain[victim].get().saturating_add(1) } else { 0 };
        self.vain[victim].set(vain);
        if vain >= ASK_AFTER {
            self.ask(victim);
        }
        job
    }

    fn ask(&self, victim: usize) {
        let privacy = self.registry.slot(victim).privacy();
        if privacy.is_allowed() {
            privacy.end();
            self.vain[victim].set(ASK_AFTER);
        } else if self.vain[victim].get() == URGE_AFTER {
            privacy.urge();
        }
    }

    /// A closure that a caller has lent to the pool, for its own threads only.
    pub(super) fn take_side(&self) -> Option<Job> {
        if self.is_pools_own() { self.registry.injector.take_side() } else { None }
    }

    /// The head of the entrance: a closure somebody waits for, or a task.
    pub(super) fn take_injected(&self) -> Option<Job> {
        self.take_side().or_else(|| self.take_task())
    }
}
