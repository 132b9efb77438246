//! fork(2) beside a detector of stalls: the child has none of its threads.

use std::sync::Arc;
use std::time::Duration;

use heist::ThreadPool;

use crate::forks_inside::{comes_back, forks_here};
use crate::process::{alone, assert_settled, fork, rounds};
use crate::support::{Count, Gate, assert_whole, builder, hold, message, until};

const SOON: Duration = Duration::from_micros(100);

fn watched(threads: usize) -> (ThreadPool, Arc<Count>) {
    let told = Count::shared();
    let count = told.clone();
    (builder(threads).stall_handler(SOON, move |_| count.add()).build().unwrap(), told)
}

/// A task of a new pool stalls, and is told of.
fn assert_watched() {
    let (pool, told) = watched(1);
    let gate = Gate::shared();
    let pass = gate.clone();
    let task = pool.spawn(move || pass.pass());
    until(|| told.get() > 0);
    gate.open();
    task.join().unwrap();
}

#[test]
fn a_child_ends_a_pool_that_stalls_and_a_pool_of_its_own_is_watched() {
    alone(|| {
        for _ in 0..rounds(10) {
            let (pool, told) = watched(2);
            let held = hold(&pool);
            until(|| told.get() > 0);
            let mut pool = Some(pool);
            let child = fork(|| {
                let (pool, before) = (pool.take().unwrap(), told.get());
                assert!(message(|| pool.install(|| ())).contains("fork(2)"));
                assert!(pool.try_spawn(|| ()).unwrap_err().is_closed());
                drop(pool);
                assert_watched();
                assert_eq!(told.get(), before, "the parent's stalls are the parent's");
            });
            child.well();
            held.release();
            assert_whole(pool.as_ref().unwrap());
            assert_settled(pool.as_ref().unwrap());
        }
    });
}

#[test]
fn the_child_of_a_task_that_stalls_may_use_a_pool_of_its_own() {
    alone(|| {
        for _ in 0..rounds(10) {
            let (pool, told) = watched(1);
            let count = told.clone();
            let task = pool.spawn(move || {
                until(|| count.get() > 0);
                fork(|| {
                    assert_eq!(heist::blocking(|| 7), 7);
                    assert_watched();
                })
            });
            task.join().unwrap().well();
            assert_whole(&pool);
        }
    });
}

#[test]
fn a_child_that_comes_back_to_the_clocks_aborts_and_its_parent_goes_on() {
    alone(|| {
        comes_back(|| {
            let (told, gate) = (Count::shared(), Gate::shared());
            let (count, pass) = (told.clone(), gate.clone());
            let stalls = move |_: &_| {
                if count.get() == 0 {
                    forks_here();
                }
                count.add();
            };
            let pool = builder(1).stall_handler(SOON, stalls).build().unwrap();
            let task = pool.spawn(move || pass.pass());
            until(|| told.get() > 0);
            gate.open();
            task.join().unwrap();
            assert_whole(&pool);
        });
    });
}
