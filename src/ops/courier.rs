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
    handle::JoinHandle,
    packet::{self, Name},
};
use crate::{
    injector::Lane,
    parker::Parker,
    permits::{Acquire, Permits, Refused},
    priority::Priority,
    raw::JobRef,
    registry::Registry,
    sync::{Arc, Mutex},
    worker::{Worker, wait_for},
};

pub(super) struct Courier<F, T> {
    gate: Gate,
    name: Name,
    parcel: Mutex<Parcel<F, T>>,
    /// Of the thread that waits for the answer.
    parker: Arc<Parker>,
}

/// One lane of a pool, and the pool's life with it.
#[derive(Clone)]
struct Gate {
    registry: Arc<Registry<Worker>>,
    priority: Priority,
}

struct Parcel<F, T> {
    /// None once there is no more waiting.
    acquire: Option<Acquire<Gate>>,
    f: Option<F>,
    answer: Option<Result<JoinHandle<T>, Refused>>,
}

impl<F, T> Courier<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    pub(super) fn new(
        registry: &Arc<Registry<Worker>>,
        priority: Priority,
        name: Name,
        f: F,
    ) -> Arc<Self> {
        let gate = Gate { registry: Arc::clone(registry), priority };
        let acquire = Some(Acquire::from(gate.clone()));
        let parcel = Mutex::new(Parcel { acquire, f: Some(f), answer: None });
        Arc::new(Courier { gate, name, parcel, parker: Parker::current() })
    }

    /// Blocks until the task is in or refused, at the latest at `deadline`.
    pub(super) fn wait(
        self: Arc<Self>,
        deadline: Option<Instant>,
    ) -> Result<JoinHandle<T>, (Refused, F)> {
        wait_for(&|| self.deliver(), &self.parker, Some(&self.gate.registry), deadline);
        let mut parcel = self.parcel.lock();
        let (acquire, f) = (parcel.acquire.take(), parcel.f.take());
        let answer = parcel.answer.take().unwrap_or(Err(Refused::Full));
        drop(parcel);
        // Outside the lock: a place that is given up may wake the next in line.
        drop(acquire);
        answer.map_err(|refused| (refused, f.expect("it was not let in")))
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
        parcel.answer = Some(permit.map(|in_use| {
            let f = parcel.f.take().expect("it is let in once");
            enter(&self.gate.registry, self.gate.lane(), self.name.clone(), f, in_use)
        }));
        true
    }
}

impl<F, T> Wake for Courier<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    fn wake(self: Arc<Self>) {
        self.deliver();
        self.parker.unpark();
    }
}

impl Gate {
    fn lane(&self) -> &Lane<JobRef<Worker>> {
        self.registry.injector.lane(self.priority)
    }
}

impl AsRef<Permits> for Gate {
    fn as_ref(&self) -> &Permits {
        self.lane().permits()
    }
}

/// Makes a task of `f` and puts it in `lane`, with the `in_use`th permit.
pub(super) fn enter<F, T>(
    registry: &Registry<Worker>,
    lane: &Lane<JobRef<Worker>>,
    name: Name,
    f: F,
    in_use: usize,
) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let (task, handle) = packet::new_task(name, lane.ledger(), f);
    lane.push(task, in_use);
    registry.post_task();
    JoinHandle::new(handle)
}
