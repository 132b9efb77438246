//! A clock that stands still, and times without end: every call that takes a time is done when it
//! has none, though none goes by, and with all the time there is it waits for what it waits for.

use std::future::ready;
use std::io;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use heist::{Bulkhead, JoinHandle, ThreadPool, ThreadPoolBuilder, TrySpawnError};

use crate::process::{alone, assert_settled};
use crate::support::{Held, assert_whole, builder, hold, hold_in, until};

/// When the clock was stopped, in nanoseconds; zero: it runs.
static STOPPED: AtomicI64 = AtomicI64::new(0);

const SECOND: i64 = 1_000_000_000;

/// Takes the place of the system's, for all of this program.
// SAFETY: it does what the system's does, but for what it says the time is.
#[unsafe(no_mangle)]
extern "C" fn clock_gettime(clock: libc::clockid_t, now: *mut libc::timespec) -> libc::c_int {
    let stopped = STOPPED.load(Ordering::Relaxed);
    if clock == libc::CLOCK_MONOTONIC && stopped != 0 {
        let time = libc::timespec { tv_sec: stopped / SECOND, tv_nsec: stopped % SECOND };
        // SAFETY: the caller's, as for the system.
        unsafe { now.write(time) };
        return 0;
    }
    // SAFETY: as above; past the function of this name.
    let error = unsafe { libc::syscall(libc::SYS_clock_gettime, clock, now) };
    i32::try_from(error).expect("a small number")
}

/// From now on no time goes by.
fn stop_the_clock() {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let error = clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now);
    assert_eq!(error, 0, "{}", io::Error::last_os_error());
    STOPPED.store(now.tv_sec * SECOND + now.tv_nsec, Ordering::Relaxed);
    let start = Instant::now();
    thread::sleep(Duration::from_millis(2));
    assert_eq!(start.elapsed(), Duration::ZERO, "it stands still");
}

/// With workers that sleep at once, since they would look for work as long as the clock says.
fn narrow(threads: usize) -> ThreadPool {
    builder(threads).injector_capacity(1).idle_spin(Duration::ZERO).build().unwrap()
}

/// A pool whose workers are held, with a class; and a task in front of each, whose result is this,
/// so that nobody else is let in.
fn full(threads: usize) -> (ThreadPool, Bulkhead, Held, [JoinHandle<i32>; 2]) {
    let pool = narrow(threads);
    let class = pool.bulkhead("class").limit(1).queue(0).build().unwrap();
    let held = hold(&pool);
    let tasks = [pool.spawn(|| 1), class.spawn(|| 2)];
    (pool, class, held, tasks)
}

#[track_caller]
fn assert_full<T, F>(spawned: Result<T, TrySpawnError<F>>) {
    assert!(spawned.is_err_and(|refused| refused.is_full()));
}

#[test]
fn who_has_no_time_is_done_though_the_clock_stands_still() {
    alone(|| {
        let zero = Duration::ZERO;
        stop_the_clock();
        for threads in [1, 2, 4] {
            let (pool, class, held, [first, only]) = full(threads);
            assert_full(pool.spawn_timeout(|| (), zero));
            assert_full(pool.task().spawn_timeout(|| (), zero));
            assert_full(pool.task().spawn_keyed_timeout(1, || (), zero));
            assert_full(pool.task().spawn_future_timeout(ready(()), zero));
            assert_full(class.spawn_timeout(|| (), zero));
            assert_full(class.task().spawn_timeout(|| (), zero));
            let late = pool.task().deadline(Instant::now()).spawn(|| unreachable!("it is late"));
            assert!(late.join().unwrap_err().is_deadline());
            let first = first.join_timeout(zero).unwrap_err();
            let only = only.join_timeout(zero).unwrap_err();
            held.release();
            assert_eq!((first.join().unwrap(), only.join().unwrap()), (1, 2));
            let late = pool.task().deadline(Instant::now()).spawn(|| unreachable!("it is late"));
            assert!(late.join().unwrap_err().is_deadline());
            let brief = pool.task().timeout(zero).spawn(|| until(heist::is_cancelled));
            assert!(brief.join().unwrap_err().is_timeout());
            let brief = class.task().timeout(zero).spawn(|| until(heist::is_cancelled));
            assert!(brief.join().unwrap_err().is_timeout());
            let done = pool.spawn(|| 3);
            until(|| done.is_finished());
            assert_eq!(done.join_timeout(zero).unwrap().unwrap(), 3);
            let held = hold(&pool);
            assert_eq!(pool.shutdown_timeout(zero).unwrap_err().unfinished(), threads);
            held.release();
        }
    });
}

#[test]
fn who_has_all_the_time_waits_though_the_clock_stands_still() {
    alone(|| {
        let ever = Duration::MAX;
        stop_the_clock();
        for threads in [1, 2, 4] {
            let (pool, class, held, [first, only]) = full(threads);
            thread::scope(|s| {
                let waiting = [
                    s.spawn(|| pool.spawn_timeout(|| (), ever).unwrap()),
                    s.spawn(|| pool.task().spawn_timeout(|| (), ever).unwrap()),
                    s.spawn(|| pool.task().spawn_keyed_timeout(1, || (), ever).unwrap()),
                    s.spawn(|| pool.task().spawn_future_timeout(ready(()), ever).unwrap()),
                    s.spawn(|| class.spawn_timeout(|| (), ever).unwrap()),
                    s.spawn(|| class.task().spawn_timeout(|| (), ever).unwrap()),
                ];
                let joined = s.spawn(|| first.join_timeout(ever).unwrap().unwrap());
                until(|| pool.metrics().lanes[1].blocked_submitters == 4);
                assert!(!joined.is_finished() && waiting.iter().all(|one| !one.is_finished()));
                held.release();
                for spawned in waiting {
                    spawned.join().unwrap().join_timeout(ever).unwrap().unwrap();
                }
                assert_eq!(joined.join().unwrap(), 1);
            });
            assert_eq!(only.join_timeout(ever).unwrap().unwrap(), 2);
            let calm = pool.task().timeout(ever).spawn(heist::is_cancelled);
            assert!(!calm.join().unwrap());
            let calm = class.task().timeout(ever).spawn(heist::is_cancelled);
            assert!(!calm.join().unwrap());
            assert_settled(&pool);
            pool.shutdown_timeout(ever).unwrap();
        }
    });
}

/// Each option that is a time, set to this.
const OPTIONS: [fn(ThreadPoolBuilder, Duration) -> ThreadPoolBuilder; 5] = [
    |builder, time| builder.idle_spin(time),
    |builder, time| builder.door_patience(Some(time)),
    |builder, time| builder.stand_in_keep_alive(time),
    |builder, time| builder.follow_cpu_quota(time),
    |builder, time| builder.stall_handler(time, |_| ()),
];

#[test]
fn each_option_may_be_the_shortest_time_and_the_longest() {
    alone(|| {
        for option in OPTIONS {
            for time in [Duration::from_nanos(1), Duration::MAX] {
                let pool = option(builder(2), time).build().unwrap();
                // For long enough, and away, that each may have its effect.
                let (held, sections) = hold_in(&pool, 2, |wait| heist::blocking(wait));
                assert_eq!(pool.spawn(|| 1).join().unwrap(), 1, "by a stand-in");
                held.release();
                sections.into_iter().for_each(|section| section.join().unwrap());
                assert_whole(&pool);
                pool.shutdown();
            }
        }
    });
}
