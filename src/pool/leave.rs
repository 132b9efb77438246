//! Waiting until a pool's threads have left, before they are joined: this thread may be a worker
//! of another pool, which they may need meanwhile.

use std::{task::Waker, time::Instant};

use crate::{
    parker::Parker,
    registry::Registry,
    stall::StallCause,
    sync::Arc,
    worker::{Noted, Worker, wait_on},
};

/// Waits until all threads of a pool that ends have left. False: `deadline` came before.
pub(super) fn all_leave(registry: &Arc<Registry<Worker>>, deadline: Option<Instant>) -> bool {
    let (attendance, staff) = (&registry.attendance, &registry.staff);
    let workers = registry.workers();
    // One wait, whoever is waited for.
    let mut noted = None;
    if !wait(&mut noted, registry, deadline, |waker| attendance.poll_all_left(workers, waker)) {
        return false;
    }
    // A stand-in may still be at what a task has left behind, which counts no more.
    staff.send_home();
    wait(&mut noted, registry, deadline, |waker| staff.poll_retired(waker))
}

/// The same for those that have begun, of a pool that was never whole.
pub(super) fn all_that_began_leave(registry: &Arc<Registry<Worker>>) {
    wait(&mut None, registry, None, |waker| registry.attendance.poll_began_left(waker));
}

fn wait(
    noted: &mut Option<Noted>,
    registry: &Arc<Registry<Worker>>,
    deadline: Option<Instant>,
    poll: impl Fn(&Waker) -> bool,
) -> bool {
    let parker = Parker::current();
    let waker = parker.waker();
    let is_over = || poll(&waker);
    let why = || StallCause::Shutdown;
    wait_on(noted, &is_over, &why, &parker, Some(registry), deadline);
    is_over()
}
