//! Pools inside pools and waits inside waits: what a thread owes to each pool
//! it works for.

use std::pin::pin;
use std::sync::mpsc;
use std::task::Waker;
use std::time::Duration;

use heist::{ThreadPool, Yield};

use crate::support::{Count, builder, hold, poll, pool, until, within_a_minute};

/// Waits as a guest of `pool` until `go` is dropped: its only worker holds the
/// second half.
fn wait_as_a_guest(pool: &ThreadPool, go: mpsc::Receiver<()>) {
    let (say, taken) = mpsc::channel::<()>();
    pool.join(
        move || taken.recv().unwrap(),
        move || {
            say.send(()).unwrap();
            assert!(go.recv().is_err());
        },
    );
}

#[test]
fn a_wait_abroad_publishes_the_forks_at_home() {
    fn forks(levels: u32, abroad: &ThreadPool, stop: mpsc::Receiver<()>, ran: &Count) {
        if levels == 0 {
            return wait_as_a_guest(abroad, stop);
        }
        heist::join(|| forks(levels - 1, abroad, stop, ran), || ran.add());
    }
    within_a_minute(|| {
        let home = pool(2);
        let abroad = pool(1);
        let held = hold(&home);
        let (go, stop) = mpsc::channel();
        let ran = Count::default();
        std::thread::scope(|threads| {
            threads.spawn(|| {
                home.install(|| {
                    (0..300).for_each(|_| assert_eq!(heist::join(|| 1, || 2), (1, 2)));
                    forks(5, &abroad, stop, &ran);
                });
            });
            held.release();
            until(|| ran.get() == 5);
            drop(go);
        });
    });
}

#[test]
fn a_thread_that_helps_one_pool_is_not_counted_on_by_another() {
    within_a_minute(|| {
        for _ in 0..20 {
            let home = std::sync::Arc::new(pool(2));
            let abroad = std::sync::Arc::new(pool(1));
            let (go, stop) = mpsc::channel();
            let guest = {
                let abroad = abroad.clone();
                home.spawn(move || wait_as_a_guest(&abroad, stop))
            };
            let sleeps = |worker: &heist::WorkerMetrics| worker.parks > worker.wakes;
            until(|| sleeps(&abroad.metrics().others));
            until(|| home.metrics().workers.iter().any(sleeps));
            // A job of `abroad`, for whoever comes: it waits for a task of
            // `home`, whose other worker is free.
            let (done, is_done) = mpsc::channel();
            abroad.scope(|s| {
                s.spawn(move |_| is_done.recv().unwrap());
                drop(home.spawn(move || done.send(()).unwrap()));
                until(|| home.metrics().tasks_completed() == 1);
            });
            drop(go);
            guest.join().unwrap();
        }
    });
}

#[test]
fn a_scope_deep_down_ends_when_a_guest_leaves_its_job_behind() {
    fn nest(depth: usize, pool: &'static ThreadPool) {
        if depth > 0 {
            drop(heist::spawn(move || nest(depth - 1, pool)));
            assert_eq!(heist::yield_now(), Some(Yield::Executed));
            return;
        }
        let ran = Count::default();
        pool.scope(|s| {
            std::thread::scope(|threads| {
                threads.spawn(|| pool.join(|| s.spawn(|_| ran.add()), || ()));
            });
        });
        assert_eq!(ran.get(), 1);
    }
    within_a_minute(|| {
        for depth in 0..5 {
            let pool: &'static ThreadPool = Box::leak(Box::new(pool(1)));
            pool.spawn(move || nest(depth, pool)).join().unwrap();
        }
    });
}

#[test]
fn the_longest_times_are_as_good_as_any() {
    within_a_minute(|| {
        let never = Duration::MAX;
        let pool = builder(3).idle_spin(never).door_patience(Some(never)).build().unwrap();
        for round in 0..200 {
            assert_eq!(pool.broadcast(|at| at.index()), [0, 1, 2]);
            assert_eq!(pool.spawn(move || round).join().unwrap(), round);
        }
        let held = hold(&pool);
        let waits = pool.spawn(|| ());
        held.release();
        waits.join().unwrap();
        pool.shutdown();
    });
}

#[test]
fn a_forgotten_place_in_line_does_not_keep_a_pool_from_ending() {
    within_a_minute(|| {
        let pool = builder(1).injector_capacity(1).build().unwrap();
        let held = hold(&pool);
        drop(pool.spawn(|| ()));
        {
            let mut waiting = Box::pin(pool.spawn_async(|| ()));
            assert!(poll(waiting.as_mut(), Waker::noop()).is_pending());
            std::mem::forget(waiting);
        }
        held.release();
        until(|| pool.metrics().lanes[1].depth == 0);
        pool.shutdown();
    });
}

#[test]
fn a_loop_of_one_item_runs_inside_the_pool_too() {
    within_a_minute(|| {
        let mine = pool(1);
        let inside = |_: usize| assert!(heist::yield_now().is_some());
        mine.for_each(0..1, inside);
        mine.for_each_mut(&mut [0], |index, _| inside(index));
        mine.map(&[0], |&index| inside(index));
        mine.map_reduce(&[0, 1], |_| (), || (), |(), ()| inside(0));
        let handed = builder(1).max_guests(0).build().unwrap();
        handed.for_each(0..1, |_| assert_eq!(heist::current_thread_index(), Some(0)));
    });
}

#[test]
fn a_panic_is_told_to_the_handler_if_its_handle_is_dropped_unread() {
    within_a_minute(|| {
        let heard = Count::shared();
        let hear = heard.clone();
        let pool = builder(1).panic_handler(move |_| hear.add()).build().unwrap();
        let handle = pool.spawn(|| panic!("unread"));
        until(|| handle.is_finished());
        drop(handle);
        assert_eq!(heard.get(), 1);
        assert!(pool.spawn(|| panic!("read")).join().is_err());
        assert_eq!(heard.get(), 1);
    });
}

#[test]
fn what_was_cancelled_is_no_job_and_ones_own_jobs_are_no_steals() {
    within_a_minute(|| {
        let pool = builder(1).max_guests(0).build().unwrap();
        pool.install(|| {
            let tasks: Vec<_> = (0..500).map(|_| heist::spawn(|| ())).collect();
            assert!(tasks.iter().all(|task| task.cancel()));
            assert_eq!(heist::yield_now(), Some(Yield::Idle));
            (0..500).for_each(|_| drop(heist::spawn(|| ())));
        });
        until(|| pool.metrics().tasks_completed() == 500);
        let metrics = pool.metrics();
        assert_eq!(metrics.workers[0].jobs_run, 501, "the tasks and what was installed");
        assert_eq!((metrics.steal_attempts(), metrics.tasks_cancelled()), (0, 500));
    });
}

#[test]
fn a_handle_that_has_given_its_result_is_finished() {
    within_a_minute(|| {
        let pool = pool(1);
        let mut handle = pin!(pool.spawn(|| 5));
        until(|| handle.is_finished());
        assert!(poll(handle.as_mut(), Waker::noop()).is_ready());
        assert!(handle.is_finished());
    });
}

#[test]
fn start_and_exit_handlers_run_inside_the_pool() {
    within_a_minute(|| {
        let (say, heard) = mpsc::channel();
        let told = say.clone();
        let pool = builder(2)
            .start_handler(move |index| {
                say.send((index, heist::current_thread_index())).unwrap();
            })
            .exit_handler(move |index| {
                told.send((index, heist::current_thread_index())).unwrap();
            })
            .build()
            .unwrap();
        pool.shutdown();
        let all: Vec<_> = heard.iter().collect();
        assert_eq!(all.len(), 4);
        assert!(all.iter().all(|&(index, current)| current == Some(index)), "{all:?}");
    });
}

#[test]
fn a_scope_that_is_over_runs_no_strangers_before_it_returns() {
    within_a_minute(|| {
        builder(1).build().unwrap().install(|| {
            let (send, receive) = std::sync::mpsc::channel::<()>();
            heist::scope(|outer| {
                outer.spawn(move |_| receive.recv().unwrap());
                heist::scope(|inner| inner.spawn(|_| ()));
                send.send(()).unwrap();
            });
        });
    });
}
