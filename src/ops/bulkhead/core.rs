//! What the clones of a bulkhead share: its turnstile, its places, and how a task
//! passes.

use std::{borrow::Cow, mem, task::Waker};

use super::super::{
    entrance::{Brought, Decided, Entrance, Flood},
    errand::errand,
    handle::JoinHandle,
    keeper::{give_up, inside, is_inside},
    packet,
};
use crate::{
    counters::Ledger,
    permits::{Permits, Refused},
    process::Process,
    raw::JobRef,
    registry::{Gate, Registry},
    sync::{Arc, OnceLock, Weak},
    turnstile::{Due, End, Room, Turnstile},
    unwind,
    worker::{Keeper, Kept, Worker},
};

pub(super) struct Core {
    pub(super) name: Cow<'static, str>,
    pub(super) limit: usize,
    pub(super) queue: usize,
    pub(super) turnstile: Turnstile<JobRef<Worker>>,
    /// One for each that may be queued or running.
    pub(super) places: Permits,
    home: Weak<Registry<Worker>>,
    process: Process,
    this: Weak<Core>,
    /// Among the gates of its pool.
    number: OnceLock<u64>,
}

impl Core {
    pub(super) fn new(
        name: Cow<'static, str>,
        limit: usize,
        queue: usize,
        registry: &Arc<Registry<Worker>>,
    ) -> Arc<Self> {
        let core = Arc::new_cyclic(|this: &Weak<Core>| Core {
            name,
            limit,
            queue,
            turnstile: Turnstile::new(limit),
            places: Permits::new(limit + queue),
            home: Arc::downgrade(registry),
            process: registry.process,
            this: Weak::clone(this),
            number: OnceLock::new(),
        });
        if !registry.process.is_current() {
            // The pool is the parent's, and its locks may be locked for ever.
            core.close();
            return core;
        }
        // When it is whole, since it may be closed then and there.
        let gate = Arc::downgrade(&core) as Weak<dyn Gate>;
        core.number.get_or_init(|| registry.gates.add(gate));
        core
    }

    fn shared(&self) -> Arc<Core> {
        self.this.upgrade().expect("borrowed from one that is shared")
    }

    fn place(&self) -> (usize, u64) {
        (std::ptr::from_ref(self) as usize, 0)
    }

    /// Queues a task; closed, `f` comes back.
    fn push<F, T>(
        &self,
        registry: &Registry<Worker>,
        ledger: &Arc<Ledger>,
        permit: Permit,
        brought: Brought<F>,
    ) -> Result<JoinHandle<T>, Brought<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let mut permit = Some(permit);
        let pushed = self.turnstile.push(brought, |number, Brought { f, extras, is_isolated }| {
            // In the lock: the pool's end sees what was accepted before it closed.
            ledger.accept();
            let permit = permit.take();
            let mut place = Place { core: self.shared(), number, end: End::Unrun, permit };
            let f = move || {
                place.end = End::Panicked;
                let result = f();
                place.end = End::Completed;
                drop(place);
                result
            };
            let keeper: Arc<dyn Keeper> = self.shared();
            packet::new_kept_task(Brought { f, extras, is_isolated }, ledger, keeper)
        });
        let (task, tickets) = pushed?;
        self.send(registry, tickets);
        Ok(JoinHandle::new(task))
    }

    /// Runs the oldest task, on a thread that has spawned too many. False: the limit
    /// does not allow it, or they may not be run here.
    fn work_off(&self, worker: &Worker) -> bool {
        if worker.in_section() {
            return false;
        }
        let (room, task) = match self.turnstile.next() {
            None if is_inside(self.place()) => (Room::Lent, self.turnstile.next_lent()),
            task => (Room::Own, task),
        };
        let Some(task) = task else { return false };
        worker.run_at_once(|worker| self.run(worker, task, room));
        true
    }

    /// A ticket has come to `worker`.
    fn arrive(&self, worker: &Worker) {
        if let Some(task) = self.turnstile.arrive() {
            self.run(worker, task, Room::Own);
        }
    }

    /// Runs a task that was let in, or the first after it that is still to run.
    fn run(&self, worker: &Worker, task: JobRef<Worker>, room: Room) {
        let mut next = Some(task);
        while let Some(task) = next {
            if inside(self.place(), room, || worker.run_job(task)) {
                return;
            }
            self.settle(self.turnstile.leave(room, None, End::Unrun));
            next = if room == Room::Own { self.turnstile.next() } else { None };
        }
    }

    /// Sees to what is due when a task has left.
    fn settle(&self, due: Due<JobRef<Worker>>) {
        due.cleared.map(JobRef::discard);
        if due.tickets > 0 {
            if let Some(registry) = self.home.upgrade() {
                self.send(&registry, due.tickets);
            }
        }
        due.wakers.into_iter().for_each(unwind::wake);
    }

    fn send(&self, registry: &Registry<Worker>, tickets: usize) {
        for _ in 0..tickets {
            let core = self.shared();
            registry.send_errand(None, errand(move |worker| core.arrive(worker)));
        }
    }
}

impl Gate for Core {
    fn close(&self) {
        // The line first: a place that comes back with a refused task would go to the
        // head of it, which is user code, called under the lock of a `Courier`.
        self.places.close();
        self.turnstile.close();
    }

    fn discard(&self) {
        for task in self.turnstile.drain() {
            task.discard();
        }
    }
}

/// Of each task, as long as it is not started.
impl Keeper for Core {
    fn help(self: Arc<Self>, worker: &Worker, task: &dyn Kept) -> bool {
        let room = if self.turnstile.admit() {
            Room::Own
        } else if is_inside(self.place()) {
            // A task that waits here has a place, and lends it.
            Room::Lent
        } else {
            return false;
        };
        let ran = inside(self.place(), room, || task.run(worker));
        if !ran {
            self.settle(self.turnstile.leave(room, None, End::Unrun));
        }
        ran
    }

    fn may_help(&self) -> bool {
        self.turnstile.has_room() || is_inside(self.place())
    }

    fn wake_to_help(&self, waker: &Waker) {
        self.turnstile.wake_at_leave(waker);
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        let Some(registry) = self.home.upgrade() else { return };
        if let (true, Some(&number)) = (registry.process.is_current(), self.number.get()) {
            registry.gates.remove(number);
        }
    }
}

/// The place of one task, from when it is accepted to its end, whichever.
struct Place {
    core: Arc<Core>,
    number: u64,
    end: End,
    permit: Option<Permit>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let core = &self.core;
        if !core.process.is_current() {
            // In the child of a task that forked: who waits here waits in the parent.
            mem::forget(self.permit.take());
            return;
        }
        match self.end {
            // Cancelled: nobody comes for it any more.
            End::Unrun => drop(core.turnstile.remove(self.number).map(JobRef::discard)),
            end => core.settle(core.turnstile.leave(give_up(), Some(self.number), end)),
        }
        drop(self.permit.take());
    }
}

/// One of a bulkhead's places. Inside the pool a task may go without.
struct Permit {
    core: Arc<Core>,
    is_real: bool,
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.is_real {
            self.core.places.release(1);
        }
    }
}

/// The way in from outside.
#[derive(Clone)]
pub(super) struct BulkheadGate {
    pub(super) core: Arc<Core>,
    pub(super) registry: Arc<Registry<Worker>>,
}

impl AsRef<Permits> for BulkheadGate {
    fn as_ref(&self) -> &Permits {
        &self.core.places
    }
}

impl<F, T> Entrance<F> for BulkheadGate
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    type Output = T;

    fn registry(&self) -> &Arc<Registry<Worker>> {
        &self.registry
    }

    fn admit(&self, brought: Brought<F>, _in_use: usize) -> Result<JoinHandle<T>, Brought<F>> {
        let permit = Permit { core: Arc::clone(&self.core), is_real: true };
        let registry = &self.registry;
        self.core.push(registry, &registry.beside, permit, brought)
    }

    fn push_inside(&self, worker: &Worker, brought: Brought<F>, flood: Flood) -> Decided<T, F> {
        let core = &self.core;
        // A place, as long as there is one.
        let has_place = match core.places.try_acquire() {
            Err(Refused::Closed) => return Err((Refused::Closed, brought)),
            place => place.is_ok(),
        };
        let permit = Permit { core: Arc::clone(core), is_real: has_place };
        let is_flooded = !has_place && !worker.may_queue(core.turnstile.queued());
        if is_flooded && !core.work_off(worker) && flood == Flood::Refuse {
            return Err((Refused::Full, brought));
        }
        let pushed = core.push(&self.registry, worker.ledger(), permit, brought);
        let handle = pushed.map_err(|brought| (Refused::Closed, brought))?;
        handle.watch(&self.registry.timer);
        Ok(handle)
    }

    fn reject(&self) {
        if self.core.process.is_current() {
            self.core.turnstile.reject();
        }
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Waker},
        time::{Duration, Instant},
    };

    use super::{Brought, Gate, packet};
    use crate::{pool::ThreadPool, sync::thread};

    /// Much longer than a close takes.
    const PATIENCE: Duration = Duration::from_secs(10);

    #[test]
    fn who_is_refused_by_a_close_finds_nobody_in_line() {
        let pool = ThreadPool::builder().num_threads(1).build().unwrap();
        let class = pool.bulkhead("class").limit(1).queue(0).build().unwrap();
        let (core, registry) = (&class.core, &class.registry);
        core.places.try_acquire().unwrap();
        let mut waits = pin!(core.places.acquire());
        assert!(waits.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        thread::scope(|threads| {
            let pushed = core.turnstile.push((), |_, ()| {
                // In its lock: it cannot close.
                threads.spawn(|| core.close());
                let start = Instant::now();
                while core.places.waiting() > 0 {
                    assert!(start.elapsed() < PATIENCE, "it closes, and somebody is in line");
                    thread::yield_now();
                }
                registry.beside.accept();
                packet::new_task(Brought::new(|| (), None), &registry.beside)
            });
            assert!(pushed.is_ok(), "it was open");
        });
        core.discard();
        assert_eq!(registry.cancelled(), 1);
    }
}
