//! `Courier`: a task that waits at the entrance by itself.
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

pub(super) struct Courier {
    gate: Gate,
    parcel: Mutex<Parcel>,
    /// Of the thread that waits for the answer.
    parker: Arc<Parker>,
}

/// One lane of a pool.
#[derive(Clone)]
struct Gate {
    registry: Arc<Registry<Worker>>,
    priority: Priority,
}

struct Parcel {
    /// None once there is no more waiting.
    acquire: Option<Acquire<Gate>>,
    /// None once it is in.
    task: Option<JobRef<Worker>>,
    refused: Refused,
}

impl Courier {
    pub(super) fn new(
        registry: &Arc<Registry<Worker>>,
        priority: Priority,
        task: JobRef<Worker>,
    ) -> Arc<Self> {
        let gate = Gate { registry: Arc::clone(registry), priority };
        let acquire = Some(Acquire::from(gate.clone()));
        let parcel = Parcel { acquire, task: Some(task), refused: Refused::Full };
        Arc::new(Courier { gate, parcel: Mutex::new(parcel), parker: Parker::current() })
    }

    /// Blocks until the task is in or refused, at the latest until `deadline`.
    /// A task that is refused comes back.
    pub(super) fn wait(
        self: Arc<Self>,
        deadline: Option<Instant>,
    ) -> Result<(), (Refused, JobRef<Worker>)> {
        wait_for(&|| self.deliver(), &self.parker, Some(&self.gate.registry), deadline);
        let mut parcel = self.parcel.lock();
        let (acquire, task) = (parcel.acquire.take(), parcel.task.take());
        let refused = parcel.refused;
        drop(parcel);
        // Outside the lock: a place that is given up may wake the next in line.
        drop(acquire);
        task.map_or(Ok(()), |task| Err((refused, task)))
    }

    /// Puts the task in if it is its turn. True: it is in, or never will be.
    fn deliver(self: &Arc<Self>) -> bool {
        let waker = Waker::from(Arc::clone(self));
        let mut parcel = self.parcel.lock();
        let Some(acquire) = &mut parcel.acquire else { return true };
        let Poll::Ready(permit) = Pin::new(acquire).poll(&mut Context::from_waker(&waker)) else {
            return false;
        };
        parcel.acquire = None;
        match permit {
            Ok(in_use) => {
                let task = parcel.task.take().expect("it goes in once");
                self.gate.lane().push(task, in_use);
                self.gate.registry.post_task();
            }
            Err(refused) => parcel.refused = refused,
        }
        true
    }
}

impl Wake for Courier {
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
