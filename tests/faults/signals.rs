//! Waits that are interrupted, that end at once, or never.

use std::os::unix::thread::JoinHandleExt;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Waker;
use std::thread;
use std::time::Duration;

use heist::ThreadPool;

use crate::process::{alone, assert_settled, rounds};
use crate::support::{Count, assert_whole, builder, hold, poll, pool, until};

static CAUGHT: AtomicUsize = AtomicUsize::new(0);

extern "C" fn catch(_: libc::c_int) {
    CAUGHT.fetch_add(1, Ordering::Relaxed);
}

/// Catches `SIGUSR1`, so that it ends the system call it comes in.
fn catch_signals() {
    // SAFETY: all zeros are an action: no flags, so none of `SA_RESTART`.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = catch as extern "C" fn(libc::c_int) as libc::sighandler_t;
    // SAFETY: an action to read; the handler only counts.
    let error = unsafe { libc::sigaction(libc::SIGUSR1, &raw const action, std::ptr::null_mut()) };
    assert_eq!(error, 0);
}

/// Sends signals to every thread of this process but the caller, once each.
fn interrupt_everybody() {
    // SAFETY: a number.
    let process = unsafe { libc::getpid() };
    // SAFETY: a number.
    let me = unsafe { libc::gettid() };
    for thread in std::fs::read_dir("/proc/self/task").expect("procfs").flatten() {
        let id: libc::pid_t = thread.file_name().to_str().unwrap().parse().expect("a number");
        if id != me {
            // SAFETY: numbers; a thread that is gone meanwhile is an error.
            unsafe { libc::syscall(libc::SYS_tgkill, process, id, libc::SIGUSR1) };
        }
    }
}

/// Runs `body` while signals rain on all threads.
fn in_the_rain(body: impl FnOnce()) {
    catch_signals();
    let stop = AtomicBool::new(false);
    thread::scope(|s| {
        s.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                interrupt_everybody();
            }
        });
        until(|| CAUGHT.load(Ordering::Relaxed) > 0);
        body();
        let caught = CAUGHT.load(Ordering::Relaxed);
        until(|| CAUGHT.load(Ordering::Relaxed) > caught);
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn signals_end_no_wait_early() {
    alone(|| {
        in_the_rain(|| {
            for threads in [1, 2, 4] {
                for _ in 0..rounds(20) {
                    let pool = builder(threads).injector_capacity(1).build().unwrap();
                    let ran = Count::shared();
                    let before = CAUGHT.load(Ordering::Relaxed);
                    let held = hold(&pool);
                    // Waits: for room, for a task, for a result with a time, for the end.
                    let waiting = pool.spawn(|| 1);
                    let blocked = thread::scope(|s| {
                        let blocked = s.spawn(|| pool.spawn(|| 2));
                        let timed = s.spawn(|| pool.spawn_timeout(|| 3, Duration::MAX));
                        until(|| pool.metrics().lanes[1].blocked_submitters == 2);
                        until(|| CAUGHT.load(Ordering::Relaxed) > before + 20);
                        assert!(!blocked.is_finished() && !timed.is_finished());
                        assert!(!waiting.is_finished());
                        held.release();
                        (blocked.join().unwrap(), timed.join().unwrap().unwrap())
                    });
                    assert_eq!(waiting.join_timeout(Duration::MAX).unwrap().unwrap(), 1);
                    assert_eq!((blocked.0.join().unwrap(), blocked.1.join().unwrap()), (2, 3));
                    pool.scope(|s| (0..20).for_each(|_| s.spawn(|_| ran.add())));
                    assert_whole(&pool);
                    assert_settled(&pool);
                    assert_eq!(ran.get(), 20);
                    pool.shutdown_timeout(Duration::MAX).unwrap();
                }
            }
        });
    });
}

#[test]
fn a_signal_to_a_sleeping_worker_wakes_nobody_for_good() {
    alone(|| {
        catch_signals();
        let worker = Arc::new(std::sync::OnceLock::new());
        let started = worker.clone();
        let start = move |thread: heist::ThreadBuilder| {
            let handle = thread::Builder::new().spawn(|| thread.run())?;
            started.set(handle.as_pthread_t()).expect("an only worker");
            Ok(())
        };
        let pool = builder(1).spawn_handler(start).build().unwrap();
        for _ in 0..rounds(200) {
            let parks = pool.metrics().workers[0].parks;
            assert_eq!(pool.spawn(|| 1).join().unwrap(), 1);
            until(|| pool.metrics().workers[0].parks > parks);
            let caught = CAUGHT.load(Ordering::Relaxed);
            // SAFETY: the thread runs as long as the pool.
            unsafe { libc::pthread_kill(*worker.get().unwrap(), libc::SIGUSR1) };
            until(|| CAUGHT.load(Ordering::Relaxed) > caught);
        }
        assert_whole(&pool);
    });
}

#[test]
fn no_time_at_all_is_enough_for_an_answer() {
    alone(|| {
        for threads in [1, 2, 4] {
            let pool = builder(threads).injector_capacity(1).build().unwrap();
            let held = hold(&pool);
            let waiting = pool.spawn_timeout(|| 1, Duration::ZERO).unwrap();
            for _ in 0..1000 {
                let refused = pool.spawn_timeout(|| 6 * 7, Duration::ZERO).unwrap_err();
                assert!(refused.is_full());
                assert_eq!(refused.into_inner()(), 42);
            }
            let mut waiting = Some(waiting);
            for _ in 0..1000 {
                let handle = waiting.take().unwrap();
                waiting = Some(handle.join_timeout(Duration::ZERO).unwrap_err());
            }
            held.release();
            assert_eq!(waiting.unwrap().join().unwrap(), 1);
            let done = pool.spawn(|| 2);
            until(|| done.is_finished());
            assert_eq!(done.join_timeout(Duration::ZERO).unwrap().unwrap(), 2);
            let rejected = pool.metrics().tasks_rejected();
            assert_eq!(rejected, 1000);
            assert_settled(&pool);
            // With nothing to do, the time may be enough or not.
            if let Err(late) = pool.shutdown_timeout(Duration::ZERO) {
                assert_eq!(late.unfinished(), 0);
            }
        }
    });
}

#[test]
fn times_without_end_end_when_what_they_wait_for_does() {
    alone(|| {
        for threads in [1, 2, 4] {
            for ending in 0..2 {
                let pool = builder(threads).injector_capacity(1).build().unwrap();
                let held = hold(&pool);
                let waiting = pool.spawn(|| 1);
                let (joined, submitted) = thread::scope(|s| {
                    let joined = s.spawn(|| waiting.join_timeout(Duration::MAX).unwrap());
                    let submitted = s.spawn(|| pool.spawn_timeout(|| 2, Duration::MAX));
                    until(|| pool.metrics().lanes[1].blocked_submitters == 1);
                    if ending == 0 {
                        pool.close();
                        assert!(submitted.join().unwrap().unwrap_err().is_closed());
                        held.release();
                        (joined.join().unwrap(), None)
                    } else {
                        held.release();
                        let submitted = submitted.join().unwrap().unwrap();
                        (joined.join().unwrap(), Some(submitted.join()))
                    }
                });
                assert_eq!(joined.unwrap(), 1);
                assert!(submitted.is_none_or(|result| result.unwrap() == 2));
                assert_settled(&pool);
                pool.shutdown_timeout(Duration::MAX).unwrap();
            }
        }
    });
}

/// A pool whose own times are as short, or as long, as they get.
fn extreme(threads: usize, time: Duration) -> ThreadPool {
    let patience = Some(time.max(Duration::from_nanos(1)));
    builder(threads).idle_spin(time).door_patience(patience).build().unwrap()
}

#[test]
fn a_pool_with_extreme_times_loses_nothing() {
    alone(|| {
        for threads in [1, 2, 4] {
            for time in [Duration::ZERO, Duration::MAX] {
                for _ in 0..rounds(10) {
                    let pool = extreme(threads, time);
                    let ran = Count::shared();
                    for _ in 0..200 {
                        let ran = ran.clone();
                        drop(pool.spawn(move || ran.add()));
                        let mut polled = pin!(pool.spawn_async(|| ()));
                        assert!(poll(polled.as_mut(), Waker::noop()).is_ready());
                    }
                    assert_whole(&pool);
                    assert_settled(&pool);
                    pool.shutdown();
                    assert_eq!(ran.get(), 200);
                }
            }
        }
        assert_whole(&pool(1));
    });
}
