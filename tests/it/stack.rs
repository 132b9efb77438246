//! Waiting runs other jobs, and yet the stack stays small. Each test is a
//! process of its own, since an overflow aborts.

use std::hint::black_box;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use heist::ThreadPool;

use crate::support::{Count, Gate, alone, builder, hold, until};

/// Small, so that nesting without a bound does not fit.
const STACK: usize = 512 << 10;

#[test]
fn a_worker_that_waits_for_stolen_halves_does_not_nest_without_end() {
    const JOBS: usize = 5000;
    alone("stack::a_worker_that_waits_for_stolen_halves_does_not_nest_without_end", || {
        let pool = builder(2).stack_size(STACK).build().unwrap();
        // A thief takes each b, and keeps it until the next job has begun (or a
        // moment has passed): a worker that runs job after job while it waits
        // never sees the end of the first.
        let begun = Count::default();
        pool.install(|| {
            heist::scope(|s| {
                for _ in 0..JOBS {
                    s.spawn(|_| steal_me(&begun));
                }
            });
        });
        assert_eq!(begun.get(), JOBS);
    });
}

fn steal_me(begun: &Count) {
    begun.add();
    let stolen = Count::default();
    let here = begun.get();
    let a_moment = |done: &dyn Fn() -> bool| {
        let start = Instant::now();
        while !done() && start.elapsed() < Duration::from_micros(200) {
            std::thread::yield_now();
        }
    };
    heist::join(
        || a_moment(&|| stolen.get() > 0),
        || {
            stolen.add();
            a_moment(&|| begun.get() > here);
        },
    );
}

/// Forks again and again in the second half, which the other worker takes if it comes soon.
fn spine(left: usize) {
    if left == 0 {
        return;
    }
    let stolen = Count::default();
    let here = || {
        let start = Instant::now();
        while stolen.get() == 0 && start.elapsed() < Duration::from_micros(200) {
            std::hint::spin_loop();
        }
    };
    let rest = || {
        stolen.add();
        spine(left - 1);
    };
    heist::join(here, rest);
}

#[test]
fn halves_that_two_workers_take_from_each_other_nest_while_there_is_room() {
    alone("stack::halves_that_two_workers_take_from_each_other_nest_while_there_is_room", || {
        let pool = builder(2).stack_size(STACK).build().unwrap();
        // By itself a spine of these needs less than half of such a stack.
        pool.install(|| spine(1000));
    });
}

#[test]
fn loops_in_loops_fit_on_a_small_stack() {
    alone("stack::loops_in_loops_fit_on_a_small_stack", || {
        let pool = builder(4).stack_size(STACK).build().unwrap();
        let ran = Count::default();
        pool.install(|| {
            pool.for_each(0..3000, |_| {
                pool.for_each(0..50, |_| ran.add());
            });
        });
        assert_eq!(ran.get(), 150_000);
    });
}

#[test]
fn tasks_that_wait_for_their_children_do_not_nest_without_end() {
    alone("stack::tasks_that_wait_for_their_children_do_not_nest_without_end", || {
        let pool = builder(4).stack_size(STACK).build().unwrap();
        let ran = Count::shared();
        for _ in 0..10_000 {
            let ran = ran.clone();
            drop(pool.spawn(move || {
                heist::scope(|s| (0..4).for_each(|_| s.spawn(|_| ran.add())));
                heist::spawn(|| ()).join().unwrap();
            }));
        }
        until(|| ran.get() == 40_000);
    });
}

#[test]
fn tasks_that_yield_do_not_nest_without_end() {
    alone("stack::tasks_that_yield_do_not_nest_without_end", || {
        let pool = builder(1).stack_size(STACK).injector_capacity(20_000).build().unwrap();
        let ran = Count::shared();
        let held = hold(&pool);
        for _ in 0..20_000 {
            let ran = ran.clone();
            drop(pool.spawn(move || {
                heist::yield_now();
                ran.add();
            }));
        }
        held.release();
        until(|| ran.get() == 20_000);
    });
}

#[test]
fn tasks_that_each_join_the_next_do_not_nest_without_end() {
    fn next(left: usize) -> usize {
        if left == 0 { 0 } else { 1 + heist::spawn(move || next(left - 1)).join().unwrap() }
    }
    alone("stack::tasks_that_each_join_the_next_do_not_nest_without_end", || {
        // This nests by its own doing; as deep as it is long, and no deeper.
        let pool = builder(2).stack_size(STACK).build().unwrap();
        assert_eq!(pool.spawn(|| next(100)).join().unwrap(), 100);
    });
}

/// Calls `f` as a job on top of so many waits, on the thread that calls this.
fn on_top_of(waits: usize, pool: &ThreadPool, f: &(dyn Fn() + Sync)) {
    match waits {
        0 => f(),
        _ => pool.scope(|s| s.spawn(|_| on_top_of(waits - 1, pool, f))),
    }
}

/// Calls `f` with more than half of a stack of `STACK` used.
fn without_room(f: &dyn Fn()) {
    fn use_up(begin: usize, f: &dyn Fn()) {
        let frame = black_box([0u8; 4096]);
        let here = std::ptr::from_ref(&frame).addr();
        if begin.abs_diff(here) > STACK * 5 / 8 {
            f()
        } else {
            use_up(begin, f)
        }
        black_box(&frame);
    }
    use_up(std::ptr::from_ref(&f).addr(), f);
}

#[test]
fn a_fork_that_a_stand_in_leaves_is_run_for_a_thread_without_room() {
    alone("stack::a_fork_that_a_stand_in_leaves_is_run_for_a_thread_without_room", || {
        let pool = builder(1).stack_size(STACK).max_guests(0).build().unwrap();
        let (back, begun, ran) = (Gate::default(), Count::default(), Count::default());
        // The first of them keeps the stand-in until its place is taken again.
        let job = || {
            ran.add();
            begun.add();
            back.pass();
        };
        let deep = || {
            without_room(&|| {
                pool.scope(|s| {
                    s.spawn(|_| job());
                    let away = || {
                        // The stand-in takes half of what lies here, the fork too.
                        (0..12).for_each(|_| s.spawn(|_| job()));
                        heist::blocking(|| until(|| begun.get() == 1));
                        back.open();
                    };
                    pool.join(away, || ran.add());
                });
            });
        };
        pool.install(|| on_top_of(2, &pool, &deep));
        assert_eq!(ran.get(), 14);
    });
}

#[test]
fn a_job_that_a_thread_without_room_spawns_is_run_for_whoever_waits_for_it() {
    alone("stack::a_job_that_a_thread_without_room_spawns_is_run_for_whoever_waits_for_it", || {
        let pool = builder(2).stack_size(STACK).max_guests(0).build().unwrap();
        let pool = Arc::new(pool);
        let (begun, waits, ran) = (Count::shared(), Gate::shared(), Count::shared());
        let (own, count, gate, all) = (pool.clone(), begun.clone(), waits.clone(), ran.clone());
        let task = pool.spawn(move || {
            count.add();
            gate.pass();
            until(|| own.metrics().workers.iter().any(|worker| worker.parks > worker.wakes));
            // Too deep to look with others for what it waits for.
            on_top_of(20, &own, &|| {
                own.scope(|s| drop(own.broadcast(|_| s.spawn(|_| all.add()))));
            });
        });
        until(|| begun.get() == 1);
        let task = Mutex::new(Some(task));
        let join = || {
            without_room(&|| {
                let task = task.lock().unwrap().take().expect("once");
                waits.open();
                task.join().unwrap();
            });
        };
        pool.install(|| on_top_of(2, &pool, &join));
        assert_eq!(ran.get(), 2);
    });
}
