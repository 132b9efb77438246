//! fork(2) in what a task leaves behind: the child comes back to the pool from there, too, and
//! goes no further.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};

use heist::ThreadPool;

use crate::forks_inside::{comes_back, forks_here};
use crate::process::alone;
use crate::support::{Gate, assert_whole, builder, hold, poll, pool, until};

/// Is this the child?
static IS_CHILD: AtomicBool = AtomicBool::new(false);
/// Or has its parent gone on?
static HAS_FORKED: AtomicBool = AtomicBool::new(false);

fn note_fork() {
    let what = if forks_here() { &IS_CHILD } else { &HAS_FORKED };
    what.store(true, Ordering::Relaxed);
}

/// A result that forks when it is dropped.
struct Forks;

impl Drop for Forks {
    fn drop(&mut self) {
        note_fork();
    }
}

/// A waker that forks when it is called.
struct Calls;

impl Wake for Calls {
    fn wake(self: Arc<Self>) {
        note_fork();
    }
}

/// A task is spawned, and one behind it that is not for the child.
fn comes_back_after(pool: &ThreadPool, spawn: impl FnOnce()) {
    let held = hold(pool);
    spawn();
    let next = pool.spawn(|| {
        if IS_CHILD.load(Ordering::Relaxed) {
            // SAFETY: nothing of the parent's is torn down.
            unsafe { libc::_exit(0) }
        }
    });
    held.release();
    next.join().unwrap();
    assert_whole(pool);
}

#[test]
fn a_child_that_comes_back_from_a_results_destructor_runs_no_other_task() {
    alone(|| {
        comes_back(|| {
            let pool = pool(1);
            comes_back_after(&pool, || drop(pool.spawn(|| Forks)));
        });
    });
}

#[test]
fn a_child_that_comes_back_from_a_panic_handler_runs_no_other_task() {
    alone(|| {
        comes_back(|| {
            let pool = builder(1).panic_handler(|_| note_fork()).build().unwrap();
            comes_back_after(&pool, || drop(pool.spawn(|| std::panic::resume_unwind(Box::new(1)))));
        });
    });
}

#[test]
fn a_child_that_comes_back_from_a_waker_runs_no_other_task() {
    alone(|| {
        comes_back(|| {
            let pool = pool(1);
            let mut task = None;
            comes_back_after(&pool, || {
                let mut spawned = pool.spawn(|| ());
                assert!(poll(pin!(&mut spawned), &Waker::from(Arc::new(Calls))).is_pending());
                task = Some(spawned);
            });
            task.unwrap().join().unwrap();
        });
    });
}

#[test]
fn a_child_that_comes_back_to_a_stand_in_aborts_and_its_parent_goes_on() {
    alone(|| {
        comes_back(|| {
            let pool = pool(1);
            let (inside, back) = (Gate::shared(), Gate::shared());
            let (arrive, pass) = (inside.clone(), back.clone());
            let away = pool.spawn(move || {
                heist::blocking(|| {
                    arrive.open();
                    pass.pass();
                });
            });
            inside.pass();
            let detached = Gate::shared();
            let wait = detached.clone();
            drop(pool.spawn(move || {
                wait.pass();
                Forks
            }));
            detached.open();
            // In the child nothing else comes.
            until(|| HAS_FORKED.load(Ordering::Relaxed));
            pool.spawn(move || back.open()).join().unwrap();
            away.join().unwrap();
            assert_whole(&pool);
        });
    });
}
