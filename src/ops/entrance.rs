//! What the ways into a pool have in common, whatever is brought: permits, the four
//! verbs that wait for one, and what they do on a thread of the pool, which does not.

use std::time::{Duration, Instant};

use super::{courier::Courier, handle::JoinHandle, packet};
use crate::{
    error::TrySpawnError,
    permits::{Acquire, Permits, Refused},
    raw::Verdict,
    registry::{Phase, Registry},
    sync::Arc,
    unwind,
    worker::{Extras, Worker, in_section},
};

/// A closure or a future, and what was asked for with it.
pub(super) struct Brought<F> {
    pub(super) f: F,
    pub(super) extras: Option<Box<Extras>>,
    /// Was it made in an isolated section? Who lets it in may be another thread.
    pub(super) is_isolated: bool,
}

impl<F> Brought<F> {
    /// Made where this thread is.
    pub(super) fn new(f: F, extras: Option<Box<Extras>>) -> Self {
        Brought { f, extras, is_isolated: in_section() }
    }
}

/// What was not let in, and why.
pub(super) type Turned<F> = (Refused, Brought<F>);

/// What is let in, or not.
pub(super) type Decided<T, F> = Result<JoinHandle<T>, Turned<F>>;

/// What is to become of a task that a thread of the pool brings when so many wait
/// that it would have to wait outside, and it can work none of them off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flood {
    Accept,
    /// It comes back as `Full`.
    Refuse,
}

/// A way in for an `F`.
pub(super) trait Entrance<F>:
    AsRef<Permits> + Clone + Send + Sync + Unpin + 'static
{
    /// The result of the task that it becomes.
    type Output: Send + 'static;

    fn registry(&self) -> &Arc<Registry<Worker>>;

    /// Lets it in from outside, with the `in_use`th permit. It comes back, without one, if the way
    /// was closed meanwhile. The handle is still to be watched. It calls nobody: this
    /// is done under the lock of a `Courier`.
    fn admit(
        &self,
        brought: Brought<F>,
        in_use: usize,
    ) -> Result<JoinHandle<Self::Output>, Brought<F>>;

    /// Lets it in on a thread of the pool, which waits for nothing. The handle is
    /// watched.
    fn push_inside(
        &self,
        worker: &Worker,
        brought: Brought<F>,
        flood: Flood,
    ) -> Decided<Self::Output, F>;

    /// One was sent away.
    fn reject(&self) {}
}

/// `spawn`: what was not let in is dropped, and its handle says why.
pub(super) fn spawn<G: Entrance<F>, F: Send + 'static>(
    gate: &G,
    brought: Brought<F>,
) -> JoinHandle<G::Output> {
    let inside = spawn_inside(gate, brought, Flood::Accept);
    let decided = inside.unwrap_or_else(|brought| enter_until(gate, brought, None));
    decided.unwrap_or_else(|turned| refused(gate, turned))
}

/// `try_spawn`.
pub(super) fn try_spawn<G: Entrance<F>, F>(
    gate: &G,
    brought: Brought<F>,
) -> Result<JoinHandle<G::Output>, TrySpawnError<F>> {
    let inside = spawn_inside(gate, brought, Flood::Refuse);
    let decided = inside.unwrap_or_else(|brought| {
        let permit = gate.as_ref().try_acquire();
        enter_with(gate, brought, permit)
    });
    decided.map_err(|turned| refuse(gate, turned))
}

/// `spawn_timeout`.
pub(super) fn spawn_timeout<G: Entrance<F>, F: Send + 'static>(
    gate: &G,
    brought: Brought<F>,
    timeout: Duration,
) -> Result<JoinHandle<G::Output>, TrySpawnError<F>> {
    let inside = spawn_inside(gate, brought, Flood::Refuse);
    let decided = inside
        .unwrap_or_else(|brought| enter_until(gate, brought, Instant::now().checked_add(timeout)));
    decided.map_err(|turned| refuse(gate, turned))
}

/// `spawn_async`. It may be pending inside, too: no thread waits for it.
pub(super) async fn spawn_async<G: Entrance<F>, F>(
    gate: G,
    brought: Brought<F>,
) -> Result<JoinHandle<G::Output>, TrySpawnError<F>> {
    let decided = match spawn_inside(&gate, brought, Flood::Refuse) {
        Ok(Err((Refused::Full, brought))) | Err(brought) => {
            let permit = Acquire::from(gate.clone()).await;
            enter_with(&gate, brought, permit)
        }
        Ok(decided) => decided,
    };
    decided.map_err(|turned| refuse(&gate, turned))
}

/// On a thread of the pool; elsewhere what was brought comes back.
fn spawn_inside<G: Entrance<F>, F>(
    gate: &G,
    brought: Brought<F>,
    flood: Flood,
) -> Result<Decided<G::Output, F>, Brought<F>> {
    let registry = gate.registry();
    Worker::of(registry, |worker| match worker {
        None => Err(brought),
        Some(_) if registry.phase() >= Phase::Closed => Ok(Err((Refused::Closed, brought))),
        Some(worker) => {
            let decided = gate.push_inside(worker, brought, flood);
            Ok(decided.inspect(|handle| handle.heed_end(worker)))
        }
    })
}

/// Waits for room, at the latest until `limit` or the task's deadline.
fn enter_until<G: Entrance<F>, F: Send + 'static>(
    gate: &G,
    brought: Brought<F>,
    limit: Option<Instant>,
) -> Decided<G::Output, F> {
    match gate.as_ref().try_acquire() {
        Err(Refused::Full) => {
            let deadline = brought.extras.as_ref().and_then(|extras| extras.deadline);
            let limit = limit.into_iter().chain(deadline).min();
            Courier::new(gate.clone(), brought).wait(limit)
        }
        permit => enter_with(gate, brought, permit),
    }
}

fn enter_with<G: Entrance<F>, F>(
    gate: &G,
    brought: Brought<F>,
    permit: Result<usize, Refused>,
) -> Decided<G::Output, F> {
    let in_use = match permit {
        Ok(in_use) => in_use,
        Err(refused) => return Err((refused, brought)),
    };
    let handle = gate.admit(brought, in_use).map_err(|brought| (Refused::Closed, brought))?;
    handle.watch(&gate.registry().timer);
    Ok(handle)
}

/// What a caller hears whose `f` was not let in.
fn refuse<G: Entrance<F>, F>(gate: &G, (why, brought): Turned<F>) -> TrySpawnError<F> {
    gate.reject();
    match why {
        Refused::Full => TrySpawnError::Full(brought.f),
        Refused::Closed => TrySpawnError::Closed(brought.f),
    }
}

/// The handle of what was not let in, for a caller who hears of it there.
fn refused<G: Entrance<F>, F>(gate: &G, (why, brought): Turned<F>) -> JoinHandle<G::Output> {
    gate.reject();
    unwind::discard(brought.f);
    // There is room in the end, unless there is a deadline.
    let verdict = if why == Refused::Full { Verdict::Overdue } else { Verdict::Cancelled };
    JoinHandle::new(packet::refused(brought.extras, verdict))
}
