//! Threads that cannot be started: the pool is not built, and nothing is left.

use std::error::Error;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use heist::{BuildError, ThreadBuilder, ThreadPool};

use crate::process::{alone, alone_as_root, become_nobody_else, fork, rounds};
use crate::support::{assert_whole, builder, hold_in, pool, threads, until};

/// A pool could not be built, since thread `index` of `of` was refused.
#[track_caller]
fn assert_refused(built: Result<ThreadPool, BuildError>, index: usize, of: usize) {
    let error = built.unwrap_err();
    assert!(error.is_thread() && error.source().is_some());
    let said = error.to_string();
    assert!(said.contains(&format!("thread {} of {of} (worker {index})", index + 1)), "{said}");
}

/// Threads that a spawn handler started: how many began, and how many are done.
#[derive(Clone, Default)]
struct Staff(Arc<(AtomicUsize, AtomicUsize)>);

impl Staff {
    fn start(&self, worker: ThreadBuilder) -> io::Result<()> {
        let staff = self.clone();
        let run = move || {
            staff.0.0.fetch_add(1, Ordering::Relaxed);
            worker.run();
            staff.0.1.fetch_add(1, Ordering::Relaxed);
        };
        thread::Builder::new().spawn(run).map(drop)
    }

    fn is_gone(&self, started: usize) -> bool {
        let gone = [&self.0.0, &self.0.1].map(|count| count.load(Ordering::Relaxed));
        gone == [started; 2]
    }
}

#[test]
fn each_way_not_to_start_each_thread_leaves_nothing_behind() {
    alone(|| {
        let before = threads();
        for of in [1, 2, 4] {
            for (index, way) in (0..of).flat_map(|index| (0..4).map(move |way| (index, way))) {
                let staff = Staff::default();
                let starter = staff.clone();
                let start = move |worker: ThreadBuilder| {
                    if worker.index() != index {
                        return starter.start(worker);
                    }
                    match way {
                        0 => Err(io::Error::other("the house is full")),
                        1 => {
                            drop(worker);
                            Ok(())
                        }
                        2 => {
                            // The thread comes, and goes again without having run.
                            let idle = thread::spawn(move || drop(worker));
                            idle.join().map_err(|_| io::Error::other("a panic"))
                        }
                        _ => panic!("the handler itself"),
                    }
                };
                let built =
                    catch_unwind(AssertUnwindSafe(|| builder(of).spawn_handler(start).build()));
                match built {
                    Ok(built) => assert_refused(built, index, of),
                    Err(_) => assert_eq!(way, 3),
                }
                until(|| staff.is_gone(index) && threads() == before);
            }
            assert_whole(&pool(of));
        }
    });
}

#[test]
fn a_thread_that_gives_its_worker_up_at_once_is_refused_or_done_without() {
    alone(|| {
        for of in [1, 2, 4] {
            for turn in 0..rounds(20) {
                let index = turn % of;
                let start = move |worker: ThreadBuilder| {
                    let run =
                        move || if worker.index() == index { drop(worker) } else { worker.run() };
                    thread::Builder::new().spawn(run).map(drop)
                };
                // Before the last thread was started, or after.
                let pool = match builder(of).spawn_handler(start).build() {
                    Ok(pool) => pool,
                    Err(error) => {
                        assert!(error.is_thread());
                        continue;
                    }
                };
                let indices = pool.broadcast(|cx| cx.index());
                assert!(indices.len() >= of - 1);
                drop(pool);
            }
        }
    });
}

/// Lowers a limit of this process, both the one in force and the highest.
pub(crate) fn limit(resource: libc::__rlimit_resource_t, value: u64) {
    let limit = libc::rlimit { rlim_cur: value, rlim_max: value };
    // SAFETY: a limit to read.
    let error = unsafe { libc::setrlimit(resource, &raw const limit) };
    assert_eq!(error, 0, "{}", io::Error::last_os_error());
}

/// How much address space this process has, in bytes.
fn address_space() -> u64 {
    let sizes = std::fs::read_to_string("/proc/self/statm").expect("procfs");
    let pages: u64 = sizes.split(' ').next().unwrap().parse().expect("a number");
    pages * 4096
}

#[test]
fn threads_beyond_the_address_space_are_refused_and_a_smaller_pool_starts() {
    alone(|| {
        for room in 0..6 {
            fork(|| {
                // For so many stacks and a little more. What a thread needs for
                // itself comes out of that, or its start aborts: so not too little.
                limit(libc::RLIMIT_AS, address_space() + (room * 512 + 256) * (1 << 20));
                let before = threads();
                let built = builder(16).stack_size(512 << 20).build();
                let error = built.unwrap_err();
                assert!(error.is_thread(), "{error}");
                until(|| threads() == before);
                let built = builder(2).stack_size(1 << 20).build();
                assert_whole(&built.unwrap());
            })
            .well();
        }
    });
}

#[test]
fn a_stack_without_bounds_is_refused() {
    alone(|| {
        let before = threads();
        for bytes in [isize::MAX as usize, usize::MAX] {
            for of in [1, 2, 4] {
                assert_refused(builder(of).stack_size(bytes).build(), 0, of);
            }
        }
        until(|| threads() == before);
    });
}

#[test]
fn threads_beyond_a_users_number_are_refused_and_a_smaller_pool_starts() {
    alone_as_root(|| {
        for (allowed, of) in [(1, 4), (2, 4), (4, 4), (3, 16)] {
            fork(|| {
                limit(libc::RLIMIT_NPROC, allowed);
                become_nobody_else();
                let index = allowed as usize - 1;
                assert_refused(builder(of).build(), index, of);
                until(|| threads() == 1);
                if index > 0 {
                    let pool = pool(index);
                    assert_whole(&pool);
                    // Nor can a stand-in be started; a worker comes in the end.
                    pool.shutdown();
                }
                assert!(heist::ThreadPoolBuilder::new().num_threads(of).build_global().is_err());
                assert!(builder(index.max(1)).build_global().is_ok() == (index > 0));
            })
            .well();
        }
    });
}

/// How long a task waits at the door.
const PATIENCE: std::time::Duration = std::time::Duration::from_millis(1);

#[test]
fn a_stand_in_that_cannot_be_started_costs_its_service_and_nothing_else() {
    alone_as_root(|| {
        for of in [1, 2, 4] {
            fork(|| {
                limit(libc::RLIMIT_NPROC, of as u64 + 1);
                become_nobody_else();
                let pool = builder(of).door_patience(Some(PATIENCE)).build().unwrap();
                let held = crate::support::hold(&pool);
                let tasks: Vec<_> = (0..10).map(|n| pool.spawn(move || n)).collect();
                let start = std::time::Instant::now();
                until(|| start.elapsed() > 5 * PATIENCE);
                assert!(!tasks[0].is_finished());
                held.release();
                let sum: i32 = tasks.into_iter().map(|task| task.join().unwrap()).sum();
                assert_eq!(sum, 45);
                assert_whole(&pool);
            })
            .well();
        }
    });
}

#[test]
fn a_section_whose_stand_in_is_refused_still_runs() {
    alone_as_root(|| {
        for of in [1, 2] {
            fork(|| {
                limit(libc::RLIMIT_NPROC, of as u64 + 1);
                become_nobody_else();
                let pool = builder(of).build().unwrap();
                let (held, sections) = hold_in(&pool, of, |wait| heist::blocking(wait));
                let tasks: Vec<_> = (0..10).map(|n| pool.spawn(move || n)).collect();
                let first = tasks[0].is_finished();
                held.release();
                assert!(!first, "nobody was there for it");
                sections.into_iter().for_each(|task| task.join().unwrap());
                let sum: i32 = tasks.into_iter().map(|task| task.join().unwrap()).sum();
                assert_eq!(sum, 45);
                assert_whole(&pool);
            })
            .well();
        }
    });
}
