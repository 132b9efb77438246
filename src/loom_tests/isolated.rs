//! A section whose fork is stolen, and a stranger's that wants the lock held there.

use super::{
    explore::{Preemptions, explore},
    house::{gate, pool},
};
use crate::sync::{Arc, Mutex, thread};

#[test]
fn loom_isolated_an_owner_that_waits_for_its_thief_runs_no_stranger() {
    explore(Preemptions { quick: 1, full: 1 }, || {
        let pool = Arc::new(pool(1, 2));
        let lock = Arc::new(Mutex::new(0));
        let (open, wait) = gate();
        let other = {
            let (pool, lock) = (Arc::clone(&pool), Arc::clone(&lock));
            // The thief is let go when there is a stranger to be stolen.
            thread::spawn(move || pool.join(open, || *lock.lock() += 1))
        };
        let mut held = lock.lock();
        pool.isolated(|| crate::join(|| (), wait));
        *held += 1;
        drop(held);
        other.join().unwrap();
        assert_eq!(*lock.lock(), 2);
    });
}

#[test]
fn loom_isolated_an_owner_and_its_thief_steal_from_each_other() {
    explore(Preemptions { quick: 1, full: 2 }, || {
        let pool = pool(1, 1);
        pool.isolated(|| crate::join(|| (), || crate::join(|| (), || ())));
    });
}
