//! What the ways into a pool have in common, whatever is brought: permits, and the
//! four ways to wait for one.

use std::time::Instant;

use super::courier::Courier;
use crate::{
    error::TrySpawnError,
    permits::{Acquire, Permits, Refused},
    registry::Registry,
    sync::Arc,
    worker::Worker,
};

/// A way in for an `F`, from outside.
pub(super) trait Entrance<F>:
    AsRef<Permits> + Clone + Send + Sync + Unpin + 'static
{
    type Handle: Send;

    fn registry(&self) -> &Arc<Registry<Worker>>;

    /// Lets `f` in with the `in_use`th permit. It comes back, without one, if the
    /// way was closed meanwhile.
    fn admit(&self, f: F, in_use: usize) -> Result<Self::Handle, F>;

    /// One was sent away.
    fn reject(&self) {}
}

/// Lets `f` in if there is room now.
pub(super) fn try_enter<G: Entrance<F>, F>(gate: &G, f: F) -> Result<G::Handle, TrySpawnError<F>> {
    enter_with(gate, f, gate.as_ref().try_acquire())
}

/// Waits for room, at the latest until `deadline`.
pub(super) fn enter_until<G: Entrance<F>, F: Send + 'static>(
    gate: &G,
    f: F,
    deadline: Option<Instant>,
) -> Result<G::Handle, TrySpawnError<F>> {
    match gate.as_ref().try_acquire() {
        Err(Refused::Full) => {
            let answer = Courier::new(gate.clone(), f).wait(deadline);
            answer.map_err(|(refused, f)| refuse(gate, f, refused))
        }
        permit => enter_with(gate, f, permit),
    }
}

/// Waits for room without blocking.
pub(super) async fn enter_async<G: Entrance<F>, F>(
    gate: G,
    f: F,
) -> Result<G::Handle, TrySpawnError<F>> {
    let permit = Acquire::from(gate.clone()).await;
    enter_with(&gate, f, permit)
}

fn enter_with<G: Entrance<F>, F>(
    gate: &G,
    f: F,
    permit: Result<usize, Refused>,
) -> Result<G::Handle, TrySpawnError<F>> {
    match permit {
        Ok(in_use) => gate.admit(f, in_use).map_err(|f| refuse(gate, f, Refused::Closed)),
        Err(refused) => Err(refuse(gate, f, refused)),
    }
}

/// What a caller hears whose `f` was not let in.
pub(super) fn refuse<G: Entrance<F>, F>(gate: &G, f: F, why: Refused) -> TrySpawnError<F> {
    gate.reject();
    match why {
        Refused::Full => TrySpawnError::Full(f),
        Refused::Closed => TrySpawnError::Closed(f),
    }
}
