//! `isolated`: a lock held across a wait.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, RwLock, mpsc};
use std::thread;

use heist::ThreadPool;

use crate::support::{pool, until, within_a_minute};

/// A tree of forks that are each worth stealing, and sometimes a loop.
fn tree(depth: u32) -> u64 {
    if depth == 0 {
        thread::yield_now();
        return 1;
    }
    let (left, right) = heist::join(|| tree(depth - 1), || tree(depth - 1));
    left + right
}

/// Many threads' worth of jobs from members and guests at once, with `one` in
/// each.
fn crowd(pool: &ThreadPool, one: impl Fn(usize) + Sync) {
    thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| pool.for_each(0..200, &one));
        }
        let one = &one;
        pool.scope(|s| (0..200).for_each(|n| s.spawn(move |_| one(n))));
    });
}

fn on_each_size(body: impl Fn(&ThreadPool) + Send + Copy + 'static) {
    within_a_minute(move || {
        for threads in [1, 2, 4] {
            body(&pool(threads));
        }
    });
}

#[test]
fn a_mutex_is_held_across_joins_by_many_jobs() {
    on_each_size(|pool| {
        let total = Mutex::new(0);
        crowd(pool, |_| {
            let mut total = total.lock().unwrap();
            *total += heist::isolated(|| tree(4));
        });
        assert_eq!(total.into_inner().unwrap(), 600 * 16);
    });
}

#[test]
fn a_mutex_is_held_across_loops_and_scopes_by_many_jobs() {
    on_each_size(|pool| {
        let total = Mutex::new(0);
        crowd(pool, |_| {
            let total = total.lock().unwrap();
            let (mut total, count) = (total, AtomicUsize::new(0));
            let add = || {
                tree(1);
                count.fetch_add(1, Ordering::Relaxed);
            };
            heist::isolated(|| {
                pool.for_each(0..8, |_| add());
                pool.scope(|s| {
                    s.spawn(|s| {
                        s.spawn(|_| add());
                        add();
                    });
                    add();
                });
            });
            *total += count.into_inner();
        });
        assert_eq!(total.into_inner().unwrap(), 600 * 11);
    });
}

#[test]
fn a_read_write_lock_is_held_across_joins_by_many_jobs() {
    on_each_size(|pool| {
        let total = RwLock::new(0);
        crowd(pool, |n| {
            if n % 3 == 0 {
                let mut total = total.write().unwrap();
                *total += heist::isolated(|| tree(3));
            } else {
                let total = total.read().unwrap();
                assert_eq!(heist::isolated(|| tree(3)), 8 + *total - *total);
            }
        });
        assert_eq!(total.into_inner().unwrap(), 3 * 67 * 8);
    });
}

#[test]
fn a_cell_that_is_made_once_is_made_by_parallel_work() {
    on_each_size(|pool| {
        for _ in 0..50 {
            let table = OnceLock::new();
            let entries = 3;
            pool.for_each(0..40, |n| {
                let table =
                    table.get_or_init(|| heist::isolated(|| pool.map(&[(); 3], |()| tree(4))));
                assert_eq!(table[n % entries], 16);
            });
        }
    });
}

#[test]
fn a_borrow_in_a_thread_local_is_held_across_joins_by_many_jobs() {
    thread_local! {
        static SCRATCH: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
    }
    on_each_size(|pool| {
        crowd(pool, |_| {
            SCRATCH.with(|scratch| {
                let mut scratch = scratch.borrow_mut();
                scratch.push(heist::isolated(|| tree(4)));
                assert_eq!(scratch.pop(), Some(16));
            });
        });
    });
}

fn count_one(ran: &AtomicUsize) {
    ran.fetch_add(1, Ordering::Relaxed);
}

/// A wait with work of a stranger's beside it, on a pool of one: `wait` is called in
/// a section, with one task queued from before. True: the task ran meanwhile.
fn lets_a_stranger_in(wait: impl FnOnce(&ThreadPool) + Send) -> bool {
    let pool = pool(1);
    let pool = &pool;
    pool.install(|| {
        thread_local! {
            static RAN: Cell<bool> = const { Cell::new(false) };
        }
        RAN.set(false);
        let stranger = heist::spawn(|| RAN.set(true));
        heist::isolated(|| wait(pool));
        let ran = RAN.get();
        stranger.join().unwrap();
        assert!(RAN.get());
        ran
    })
}

#[test]
fn no_wait_in_a_section_runs_an_older_task_of_its_own_thread() {
    within_a_minute(|| {
        assert!(!lets_a_stranger_in(|_| {
            assert_eq!(heist::yield_now(), Some(heist::Yield::Idle));
        }));
        assert!(!lets_a_stranger_in(|_| assert_eq!(tree(3), 8)));
        assert!(!lets_a_stranger_in(|_| heist::scope(|s| (0..9).for_each(|_| s.spawn(|_| ())))));
        assert!(!lets_a_stranger_in(|pool| pool.for_each(0..100, |_| ())));
        assert!(!lets_a_stranger_in(|_| heist::spawn(|| tree(2)).join().map(drop).unwrap()));
        assert!(!lets_a_stranger_in(|pool| pool.install(|| assert_eq!(tree(2), 4))));
    });
}

#[test]
fn a_task_spawned_in_a_section_runs_in_its_waits() {
    within_a_minute(|| {
        pool(1).install(|| {
            let outer = heist::spawn(|| ());
            heist::isolated(|| {
                let inner = heist::spawn(|| ());
                assert_eq!(heist::yield_now(), Some(heist::Yield::Executed));
                assert!(inner.is_finished() && !outer.is_finished());
                assert_eq!(heist::yield_now(), Some(heist::Yield::Idle));
            });
            assert_eq!(heist::yield_now(), Some(heist::Yield::Executed));
            assert!(outer.is_finished());
        });
    });
}

#[test]
fn an_inner_section_leaves_the_jobs_of_the_outer_one_alone() {
    within_a_minute(|| {
        pool(1).install(|| {
            heist::isolated(|| {
                let outer = heist::spawn(|| ());
                heist::isolated(|| {
                    let inner = heist::spawn(|| ());
                    assert_eq!(heist::yield_now(), Some(heist::Yield::Executed));
                    assert!(inner.is_finished());
                    assert_eq!(heist::yield_now(), Some(heist::Yield::Idle));
                    assert!(!outer.is_finished());
                });
                assert_eq!(heist::yield_now(), Some(heist::Yield::Executed));
                assert!(outer.is_finished());
            });
        });
    });
}

#[test]
fn a_panic_inside_ends_the_section() {
    within_a_minute(|| {
        pool(1).install(|| {
            let task = heist::spawn(|| ());
            let caught = catch_unwind(AssertUnwindSafe(|| {
                heist::isolated(|| heist::join(|| panic!("inside"), || ()))
            }));
            assert_eq!(*caught.unwrap_err().downcast::<&str>().unwrap(), "inside");
            assert_eq!(heist::yield_now(), Some(heist::Yield::Executed));
            assert!(task.is_finished());
        });
    });
}

#[test]
fn outside_any_pool_a_section_just_runs_and_holds_for_what_is_entered_inside() {
    within_a_minute(|| {
        assert_eq!(heist::isolated(|| 5), 5);
        let pool = pool(1);
        let (say, heard) = mpsc::channel();
        let (open, gate) = mpsc::channel::<()>();
        // The only worker takes the fork below, and spawns what a guest would run.
        let lock = Mutex::new(());
        let held = lock.lock().unwrap();
        heist::isolated(|| {
            pool.scope(|s| {
                let busy = pool.spawn(move || {
                    let task = heist::spawn(move || say.send(thread::current().id()).unwrap());
                    let _ = gate.recv();
                    task
                });
                until(|| pool.metrics().workers.iter().any(|worker| worker.queue_depth > 0));
                // Now nobody else is there for this.
                s.spawn(|_| ());
                // A guest that waits would steal it.
                assert_eq!(heist::yield_now(), Some(heist::Yield::Executed));
                assert_eq!(heist::yield_now(), Some(heist::Yield::Idle));
                drop(open);
                busy.join().unwrap().join().unwrap();
            });
        });
        drop(held);
        assert_ne!(heard.recv().unwrap(), thread::current().id());
    });
}

/// On a pool of two, one blocks with a stranger in its deque that wants the cell, the
/// other has stolen a part of what the cell is made from.
#[test]
fn a_thread_that_makes_a_cell_leaves_those_who_want_it_alone() {
    within_a_minute(|| {
        let pool = pool(2);
        let cell: &'static OnceLock<i32> = Box::leak(Box::default());
        let (block, blocked) = mpsc::channel();
        let (push, may_push) = mpsc::channel();
        let (pushed, has_pushed) = mpsc::channel();
        let (end, ended) = mpsc::channel::<()>();
        let busy = pool.spawn(move || {
            block.send(()).unwrap();
            may_push.recv().unwrap();
            let stranger = heist::spawn(|| *cell.get_or_init(|| 0));
            pushed.send(()).unwrap();
            let _ = ended.recv();
            stranger
        });
        blocked.recv().unwrap();
        let (start, started) = mpsc::channel();
        let (open, gate) = mpsc::channel::<()>();
        let make = || {
            let begin = move || {
                started.recv().unwrap();
                push.send(()).unwrap();
                has_pushed.recv().unwrap();
                assert_eq!(heist::yield_now(), Some(heist::Yield::Idle));
                drop(open);
                3
            };
            let stolen = move || {
                start.send(()).unwrap();
                let _ = gate.recv();
                (0..200).for_each(|_| thread::yield_now());
                4
            };
            let (three, four) = heist::isolated(|| pool.join(begin, stolen));
            three + four
        };
        assert_eq!(*cell.get_or_init(make), 7);
        drop(end);
        assert_eq!(busy.join().unwrap().join().unwrap(), 7);
    });
}

#[test]
fn a_job_sent_from_outside_into_a_scope_of_a_section_is_run_there() {
    within_a_minute(|| {
        let pool = pool(1);
        let ran = AtomicUsize::new(0);
        let (pool, ran) = (&pool, &ran);
        pool.install(|| {
            let lock = Mutex::new(());
            let _held = lock.lock().unwrap();
            heist::isolated(|| {
                heist::scope(|s| {
                    thread::scope(|threads| {
                        threads.spawn(|| s.spawn(|_| count_one(ran)));
                        threads.spawn(|| {
                            pool.scope(|_| {
                                s.spawn(|_| count_one(ran));
                            });
                        });
                        // In a section of its own, which it leaves.
                        threads.spawn(|| {
                            heist::isolated(|| pool.scope(|_| s.spawn(|_| count_one(ran))));
                        });
                    });
                });
            });
        });
        assert_eq!(ran.load(Ordering::Relaxed), 3);
    });
}

#[test]
fn a_broadcast_inside_a_section_reaches_everybody() {
    on_each_size(|pool| {
        crowd(pool, |n| {
            if n % 50 == 0 {
                let indices = heist::isolated(|| pool.broadcast(|at| at.index()));
                assert_eq!(indices.len(), pool.num_threads());
            }
        });
    });
}

#[test]
fn a_section_without_a_seat_is_a_section_on_the_worker_that_runs_it() {
    within_a_minute(|| {
        let pool = crate::support::builder(2).max_guests(0).build().unwrap();
        let lock = Mutex::new(0);
        thread::scope(|threads| {
            for _ in 0..4 {
                threads.spawn(|| {
                    for _ in 0..100 {
                        let mut total = lock.lock().unwrap();
                        *total += heist::isolated(|| pool.join(|| tree(3), || tree(3)).0);
                        *total += pool.isolated(|| tree(3));
                    }
                });
            }
            // At most one member is at the lock: the holder needs the other.
            (0..400).for_each(|_| pool.install(|| *lock.lock().unwrap() += 1));
        });
        assert_eq!(*lock.lock().unwrap(), 6800);
    });
}

/// Calls `f` on top of two waits for scopes.
fn on_top_of_two_waits(pool: &ThreadPool, f: impl Fn() + Sync) {
    pool.install(|| heist::scope(|s| s.spawn(|_| heist::scope(|s| s.spawn(|_| f())))));
}

#[test]
fn deep_in_waits_a_section_runs_the_tasks_it_has_spawned() {
    on_each_size(|pool| {
        on_top_of_two_waits(pool, || {
            heist::isolated(|| {
                let task = heist::spawn(|| ());
                while !task.is_finished() {
                    heist::yield_now();
                }
                // The future's join waits for a task that is no part of it.
                let (task, home) = (heist::spawn(|| 7), pool);
                assert_eq!(home.spawn_future(task).join().unwrap().unwrap(), 7);
            });
        });
    });
}
