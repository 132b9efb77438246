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

use super::{handle::JoinHandle, packet};
use crate::{
    injector::Lane,
    label::Extras,
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

/// What was not let in, and why.
type Returned<F> = (Refused, F, Option<Box<Extras>>);

struct Parcel<F, T> {
    /// None once there is no more waiting.
    acquire: Option<Acquire<Gate>>,
    f: Option<F>,
    extras: Option<Box<Extras>>,
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
        extras: Option<Box<Extras>>,
        f: F,
    ) -> Arc<Self> {
        let gate = Gate { registry: Arc::clone(registry), priority };
        let acquire = Some(Acquire::from(gate.clone()));
        let parcel = Mutex::new(Parcel { acquire, f: Some(f), extras, answer: None });
        Arc::new(Courier { gate, parcel, parker: Parker::current() })
    }

    /// Blocks until the task is in or refused, at the latest at `deadline`. What is
    /// refused comes back.
    pub(super) fn wait(
        self: Arc<Self>,
        deadline: Option<Instant>,
    ) -> Result<JoinHandle<T>, Returned<F>> {
        wait_for(&|| self.deliver(), &self.parker, Some(&self.gate.registry), deadline);
        let mut parcel = self.parcel.lock();
        let (acquire, f, extras) = (parcel.acquire.take(), parcel.f.take(), parcel.extras.take());
        let answer = parcel.answer.take().unwrap_or(Err(Refused::Full));
        drop(parcel);
        // Outside the lock: a place that is given up may wake the next in line.
        drop(acquire);
        match answer {
            Ok(handle) => {
                // Not earlier, under the lock: a task that is cancelled already is
                // dropped there and then.
                handle.watch(&self.gate.registry.timer);
                Ok(handle)
            }
            Err(refused) => Err((refused, f.expect("it was not let in"), extras)),
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
        parcel.answer = Some(permit.map(|in_use| {
            let f = parcel.f.take().expect("it is let in once");
            enter(&self.gate.registry, self.gate.lane(), parcel.extras.take(), f, in_use)
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

/// Makes a task of `f` and puts it in `lane`, with the `in_use`th permit. The
/// handle is still to be watched.
pub(super) fn enter<F, T>(
    registry: &Registry<Worker>,
    lane: &Lane<JobRef<Worker>>,
    extras: Option<Box<Extras>>,
    f: F,
    in_use: usize,
) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let (task, handle) = packet::new_task(extras, lane.ledger(), f);
    lane.push(task, in_use);
    registry.post_task();
    JoinHandle::new(handle)
}
