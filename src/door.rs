//! Whether somebody has an eye on the entrance while every worker is busy.
//!
//! Workers in one long computation do not come to the entrance, and to run a
//! stranger's task in the middle of a fork would meet the locks held there. So
//! a door-keeper, a thread of its own, is started the first time a task comes
//! in and nobody is there to take it; it stands in when the door's patience
//! is over. Between such times it sleeps, and costs nothing.

use std::time::Duration;

use crate::{
    parker::Parker,
    sync::{Arc, AtomicBool, Mutex, Ordering, fence},
};

pub(crate) struct Door {
    patience: Option<Duration>,
    /// Will the keeper look at the entrance again without being told?
    watched: AtomicBool,
    keeper: Mutex<Keeper>,
}

/// The thread of the door-keeper, through its life.
enum Keeper {
    /// How to start it; none if there is to be none.
    Absent(Option<Starter>),
    Present(Hired),
}

/// Starts the keeper's thread; none if the system refuses.
type Starter = Box<dyn Fn() -> Option<Hired> + Send>;

pub(crate) struct Hired {
    pub(crate) parker: Arc<Parker>,
    /// Blocks until the thread is gone.
    pub(crate) join: Box<dyn FnOnce() + Send>,
}

impl Door {
    pub(crate) fn new(patience: Option<Duration>) -> Self {
        Door { patience, watched: AtomicBool::new(false), keeper: Mutex::new(Keeper::Absent(None)) }
    }

    /// Says how to start a keeper. Without it, or without patience to lose,
    /// there is none.
    pub(crate) fn open(&self, starter: impl Fn() -> Option<Hired> + Send + 'static) {
        if self.patience.is_some() {
            *self.keeper.lock() = Keeper::Absent(Some(Box::new(starter)));
        }
    }

    pub(crate) fn patience(&self) -> Option<Duration> {
        self.patience
    }

    /// A task waits at the entrance and no worker will come soon. Call after
    /// the fence of `Sleep::posted` or `Sleep::stop_searching`.
    pub(crate) fn watch(&self) {
        // ORDERING(door): the task's push, a fence, this load; see `rest`.
        if self.patience.is_some() && !self.watched.load(Ordering::Relaxed) {
            self.call_keeper();
        }
    }

    #[cold]
    fn call_keeper(&self) {
        let mut keeper = self.keeper.lock();
        // ORDERING(door): the keeper sets it back, and then looks once more.
        self.watched.store(true, Ordering::Relaxed);
        match &*keeper {
            Keeper::Present(hired) => hired.parker.unpark(),
            Keeper::Absent(starter) => match starter.as_ref().and_then(|start| start()) {
                Some(hired) => *keeper = Keeper::Present(hired),
                // Refused by the system: the task waits for a worker, and the
                // next one asks again.
                // ORDERING(door): as above.
                None => self.watched.store(false, Ordering::Relaxed),
            },
        }
    }

    /// The keeper would go to sleep. False: it may not, `waiting` says.
    pub(crate) fn rest(&self, waiting: impl FnOnce() -> bool) -> bool {
        // ORDERING(door): this store, a fence, the look at the entrance;
        // against the task's push, a fence, the load in `watch`. One fence is
        // first: either the look sees the task or the load sees this store.
        self.watched.store(false, Ordering::Relaxed);
        fence(Ordering::SeqCst); // ORDERING(door): the keeper's fence.
        let stay = waiting();
        if stay {
            // ORDERING(door): as in `call_keeper`.
            self.watched.store(true, Ordering::Relaxed);
        }
        !stay
    }

    /// No keeper is started from now on; the one there is comes back, to be
    /// told that the pool ends.
    pub(crate) fn dismiss(&self) -> Option<Hired> {
        let keeper = std::mem::replace(&mut *self.keeper.lock(), Keeper::Absent(None));
        match keeper {
            Keeper::Present(hired) => Some(hired),
            Keeper::Absent(_) => None,
        }
    }

    /// Tells the keeper to look again, if there is one.
    pub(crate) fn nudge(&self) {
        if let Keeper::Present(hired) = &*self.keeper.lock() {
            hired.parker.unpark();
        }
    }
}
