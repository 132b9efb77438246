//! The threads of stand-ins: when they come, and that they go.

use std::time::Duration;

use crate::blocking::block_all;
use crate::support::{Count, Gate, alone, assert_whole, pool, until, within_a_minute};

/// Threads of this process.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count)
}

#[test]
fn every_end_of_a_pool_waits_for_its_stand_ins() {
    alone("stand_ins::every_end_of_a_pool_waits_for_its_stand_ins", || {
        let before = threads();
        for end in 0..4 {
            let pool = pool(2);
            let (gate, blocked) = block_all(&pool);
            pool.spawn(|| ()).join().unwrap();
            assert!(threads() > before + 2);
            let ran = Count::shared();
            let late = ran.clone();
            drop(pool.spawn(move || late.add()));
            gate.open();
            match end {
                0 => drop(pool),
                1 => pool.shutdown(),
                2 => pool.shutdown_timeout(Duration::MAX).unwrap(),
                _ => drop(pool.shutdown_now()),
            }
            until(|| threads() == before);
            assert!(ran.get() == 1 || end == 3);
            blocked.into_iter().for_each(|task| drop(task.join()));
        }
    });
}

#[test]
fn a_pool_ends_although_a_stand_in_runs_the_last_task() {
    within_a_minute(|| {
        let pool = pool(1);
        let (gate, blocked) = block_all(&pool);
        let (long, begun) = (Gate::shared(), Gate::shared());
        let (stay, begin) = (long.clone(), begun.clone());
        let last = pool.spawn(move || {
            begin.open();
            stay.pass();
            7
        });
        begun.pass();
        gate.open();
        blocked.into_iter().for_each(|task| task.join().unwrap());
        let late = pool.shutdown_timeout(Duration::from_millis(1)).unwrap_err();
        assert_eq!(late.unfinished(), 1);
        long.open();
        assert_eq!(last.join().unwrap(), 7);
    });
}

#[test]
fn stand_ins_without_work_leave_after_a_while() {
    alone("stand_ins::stand_ins_without_work_leave_after_a_while", || {
        let pool = pool(1);
        assert_whole(&pool);
        let before = threads();
        for _ in 0..2 {
            let (gate, blocked) = block_all(&pool);
            pool.spawn(|| ()).join().unwrap();
            assert_eq!(threads(), before + 1);
            until(|| threads() == before);
            // And come again.
            pool.spawn(|| ()).join().unwrap();
            gate.open();
            blocked.into_iter().for_each(|task| task.join().unwrap());
        }
    });
}
