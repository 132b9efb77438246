//! Jobs that borrow from a frame which outlives them.
//!
//! A scope counts the jobs that are still to finish. To count them one by one
//! would move one cache line between all threads at every job. So the thread
//! that opened the scope counts what it spawns without an atomic, and every
//! thread takes what it has finished off the count in one go, before it turns to
//! anything else.

use std::{
    cell::Cell,
    marker::PhantomData,
    mem,
    ptr::{self, NonNull},
    task::Waker,
};

use crossbeam_utils::CachePadded;

use super::{
    Host, LatchOf,
    canary::Canary,
    job::{self, JobRef},
    latch::Latch,
};
use crate::{
    sync::{Arc, AtomicUsize, Ordering, thread_local},
    unwind::{AbortOnDrop, Claim, Contained, FirstPanic},
};

/// What the body counts as while it runs: more than there can be jobs.
const BODY: usize = usize::MAX / 2;

/// Counts the tickets of one scope. Its frame does not end before they do.
#[repr(C)]
struct Core<X> {
    count: Count,
    opened: Opened,
    panics: FirstPanic,
    extra: X,
}

struct Count {
    /// Jobs spawned, except those that `Opened` still counts, less jobs done;
    /// and the body. Alone, since whoever runs jobs writes it, while the owner spawns
    /// and looks at what is beside it.
    tickets: CachePadded<AtomicUsize>,
    done: Latch,
    /// Wakes an owner that has no slot in the pool.
    waker: Option<Waker>,
}

/// The part that belongs to the thread which opened the scope.
struct Opened {
    thread: usize,
    /// Spawned on that thread; none when the body is over.
    spawned: Cell<Option<usize>>,
    canary: Canary,
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
// shared by design but for `opened`, which looks at the thread first, and to
// `extra`.
unsafe impl<X: Sync> Send for Ticket<'_, X> {}
// SAFETY: as above.
unsafe impl<X: Sync> Sync for Ticket<'_, X> {}

/// Tickets of one scope that were given back on one thread, and are not off
/// its count yet: so its frame stays.
#[derive(Debug, Default)]
pub(crate) struct Returned {
    scope: Cell<Option<NonNull<Count>>>,
    tickets: Cell<usize>,
}

// SAFETY: the count that it points to may be changed from any thread.
unsafe impl Send for Returned {}

/// Runs `body`, then returns when every job it spawned is done; raises the
/// first panic among them all, in time.
///
/// `body` gives its ticket back, and a result unless it panicked.
pub(crate) fn scope<'scope, H, X, R>(
    host: &H,
    whose: LatchOf,
    extra: X,
    body: impl FnOnce(Ticket<'scope, X>) -> (Option<R>, Ticket<'scope, X>),
) -> R
where
    H: Host,
    X: Sync + 'scope,
{
    open(Latch::new(host.index()), None, |done| host.wait(done, whose), extra, body)
}

/// The same on a thread that has no slot in the pool: `wait` blocks it until the
/// latch that it is given is set, and then `waker` is woken.
pub(crate) fn scope_outside<'scope, X, R>(
    waker: Waker,
    wait: impl FnMut(&Latch),
    extra: X,
    body: impl FnOnce(Ticket<'scope, X>) -> (Option<R>, Ticket<'scope, X>),
) -> R
where
    X: Sync + 'scope,
{
    // With a waker nobody asks for the slot.
    open(Latch::new(0), Some(waker), wait, extra, body)
}

#[inline]
fn open<'scope, X, R>(
    done: Latch,
    waker: Option<Waker>,
    mut wait: impl FnMut(&Latch),
    extra: X,
    body: impl FnOnce(Ticket<'scope, X>) -> (Option<R>, Ticket<'scope, X>),
) -> R
where
    X: Sync + 'scope,
{
    let core = Core {
        count: Count { tickets: CachePadded::new(AtomicUsize::new(BODY)), done, waker },
        opened: Opened {
            thread: this_thread(),
            spawned: Cell::new(Some(0)),
            canary: Canary::new(),
        },
        panics: FirstPanic::default(),
        extra,
    };
    let bomb = AbortOnDrop;
    let (result, ticket) = body(Ticket { core: NonNull::from(&core), marker: PhantomData });
    assert!(ptr::eq(ticket.core.as_ptr(), &raw const core), "a body gives its own ticket back");
    core.opened.canary.own();
    let spawned = core.opened.spawned.take().unwrap_or(0);
    // ORDERING(count): acquires what jobs wrote that are off the count already:
    // if all are, nobody sets the latch.
    let before = core.count.tickets.fetch_sub(BODY - spawned, Ordering::Acquire);
    if before != BODY - spawned {
        while !core.count.done.is_set() {
            wait(&core.count.done);
        }
    }
    core.count.done.end();
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

    /// The slot that waits for the scope's end; none if a thread outside does.
    pub(crate) fn owner(&self) -> Option<usize> {
        let count = &self.core().count;
        count.waker.is_none().then(|| count.done.owner())
    }

    /// Runs `f`; if it panics, none, and the scope's owner will raise it.
    pub(crate) fn guard<R>(&self, f: impl FnOnce() -> R) -> Option<R> {
        self.core().panics.guard(f)
    }

    /// Runs `f`; if it panics, the scope's owner will raise that unless the claim
    /// is used before.
    pub(crate) fn guard_claimed<R>(&self, f: impl FnOnce() -> R) -> Result<R, Arc<Claim>> {
        self.core().panics.guard_claimed(f)
    }

    /// A job of this scope, for the caller to push; `host` is the worker that
    /// this thread is, if any. It gets a ticket of its own and gives it back.
    #[inline]
    pub(crate) fn job<H, F>(&self, host: Option<&H>, func: F) -> JobRef<H>
    where
        H: Host,
        F: FnOnce(Self) -> Self + Send + 'scope,
    {
        let core = self.core();
        if !core.opened.count_one() {
            // ORDERING(count): whoever spawns holds a ticket, so the count
            // cannot reach zero before this add; relaxed is enough.
            core.count.tickets.fetch_add(1, Ordering::Relaxed);
        }
        let ticket = Ticket { core: self.core, marker: PhantomData };
        let run = move |host: &H| {
            // Others may wait for what was done here before.
            let scope = NonNull::from(&ticket.core().count);
            if host.returned().scope.get() != Some(scope) {
                host.returned().take_off(host);
            }
            let ticket = func(ticket);
            // A child runs no other job of the scope.
            host.process().or_abort();
            host.returned().add(NonNull::from(&ticket.core().count), host);
        };
        // SAFETY: `scope` waits for the ticket, so the job runs within 'scope.
        unsafe { job::heap(host, run) }
    }

    fn core(&self) -> &Core<X> {
        // SAFETY: `scope` has not returned, or there would be no ticket.
        unsafe { self.core.as_ref() }
    }
}

impl Opened {
    /// Counts a job, if this is the thread and the body still runs.
    #[inline]
    fn count_one(&self) -> bool {
        if self.thread != this_thread() {
            return false;
        }
        self.canary.own();
        match self.spawned.get() {
            Some(spawned) => {
                self.spawned.set(Some(spawned + 1));
                true
            }
            None => false,
        }
    }
}

impl Returned {
    /// One more ticket of `scope`, which is given up with this call.
    fn add<H: Host>(&self, scope: NonNull<Count>, host: &H) {
        if self.scope.get() != Some(scope) {
            self.take_off(host);
            self.scope.set(Some(scope));
        }
        self.tickets.set(self.tickets.get() + 1);
    }

    /// Is there nothing else that their scope waits for?
    pub(crate) fn are_last(&self) -> bool {
        self.scope.get().is_some_and(|scope| {
            // SAFETY: its tickets are here, so its frame is there.
            let count = unsafe { scope.as_ref() };
            // ORDERING(count): a hint; who takes them off finds out.
            count.tickets.load(Ordering::Relaxed) == self.tickets.get()
        })
    }

    /// Takes them off the scope's count. To be called before this thread turns
    /// to anything but further jobs of the same scope.
    #[inline]
    pub(crate) fn take_off<H: Host>(&self, host: &H) {
        if let Some(scope) = self.scope.take() {
            // SAFETY: its tickets are here, so its frame is there.
            unsafe { take_off(scope, self.tickets.take(), host) };
        }
    }
}

/// # Safety
///
/// So many tickets of `scope` are given up with this call.
unsafe fn take_off<H: Host>(scope: NonNull<Count>, tickets: usize, host: &H) {
    host.process().or_abort();
    // SAFETY: there are tickets, so the frame is there until the count is zero.
    let count = unsafe { scope.as_ref() };
    let done = &raw const count.done;
    // ORDERING(count): releases these jobs' writes; the last ones acquire
    // them all and hand them on through ORDERING(done).
    if count.tickets.fetch_sub(tickets, Ordering::AcqRel) == tickets {
        // Before the frame may be gone.
        let waker = count.waker.clone();
        // SAFETY: the last ticket was ours, so nobody has set it yet, and the
        // owner does not leave before it is set.
        let asleep = unsafe { Latch::set(done) };
        match (asleep, waker) {
            (Some(_), Some(waker)) => waker.wake(),
            (Some(owner), None) => host.wake(owner),
            (None, _) => (),
        }
    }
}

/// A number that no other living thread has.
#[inline]
fn this_thread() -> usize {
    thread_local! {
        static MARK: u8 = const { 0 };
    }
    MARK.with(|mark| ptr::from_ref(mark).addr())
}
