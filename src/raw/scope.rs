//! Jobs that borrow from a frame which outlives them.

use std::{marker::PhantomData, mem, ptr::NonNull};

use super::{
    Host,
    job::{self, JobRef},
    latch::Latch,
};
use crate::{
    sync::{AtomicUsize, Ordering},
    unwind::{AbortOnDrop, Contained, FirstPanic},
};

/// Counts the tickets of one scope. Its frame does not end before they do.
struct Core<X> {
    tickets: AtomicUsize,
    done: Latch,
    panics: FirstPanic,
    extra: X,
}

/// A share in a scope: while there is one, the scope's frame stays.
///
/// It is no `Drop` type, since giving it back may mean to wake a worker, which
/// needs a host; a ticket that is lost keeps the scope waiting for ever.
pub(crate) struct Ticket<'scope, X> {
    core: NonNull<Core<X>>,
    // Invariant: a job may borrow for 'scope, neither longer nor shorter.
    marker: PhantomData<&'scope mut &'scope ()>,
}

// SAFETY: a ticket gives shared access to the core, whose own fields are all
// shared by design, and to `extra`.
unsafe impl<X: Sync> Send for Ticket<'_, X> {}
// SAFETY: as above.
unsafe impl<X: Sync> Sync for Ticket<'_, X> {}

/// Runs `body`, then returns when every job it spawned is done; raises the
/// first panic among them all, in time.
///
/// `body` gives its ticket back, and a result unless it panicked.
pub(crate) fn scope<'scope, H, X, R>(
    host: &H,
    extra: X,
    body: impl FnOnce(Ticket<'scope, X>) -> (Option<R>, Ticket<'scope, X>),
) -> R
where
    H: Host,
    X: Sync + 'scope,
{
    let core = Core {
        tickets: AtomicUsize::new(1),
        done: Latch::new(host.index()),
        panics: FirstPanic::default(),
        extra,
    };
    let bomb = AbortOnDrop;
    let (result, ticket) = body(Ticket { core: NonNull::from(&core), marker: PhantomData });
    ticket.give_back(host);
    while !core.done.is_set() {
        host.wait(&core.done);
    }
    mem::forget(bomb);
    let result = Contained::new(result);
    core.panics.raise();
    result.into_inner().expect("a body without a result has panicked")
}

impl<'scope, X: Sync + 'scope> Ticket<'scope, X> {
    /// What the scope was opened with.
    pub(crate) fn extra(&self) -> &X {
        &self.core().extra
    }

    /// The slot that waits for the scope's end.
    pub(crate) fn owner(&self) -> usize {
        self.core().done.owner()
    }

    /// Runs `f`; if it panics, none, and the scope's owner will raise it.
    pub(crate) fn guard<R>(&self, f: impl FnOnce() -> R) -> Option<R> {
        self.core().panics.guard(f)
    }

    /// A job of this scope, for the caller to push. It gets a ticket of its
    /// own and gives it back.
    pub(crate) fn job<H, F>(&self, func: F) -> JobRef<H>
    where
        H: Host,
        F: FnOnce(Self) -> Self + Send + 'scope,
    {
        // ORDERING(count): whoever spawns holds a ticket, so the count cannot
        // reach zero before this add; relaxed is enough.
        self.core().tickets.fetch_add(1, Ordering::Relaxed);
        let ticket = Ticket { core: self.core, marker: PhantomData };
        let run = move |host: &H| func(ticket).give_back(host);
        // SAFETY: `scope` waits for the ticket, so the job runs within 'scope.
        unsafe { job::heap(run) }
    }

    fn core(&self) -> &Core<X> {
        // SAFETY: `scope` has not returned, or there would be no ticket.
        unsafe { self.core.as_ref() }
    }

    fn give_back<H: Host>(self, host: &H) {
        let core = self.core();
        let done = &raw const core.done;
        // ORDERING(count): releases this job's writes; the last one acquires
        // them all and hands them on through ORDERING(done).
        if core.tickets.fetch_sub(1, Ordering::AcqRel) == 1 {
            // SAFETY: the last ticket was ours, so nobody has set it yet, and
            // the owner does not leave before it is set.
            let asleep = unsafe { Latch::set(done) };
            if let Some(owner) = asleep {
                host.wake(owner);
            }
        }
    }
}
