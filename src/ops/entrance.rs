//! What the ways into a pool have in common, whatever is brought: permits, and the
//! four ways to wait for one.

use std::time::Instant;

use super::{courier::Courier, handle::JoinHandle, packet};
use crate::{
    error::TrySpawnError,
    label::Extras,
    permits::{Acquire, Permits, Refused},
    raw::Verdict,
    registry::Registry,
    sync::Arc,
    unwind,
    worker::Worker,
};

/// A closure or a future, and what was asked for with it.
pub(super) struct Brought<F> {
    pub(super) f: F,
    pub(super) extras: Option<Box<Extras>>,
}

/// What was not let in, and why.
pub(super) type Turned<F> = (Refused, Brought<F>);

/// A way in for an `F`, from outside.
pub(super) trait Entrance<F>:
    AsRef<Permits> + Clone + Send + Sync + Unpin + 'static
{
    /// The result of the task that it becomes.
    type Output: Send + 'static;

    fn registry(&self) -> &Arc<Registry<Worker>>;

    /// Lets it in with the `in_use`th permit. It comes back, without one, if the way
    /// was closed meanwhile. The handle is still to be watched.
    fn admit(
        &self,
        brought: Brought<F>,
        in_use: usize,
    ) -> Result<JoinHandle<Self::Output>, Brought<F>>;

    /// One was sent away.
    fn reject(&self) {}
}

/// Lets it in if there is room now.
pub(super) fn try_enter<G: Entrance<F>, F>(
    gate: &G,
    brought: Brought<F>,
) -> Result<JoinHandle<G::Output>, Turned<F>> {
    enter_with(gate, brought, gate.as_ref().try_acquire())
}

/// Waits for room, at the latest until `limit` or the task's deadline.
pub(super) fn enter_until<G: Entrance<F>, F: Send + 'static>(
    gate: &G,
    brought: Brought<F>,
    limit: Option<Instant>,
) -> Result<JoinHandle<G::Output>, Turned<F>> {
    match gate.as_ref().try_acquire() {
        Err(Refused::Full) => {
            let deadline = brought.extras.as_ref().and_then(|extras| extras.deadline);
            let limit = limit.into_iter().chain(deadline).min();
            Courier::new(gate.clone(), brought).wait(limit)
        }
        permit => enter_with(gate, brought, permit),
    }
}

/// Waits for room without blocking.
pub(super) async fn enter_async<G: Entrance<F>, F>(
    gate: G,
    brought: Brought<F>,
) -> Result<JoinHandle<G::Output>, Turned<F>> {
    let permit = Acquire::from(gate.clone()).await;
    enter_with(&gate, brought, permit)
}

fn enter_with<G: Entrance<F>, F>(
    gate: &G,
    brought: Brought<F>,
    permit: Result<usize, Refused>,
) -> Result<JoinHandle<G::Output>, Turned<F>> {
    let in_use = match permit {
        Ok(in_use) => in_use,
        Err(refused) => return Err((refused, brought)),
    };
    let handle = gate.admit(brought, in_use).map_err(|brought| (Refused::Closed, brought))?;
    handle.watch(&gate.registry().timer);
    Ok(handle)
}

/// What a caller hears whose `f` was not let in.
pub(super) fn refuse<G: Entrance<F>, F>(gate: &G, (why, brought): Turned<F>) -> TrySpawnError<F> {
    gate.reject();
    match why {
        Refused::Full => TrySpawnError::Full(brought.f),
        Refused::Closed => TrySpawnError::Closed(brought.f),
    }
}

/// The handle of what was not let in, for a caller who hears of it there.
pub(super) fn refused<G: Entrance<F>, F>(
    gate: &G,
    (why, brought): Turned<F>,
) -> JoinHandle<G::Output> {
    gate.reject();
    unwind::discard(brought.f);
    // There is room in the end, unless there is a deadline.
    let verdict = if why == Refused::Full { Verdict::Overdue } else { Verdict::Cancelled };
    JoinHandle::new(packet::refused(brought.extras, verdict))
}
