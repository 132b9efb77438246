//! Two pools, one inside the other.

use super::{
    explore::{Cell, Preemptions, explore},
    house::pool,
};
use crate::sync::Arc;

#[test]
fn loom_pools_of_one_worker_each_call_each_other() {
    explore(Preemptions { quick: 0, full: 1 }, || {
        let pools = Arc::new([pool(1, 0), pool(1, 0)]);
        let tasks = [0, 1].map(|here| {
            let other = Arc::downgrade(&pools);
            pools[here].spawn(move || {
                let Some(pools) = other.upgrade() else { return };
                pools[1 - here].install(|| ());
            })
        });
        tasks.into_iter().for_each(|task| task.join().unwrap());
    });
}

#[test]
fn loom_pools_a_job_from_another_pool_is_found() {
    explore(Preemptions { quick: 0, full: 1 }, || {
        let (home, other) = (pool(1, 1), pool(1, 0));
        let cell = Cell::<u32>::default();
        home.scope(|scope| {
            other.install(|| scope.spawn(|_| cell.write(|value| *value += 1)));
        });
        assert_eq!(cell.read(|value| *value), 1);
    });
}

/// The caller lets go of the second pool, or the first one's worker does, which then waits for
/// its end in the middle of a task.
#[test]
fn loom_pools_one_is_dropped_while_a_worker_of_the_other_uses_it() {
    explore(Preemptions { quick: 1, full: 2 }, || {
        let home = pool(1, 0);
        let other = Arc::new(pool(1, 0));
        let inside = Arc::clone(&other);
        let task = home.spawn(move || {
            let result = inside.install(|| crate::spawn(|| 7));
            drop(inside);
            result
        });
        drop(other);
        home.shutdown();
        // Accepted before the end of its pool, since that was used.
        assert_eq!(task.join().unwrap().join().unwrap(), 7);
    });
}
