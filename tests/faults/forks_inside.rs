//! fork(2) on a thread that works for a pool: the child may use other pools and
//! exit, and does not come back.

use std::os::unix::process::CommandExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::process::{alone, assert_settled, doomed, fork, rounds};
use crate::support::{Gate, assert_whole, builder, message, pool, until};

/// What `child_in` saw of the child.
const CAME_BACK: &str = "its child came back to the pool";

#[test]
fn the_child_of_a_task_works_for_no_pool_and_may_use_another() {
    alone(|| {
        for threads in [1, 2, 4] {
            let pool = Arc::new(pool(threads));
            for _ in 0..rounds(10) {
                let inner = pool.clone();
                let child = move || {
                    assert_eq!(heist::current_thread_index(), None);
                    assert!(heist::yield_now().is_none());
                    assert!(message(|| inner.join(|| (), || ())).contains("fork(2)"));
                    assert!(inner.try_spawn(|| ()).unwrap_err().is_closed());
                    assert_eq!(heist::join(|| 1, || 2), (1, 2));
                    assert_whole(heist::global());
                };
                let task = pool.spawn(move || fork(child));
                task.join().unwrap().well();
            }
            assert_whole(&pool);
            assert_settled(&pool);
        }
    });
}

#[test]
fn the_child_of_a_blocking_section_is_in_none_and_its_parent_comes_back() {
    alone(|| {
        for threads in [1, 2, 4] {
            let pool = Arc::new(pool(threads));
            for _ in 0..rounds(10) {
                let inner = pool.clone();
                let child = move || {
                    assert_eq!(heist::current_thread_index(), None);
                    assert_eq!(heist::blocking(|| heist::blocking(|| 7)), 7);
                    assert!(message(|| inner.join(|| (), || ())).contains("fork(2)"));
                    assert_eq!(heist::join(|| 1, || 2), (1, 2));
                    assert_whole(heist::global());
                };
                let blocked = crate::support::hold_some(&pool, threads - 1);
                let (inside, go) = (Arc::new(Gate::default()), Arc::new(Gate::default()));
                let (arrive, pass) = (inside.clone(), go.clone());
                let task = pool.spawn(move || {
                    heist::blocking(|| {
                        arrive.open();
                        // With a stand-in at work, which the child has not.
                        pass.pass();
                        fork(child)
                    })
                });
                inside.pass();
                let stood_in = pool.spawn(move || {
                    go.open();
                    heist::current_thread_index()
                });
                assert_eq!(stood_in.join().unwrap(), None);
                task.join().unwrap().well();
                blocked.release();
            }
            assert_whole(&pool);
            assert_settled(&pool);
        }
    });
}

/// Forks without an end for the child, which goes on where its parent does.
/// True: this is the child.
pub(crate) fn forks_here() -> bool {
    // SAFETY: see `process::fork`.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0);
    pid == 0
}

/// Runs `body` in a child, where it may fork again, by the verb under test.
#[track_caller]
pub(crate) fn comes_back(body: impl FnOnce()) {
    fork(|| {
        body();
        // Whoever was forked inside `body` is the child of this process.
        let mut status = 0;
        // SAFETY: a place for a number.
        let pid = unsafe { libc::wait(&raw mut status) };
        assert!(pid > 0 && libc::WIFSIGNALED(status), "the child inside: {status:x}");
    })
    .aborted_inside();
}

impl crate::process::Ended {
    #[track_caller]
    fn aborted_inside(&self) {
        self.well();
        assert!(self.cried.contains(CAME_BACK), "{}", self.cried);
    }
}

#[test]
fn a_child_that_comes_back_to_a_pool_aborts_and_its_parent_goes_on() {
    alone(|| {
        for threads in [1, 2, 4] {
            comes_back(|| {
                let pool = pool(threads);
                pool.spawn(forks_here).join().unwrap();
                assert_whole(&pool);
            });
            comes_back(|| {
                let pool = pool(threads);
                pool.spawn(|| heist::blocking(forks_here)).join().unwrap();
                assert_whole(&pool);
            });
            comes_back(|| {
                let pool = pool(threads);
                pool.install(forks_here);
                assert_whole(&pool);
            });
            comes_back(|| {
                let pool = pool(threads);
                pool.install(|| {
                    heist::scope(|s| {
                        s.spawn(|_| {
                            forks_here();
                        });
                    });
                });
                assert_whole(&pool);
            });
            comes_back(|| {
                let pool = builder(threads).start_handler(|index| {
                    if index == 0 {
                        forks_here();
                    }
                });
                assert_whole(&pool.build().unwrap());
            });
            comes_back(|| {
                let pool = builder(threads).exit_handler(|index| {
                    if index == 0 {
                        forks_here();
                    }
                });
                drop(pool.build().unwrap());
            });
        }
    });
}

#[test]
fn a_child_does_not_wait_for_what_another_thread_has_taken() {
    alone(|| {
        for threads in [1, 2, 4] {
            comes_back(|| {
                let pool = pool(threads);
                let (taken, go) = (Gate::default(), Gate::default());
                let both = || {
                    taken.pass();
                    let child = forks_here();
                    go.open();
                    child
                };
                pool.join(both, || {
                    taken.open();
                    go.pass();
                });
                assert_whole(&pool);
            });
        }
    });
}

/// For a child: a worker that was about to wait at the gate may have had its lock when
/// the process was forked, and has it for ever in here.
fn left_shut(held: crate::support::Held) {
    std::mem::forget(held);
}

/// For its parent, which has no other.
#[track_caller]
fn the_child_inside_ends_well() {
    let mut status = 0;
    // SAFETY: a place for a number.
    assert!(unsafe { libc::wait(&raw mut status) } > 0);
    assert_eq!(status, 0, "the child inside");
}

#[test]
fn a_child_goes_on_with_what_nobody_has_taken() {
    alone(|| {
        for threads in [1, 2, 4] {
            let pool = pool(threads);
            for _ in 0..rounds(10) {
                let ended = fork(|| {
                    // A pool of this process, whose workers are all busy.
                    let pool = builder(threads).build().unwrap();
                    let held = crate::support::hold(&pool);
                    let (child, ran) = pool.join(forks_here, || 2);
                    assert_eq!(ran, 2);
                    if child {
                        let said = message(|| pool.join(|| (), || ()));
                        assert!(said.contains("fork(2)"));
                        left_shut(held);
                        drop(pool);
                        return;
                    }
                    the_child_inside_ends_well();
                    held.release();
                    assert_whole(&pool);
                });
                ended.well();
            }
            assert_whole(&pool);
        }
    });
}

#[test]
fn a_child_that_comes_back_from_a_scopes_job_runs_no_other() {
    alone(|| {
        comes_back(|| {
            let pool = pool(1);
            let is_child = AtomicBool::new(false);
            pool.install(|| {
                heist::scope(|s| {
                    s.spawn(|_| {
                        if is_child.load(Ordering::SeqCst) {
                            // SAFETY: nothing of the parent's is torn down.
                            unsafe { libc::_exit(0) }
                        }
                    });
                    s.spawn(|_| is_child.store(forks_here(), Ordering::SeqCst));
                });
            });
            assert_whole(&pool);
        });
    });
}

#[test]
fn a_child_spawns_nothing_into_a_scope_of_its_parent() {
    alone(|| {
        for threads in [1, 2] {
            let pool = pool(threads);
            pool.scope(|s| {
                s.spawn(|s| {
                    let child = || {
                        let said = message(|| s.spawn(|_| ()));
                        assert!(said.contains("fork(2)"), "{said}");
                    };
                    fork(child).well();
                });
            });
            assert_whole(&pool);
        }
    });
}

#[test]
fn a_child_that_comes_back_aborts_whoever_has_locked_the_standard_error() {
    alone(|| {
        comes_back(|| {
            let pool = pool(1);
            let locked = std::io::stderr().lock();
            pool.spawn(forks_here).join().unwrap();
            drop(locked);
            assert_whole(&pool);
        });
    });
}

#[test]
fn a_panic_unwinds_through_a_join_in_the_child() {
    alone(|| {
        let ended = fork(|| {
            let pool = pool(1);
            let held = crate::support::hold(&pool);
            let mut child = false;
            let unwound = catch_unwind(AssertUnwindSafe(|| {
                pool.join(
                    || {
                        child = forks_here();
                        assert!(!child, "in the child");
                    },
                    || (),
                )
            }));
            assert_eq!(unwound.is_err(), child);
            if child {
                left_shut(held);
                return;
            }
            the_child_inside_ends_well();
            held.release();
            assert_whole(&pool);
        });
        ended.well();
    });
}

#[test]
fn tasks_may_start_programs() {
    alone(|| {
        let pool = pool(2);
        let tasks: Vec<_> = (0..rounds(10))
            .map(|_| {
                pool.spawn(|| {
                    let mut command = Command::new("true");
                    // SAFETY: does nothing. With it there is a fork.
                    unsafe { command.pre_exec(|| Ok(())) };
                    command.status().unwrap().success()
                })
            })
            .collect();
        assert!(tasks.into_iter().all(|task| task.join().unwrap()));
        assert_whole(&pool);
    });
}

#[test]
fn the_last_process_of_a_task_that_forks_ends_without_a_hang() {
    let ended = doomed(|| {
        let pool = pool(1);
        // The parent is gone; its child, which has but this thread, comes back.
        let task = pool.spawn(|| {
            // SAFETY: a number.
            let parent = unsafe { libc::getpid() };
            if !forks_here() {
                // SAFETY: numbers.
                unsafe { libc::kill(parent, libc::SIGKILL) };
            }
        });
        until(|| task.is_finished());
    });
    if let Some(ended) = ended {
        assert!(!ended.status.success());
    }
}
