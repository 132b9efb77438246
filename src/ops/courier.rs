//! `Courier`: a closure that waits at the entrance by itself.
//!
//! The thread that brought it runs other jobs while it waits, if it is a worker
//! of some other pool, and those may wait in the same line, further back: then
//! it cannot come for its place, and they do not get theirs. So the task goes in
//! when its turn comes, put there by whoever made room.

use std::{
    pin::Pin,
    task::{Context, Poll, Wake, Waker},
    time::Instant,
};

use super::{
    entrance::{Brought, Decided, Entrance, Flood, Turned},
    handle::JoinHandle,
    packet,
};
use crate::{
    injector::Lane,
    parker::Parker,
    permits::{Acquire, Permits, Refused},
    priority::Priority,
    raw::JobRef,
    registry::Registry,
    stall::StallCause,
    sync::{Arc, Mutex},
    worker::{Worker, wait_for},
};

pub(super) struct Courier<G: Entrance<F>, F> {
    gate: G,
    parcel: Mutex<Parcel<G, F>>,
    /// Of the thread that waits for the answer.
    parker: Arc<Parker>,
}

struct Parcel<G: Entrance<F>, F> {
    /// None once there is no more waiting.
    acquire: Option<Acquire<G>>,
    brought: Option<Brought<F>>,
    answer: Option<Result<JoinHandle<G::Output>, Refused>>,
}

impl<G: Entrance<F>, F: Send + 'static> Courier<G, F> {
    pub(super) fn new(gate: G, brought: Brought<F>) -> Arc<Self> {
        let acquire = Some(Acquire::from(gate.clone()));
        let parcel = Mutex::new(Parcel { acquire, brought: Some(brought), answer: None });
        Arc::new(Courier { gate, parcel, parker: Parker::current() })
    }

    /// Blocks until the task is in or refused, at the latest at `deadline`. What is
    /// refused comes back.
    pub(super) fn wait(
        self: Arc<Self>,
        deadline: Option<Instant>,
    ) -> Result<JoinHandle<G::Output>, Turned<F>> {
        let home = Some(self.gate.registry());
        wait_for(&|| self.deliver(), &|| StallCause::Room, &self.parker, home, deadline);
        let mut parcel = self.parcel.lock();
        let (acquire, brought) = (parcel.acquire.take(), parcel.brought.take());
        let answer = parcel.answer.take().unwrap_or(Err(Refused::Full));
        drop(parcel);
        // Outside the lock: a place that is given up may wake the next in line.
        drop(acquire);
        match answer {
            Ok(handle) => {
                // Not earlier, under the lock: a task that is cancelled already is
                // dropped there and then.
                handle.watch(&self.gate.registry().timer);
                Ok(handle)
            }
            Err(refused) => Err((refused, brought.expect("it was not let in"))),
        }
    }

    /// Puts the task in if it is its turn. False: it is not.
    fn deliver(self: &Arc<Self>) -> bool {
        let waker = Waker::from(Arc::clone(self));
        let mut parcel = self.parcel.lock();
        let Some(acquire) = &mut parcel.acquire else { return true };
        let Poll::Ready(permit) = Pin::new(acquire).poll(&mut Context::from_waker(&waker)) else {
            return false;
        };
        parcel.acquire = None;
        let answer = permit.and_then(|in_use| {
            let brought = parcel.brought.take().expect("it is let in once");
            self.gate.admit(brought, in_use).map_err(|brought| {
                parcel.brought = Some(brought);
                Refused::Closed
            })
        });
        parcel.answer = Some(answer);
        true
    }
}

impl<G: Entrance<F>, F: Send + 'static> Wake for Courier<G, F> {
    fn wake(self: Arc<Self>) {
        self.deliver();
        self.parker.unpark();
    }
}

/// One lane of a pool, and the pool's life with it.
#[derive(Clone)]
pub(super) struct LaneGate {
    pub(super) registry: Arc<Registry<Worker>>,
    pub(super) priority: Priority,
}

impl LaneGate {
    pub(super) fn new(registry: &Arc<Registry<Worker>>, priority: Priority) -> Self {
        LaneGate { registry: Arc::clone(registry), priority }
    }

    pub(super) fn lane(&self) -> &Lane<JobRef<Worker>> {
        self.registry.injector.lane(self.priority)
    }
}

impl AsRef<Permits> for LaneGate {
    fn as_ref(&self) -> &Permits {
        self.lane().permits()
    }
}

impl<F, T> Entrance<F> for LaneGate
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    type Output = T;

    fn registry(&self) -> &Arc<Registry<Worker>> {
        &self.registry
    }

    fn admit(&self, brought: Brought<F>, in_use: usize) -> Result<JoinHandle<T>, Brought<F>> {
        Ok(enter(&self.registry, self.lane(), brought, in_use))
    }

    fn push_inside(&self, worker: &Worker, brought: Brought<F>, _flood: Flood) -> Decided<T, F> {
        Ok(push_inside(worker, brought))
    }
}

/// Makes a task and puts it in `lane`, with the `in_use`th permit. The handle is still to be
/// watched.
pub(super) fn enter<F, T>(
    registry: &Registry<Worker>,
    lane: &Lane<JobRef<Worker>>,
    brought: Brought<F>,
    in_use: usize,
) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let (task, handle) = packet::new_task(brought, lane.ledger());
    lane.push(task, in_use);
    registry.post_task();
    JoinHandle::new(handle)
}

/// Makes a task and puts it in `worker`'s own deque, without a permit. The handle is
/// watched.
pub(super) fn push_inside<F, T>(worker: &Worker, brought: Brought<F>) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let ledger = worker.ledger();
    ledger.accept();
    let (task, handle) = packet::new_task(brought, ledger);
    let handle = JoinHandle::new(handle);
    worker.push_task(task);
    handle.watch(&worker.registry().timer);
    handle
}
