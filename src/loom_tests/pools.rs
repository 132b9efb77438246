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
