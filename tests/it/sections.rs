//! Isolated sections inside others, and what is no part of the section that it is run in.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, ThreadId};

use heist::ThreadPool;

use crate::support::{Count, Gate, builder, fall_asleep, parks, pool, until, within_a_minute};

fn count_one(ran: &AtomicUsize) {
    ran.fetch_add(1, Ordering::Relaxed);
}

/// On another thread, and until it has ended.
fn beside(f: impl FnOnce() + Send) {
    thread::scope(|threads| drop(threads.spawn(f)));
}

#[test]
fn a_job_sent_into_a_scope_of_the_outer_section_waits_until_the_inner_one_is_over() {
    within_a_minute(|| {
        let (outer, inner) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let ran = || [&outer, &inner].map(|ran| ran.load(Ordering::Relaxed));
        pool(1).install(|| {
            heist::isolated(|| {
                heist::scope(|s| {
                    beside(|| s.spawn(|_| count_one(&outer)));
                    heist::isolated(|| {
                        assert_eq!(heist::yield_now(), Some(heist::Yield::Idle));
                        heist::scope(|s| beside(|| s.spawn(|_| count_one(&inner))));
                        assert_eq!(ran(), [0, 1]);
                    });
                    assert_eq!(heist::yield_now(), Some(heist::Yield::Executed));
                    assert_eq!(ran(), [1, 1]);
                });
            });
        });
    });
}

/// What a wait did, and how many jobs of the section had run then.
type Look = (Option<heist::Yield>, usize);

const LEFT_ALONE: Look = (Some(heist::Yield::Idle), 0);

/// Calls `f` in a scope of the section that this is in. What `f` is given sends a job into that
/// scope from outside, and waits.
fn with_a_job_to_come(f: impl FnOnce(&(dyn Fn() -> Look + Sync)) + Send) {
    let ran = AtomicUsize::new(0);
    let ((ask, asked), (tell, told)) = (mpsc::channel(), mpsc::channel());
    let (ran, told) = (&ran, Mutex::new(told));
    let look = || {
        ask.send(()).unwrap();
        told.lock().unwrap().recv().unwrap();
        (heist::yield_now(), ran.load(Ordering::Relaxed))
    };
    heist::scope(|s| {
        thread::scope(|threads| {
            threads.spawn(move || {
                asked.recv().unwrap();
                s.spawn(|_| count_one(ran));
                tell.send(()).unwrap();
            });
            f(&look);
        });
    });
    assert_eq!(ran.load(Ordering::Relaxed), 1);
}

#[test]
fn a_broadcast_that_comes_from_another_section_leaves_the_jobs_of_this_one_alone() {
    within_a_minute(|| {
        let pool = pool(1);
        let broadcast = |look: &(dyn Fn() -> Look + Sync)| {
            thread::scope(|threads| {
                let other = threads.spawn(|| heist::isolated(|| pool.broadcast(|_| look())));
                while !other.is_finished() {
                    heist::yield_now();
                }
                assert_eq!(other.join().unwrap(), [LEFT_ALONE]);
            });
        };
        pool.install(|| heist::isolated(|| with_a_job_to_come(broadcast)));
    });
}

#[test]
fn a_task_that_a_broadcast_from_another_section_leaves_here_is_no_part_of_this_one() {
    within_a_minute(|| {
        let pool = pool(1);
        let ran = Count::shared();
        pool.install(|| {
            heist::isolated(|| {
                let leave = |_| {
                    let ran = ran.clone();
                    drop(heist::spawn(move || ran.add()));
                };
                thread::scope(|threads| {
                    let other = threads.spawn(|| heist::isolated(|| pool.broadcast(leave)));
                    while !other.is_finished() {
                        heist::yield_now();
                    }
                });
                assert_eq!(heist::yield_now(), Some(heist::Yield::Idle));
                assert_eq!(ran.get(), 0);
            });
        });
        pool.shutdown();
        assert_eq!(ran.get(), 1);
    });
}

#[test]
fn a_broadcasts_own_share_is_a_part_of_the_section_it_is_called_in() {
    within_a_minute(|| {
        let pool = pool(1);
        // Beyond each look that begins elsewhere.
        let once = || {
            let done = AtomicBool::new(false);
            heist::scope(|s| {
                s.spawn(|_| done.store(true, Ordering::Relaxed));
                pool.broadcast(|_| {
                    while !done.load(Ordering::Relaxed) {
                        heist::yield_now();
                    }
                });
            });
        };
        pool.install(|| heist::isolated(|| (0..200).for_each(|_| once())));
    });
}

/// In a section with a thief: runs `stolen` there, and `back` in the other half of a join in
/// `stolen`, whose first half it is given by.
fn with_a_thief<R: Send>(stolen: impl FnOnce() -> R + Send) -> R {
    let (begin, begun) = mpsc::channel();
    let stolen = move || {
        begin.send(()).unwrap();
        stolen()
    };
    heist::join(move || begun.recv().unwrap(), stolen).1
}

/// A join of the thief's whose second half `back` is for the owner: is it run there, and what
/// comes of it?
fn gives_back<R: Send>(owner: ThreadId, back: impl FnOnce() -> R + Send) -> (bool, R) {
    let (begin, begun) = mpsc::channel();
    let back = move || {
        begin.send(()).unwrap();
        (thread::current().id() == owner, back())
    };
    heist::join(move || begun.recv().unwrap(), back).1
}

#[test]
fn what_is_stolen_back_from_a_thief_runs_what_comes_into_a_scope_of_the_section() {
    within_a_minute(|| {
        pool(1).isolated(|| {
            with_a_job_to_come(|look| {
                let owner = thread::current().id();
                let seen = with_a_thief(|| gives_back(owner, look));
                assert_eq!(seen, (true, (Some(heist::Yield::Executed), 1)));
            });
        });
    });
}

#[test]
fn what_is_left_by_a_task_that_was_stolen_back_is_for_the_section_too() {
    within_a_minute(|| {
        pool(1).isolated(|| {
            let owner = thread::current().id();
            let (say, said) = mpsc::channel();
            let last = move || say.send(thread::current().id() == owner).unwrap();
            let child = move || drop(heist::spawn(last));
            let back = move || drop(heist::spawn(child));
            let seen = with_a_thief(move || {
                let (is_back, ()) = gives_back(owner, back);
                (is_back, said.recv().unwrap())
            });
            assert_eq!(seen, (true, true));
        });
    });
}

/// It would wait there on top of what may want a lock that the thief holds around its section.
#[test]
fn what_a_thief_has_made_in_an_inner_section_is_not_stolen_back() {
    within_a_minute(|| {
        let pool = pool(2);
        let in_inner = || {
            heist::isolated(|| {
                let thief = thread::current().id();
                let owner_has_looked = || {
                    let before = parks(&pool);
                    until(|| parks(&pool) >= before + 2);
                };
                heist::join(owner_has_looked, || thread::current().id() == thief).1
            })
        };
        assert!(pool.install(|| heist::isolated(|| with_a_thief(in_inner))));
    });
}

/// A task that waits until its thief, which is in the other half, has spawned the next, and
/// until that has begun or the owner will not.
fn chain(pool: &Arc<ThreadPool>, deepest: &Arc<AtomicUsize>, ended: &Arc<Gate>, more: usize) {
    thread_local!(static DEPTH: Cell<usize> = const { Cell::new(0) });
    if more == 0 {
        return ended.open();
    }
    let depth = DEPTH.get() + 1;
    DEPTH.set(depth);
    deepest.fetch_max(depth, Ordering::Relaxed);
    with_a_thief(|| {
        let (begin, begun) = mpsc::channel();
        let [next, pool] = [pool, pool].map(Arc::clone);
        let (deepest, ended) = (Arc::clone(deepest), Arc::clone(ended));
        drop(heist::spawn(move || {
            // Unless it has given up.
            let _ = begin.send(());
            chain(&next, &deepest, &ended, more - 1);
        }));
        let before = parks(&pool);
        until(|| begun.try_recv().is_ok() || parks(&pool) >= before + 2);
    });
    DEPTH.set(depth - 1);
}

#[test]
fn tasks_that_are_stolen_back_nest_only_so_deep() {
    within_a_minute(|| {
        let (pool, deepest, ended) = (Arc::new(pool(2)), Arc::default(), Gate::shared());
        pool.install(|| heist::isolated(|| chain(&pool, &deepest, &ended, 200)));
        ended.pass();
        let deepest = deepest.load(Ordering::Relaxed);
        assert!(deepest < 100, "{deepest}");
    });
}

#[test]
fn a_section_in_another_pool_without_a_seat_is_one_of_the_callers_too() {
    within_a_minute(|| {
        let (home, other) = (pool(1), builder(1).max_guests(0).build().unwrap());
        let ran = Count::shared();
        home.install(|| {
            let older = heist::spawn({
                let ran = ran.clone();
                move || ran.add()
            });
            other.isolated(|| fall_asleep(&home));
            assert_eq!(ran.get(), 0);
            older.join().unwrap();
        });
    });
}

#[test]
fn what_unwinds_in_a_section_runs_no_task_of_its_thief() {
    within_a_minute(|| {
        let pool = pool(1);
        for _ in 0..20 {
            let ((begin, begun), (say, heard)) = (mpsc::channel(), mpsc::channel());
            let stolen = move || {
                drop(heist::spawn(move || say.send(thread::panicking()).unwrap()));
                begin.send(()).unwrap();
                (0..200).for_each(|_| thread::yield_now());
            };
            let fails = move || -> () {
                begun.recv().unwrap();
                panic!("on purpose");
            };
            let join = || heist::isolated(|| pool.join(fails, stolen));
            assert!(catch_unwind(AssertUnwindSafe(join)).is_err());
            assert!(!heard.recv().unwrap());
        }
    });
}
