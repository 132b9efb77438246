//! Strands, for tasks: the way to one, who runs it, and who waits for it.

use std::{hash::Hash, task::Waker};

use super::{
    courier::LaneGate,
    entrance::{Brought, Decided, Entrance, Flood},
    errand::errand,
    handle::JoinHandle,
    keeper::{inside, is_inside},
    packet,
};
use crate::{
    counters::Ledger,
    permits::{Permits, Refused},
    priority::Priority,
    registry::{InStrand, Registry},
    sync::{Arc, MODELLED, Weak},
    turnstile::Room,
    unwind,
    worker::{Keeper, Kept, Worker},
};

/// Tasks that a strand runs before it goes to the end of the queue: so those of
/// one hot key do not hold up their neighbours, and a turn is worth its way.
const TURN: usize = if MODELLED { 2 } else { 8 };

/// The way to one strand: by a lane's permits from outside.
#[derive(Clone)]
pub(super) struct KeyedGate {
    key: u64,
    lane: LaneGate,
}

impl KeyedGate {
    pub(super) fn new(lane: LaneGate, key: impl Hash) -> Self {
        KeyedGate { key: lane.registry.strand_of(key), lane }
    }

    fn push<T, F>(
        &self,
        ledger: &Arc<Ledger>,
        lane: Option<Priority>,
        brought: Brought<F>,
    ) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let registry = &self.lane.registry;
        let keeper: Arc<dyn Keeper> = Arc::new(self.strand());
        let (task, handle) = packet::new_kept_task(brought, ledger, keeper);
        if registry.strands.push(self.key, InStrand { task, lane }) {
            self.strand().send(registry);
        }
        JoinHandle::new(handle)
    }

    fn strand(&self) -> Strand {
        Strand { home: Arc::downgrade(&self.lane.registry), key: self.key }
    }
}

impl AsRef<Permits> for KeyedGate {
    fn as_ref(&self) -> &Permits {
        self.lane.as_ref()
    }
}

impl<F, T> Entrance<F> for KeyedGate
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    type Output = T;

    fn registry(&self) -> &Arc<Registry<Worker>> {
        &self.lane.registry
    }

    fn admit(&self, brought: Brought<F>, in_use: usize) -> Result<JoinHandle<T>, Brought<F>> {
        let lane = self.lane.lane();
        lane.book(in_use);
        Ok(self.push(lane.ledger(), Some(self.lane.priority), brought))
    }

    fn push_inside(&self, worker: &Worker, brought: Brought<F>, flood: Flood) -> Decided<T, F> {
        let registry = &self.lane.registry;
        let is_flooded = !worker.may_queue(registry.strands.queued(self.key));
        if is_flooded && !self.strand().work_off(worker) && flood == Flood::Refuse {
            return Err((Refused::Full, brought));
        }
        worker.ledger().accept();
        let handle = self.push(worker.ledger(), None, brought);
        handle.watch(&registry.timer);
        Ok(handle)
    }

    fn reject(&self) {
        self.lane.lane().reject();
    }
}

/// The tasks of one key.
struct Strand {
    home: Weak<Registry<Worker>>,
    key: u64,
}

impl Strand {
    fn place(&self) -> (usize, u64) {
        (self.home.as_ptr() as usize, self.key)
    }

    /// Sends the ticket.
    fn send(self, registry: &Registry<Worker>) {
        let preferred = registry.preferred(self.key);
        let arrive = move |worker: &Worker| {
            if worker.registry().strands.arrive(self.key) {
                self.run(worker, |ran| ran == TURN);
            }
        };
        registry.send_errand(Some(preferred), errand(arrive));
    }

    /// Runs some that wait, on a thread that has spawned too many of them. False: another is at
    /// it, or they may not be run here.
    fn work_off(&self, worker: &Worker) -> bool {
        let begun = !worker.in_section() && worker.registry().strands.begin(self.key);
        if begun {
            let has_room = || worker.may_queue(worker.registry().strands.queued(self.key));
            worker.run_at_once(|worker| {
                self.run(worker, |ran| ran == TURN || ran > 0 && has_room());
            });
        }
        begun
    }

    /// Runs tasks in their order until there are none, or `is_enough` says so of
    /// their number; this thread has begun.
    fn run(&self, worker: &Worker, is_enough: impl Fn(usize) -> bool) {
        let registry = worker.registry();
        let mut ran = 0;
        while !is_enough(ran) {
            let Some(waits) = registry.strands.next(self.key) else { break };
            // Inside: the room that comes free wakes somebody, who may join a task of this key.
            let run = || worker.run_job(registry.let_in(waits));
            if inside(self.place(), Room::Own, run) {
                ran += 1;
            }
        }
        let left = registry.strands.leave(self.key);
        if left.ticket {
            Strand { home: Weak::clone(&self.home), key: self.key }.send(registry);
        }
        left.wakers.into_iter().for_each(unwind::wake);
    }
}

impl Keeper for Strand {
    fn help(self: Arc<Self>, worker: &Worker, task: &dyn Kept) -> bool {
        let begun = worker.registry().strands.begin(self.key);
        if begun {
            self.run(worker, |ran| task.is_started() || ran > 0 && task.is_late());
        }
        begun
    }

    fn may_help(&self) -> bool {
        self.home.upgrade().is_some_and(|home| home.strands.is_idle(self.key))
    }

    fn wake_to_help(&self, waker: &Waker) {
        if let Some(home) = self.home.upgrade() {
            home.strands.wake_at_leave(self.key, waker);
        }
    }

    fn check_wait(&self) {
        assert!(
            !is_inside(self.place()),
            "a task joins a later one of its own key, or of one that waits further up the stack, \
             and which waits for that to end"
        );
    }
}
