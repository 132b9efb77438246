//! What goes on beside the workers: who tells of stalls, keeps the door, follows the
//! quota; and a strand that goes from one worker to another.

use std::future::pending;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use heist::{Stall, StallCause};

use crate::{builder, pool};

/// For clocks that are to come soon.
const SOON: Duration = Duration::from_micros(100);

#[test]
fn a_wait_and_what_it_waits_for_are_told_while_they_last() {
    let (tell, told) = mpsc::channel();
    let tell = move |stall: &Stall| drop(tell.send(Box::new(stall.clone())));
    let pool = builder(2).stall_handler(SOON, tell).build().expect("a pool");
    let pool = Arc::new(pool);
    let (open, gate) = mpsc::channel::<()>();
    let own = pool.clone();
    let outer = pool.task().name("outer").spawn(move || {
        let (start, started) = mpsc::channel();
        let inner = own.task().name(String::from("inner")).spawn(move || {
            start.send(()).unwrap();
            gate.recv().is_err()
        });
        started.recv().unwrap();
        inner.join().unwrap()
    });
    let due = [("inner", StallCause::Running), ("outer", StallCause::Task(Some("inner".into())))];
    let mut stalls = Vec::new();
    let is_told = |stalls: &[Box<Stall>], (task, cause): &(&str, StallCause)| {
        stalls.iter().any(|stall| stall.task() == Some(*task) && stall.cause() == cause)
    };
    while !due.iter().all(|due| is_told(&stalls, due)) {
        stalls.push(told.recv().expect("a pool that tells"));
    }
    drop(open);
    assert!(outer.join().unwrap());
    Arc::into_inner(pool).expect("the task is over").shutdown();
    // The handler goes with the pool, and its half of the channel with it.
    stalls.extend(told.iter());
    for stall in &stalls {
        assert!(stall.elapsed() >= SOON && stall.worker().is_some() == stall.task().is_some());
    }
}

#[test]
fn a_keeper_of_the_door_runs_what_no_worker_comes_for() {
    let pool = builder(1).door_patience(Some(SOON)).build().expect("a pool");
    let (start, started) = mpsc::channel();
    let (say, heard) = mpsc::channel();
    let busy = pool.spawn(move || (start.send(()).unwrap(), heard.recv().unwrap()).1);
    started.recv().unwrap();
    let stranger = pool.spawn(move || say.send((Box::new(7), heist::current_thread_index())));
    assert_eq!(busy.join().unwrap(), (Box::new(7), None));
    stranger.join().unwrap().unwrap();
    // The worker is back, and the next is anybody's.
    assert_eq!(*pool.spawn(|| Box::new(8)).join().unwrap(), 8);
}

#[test]
fn a_strand_is_stolen_from_a_worker_that_is_busy() {
    let pool = pool(2);
    pool.install(|| {
        let (say, heard) = mpsc::channel();
        let here = heist::current_thread_index();
        for n in 0..6 {
            let say = say.clone();
            let at = move || say.send((Box::new(n), heist::current_thread_index())).unwrap();
            drop(pool.spawn_keyed("key", at));
            if n % 2 == 1 {
                // Busy until the other worker has come for them, and is gone or just going.
                for due in [n - 1, n] {
                    let (number, thief) = heard.recv().unwrap();
                    assert!(*number == due && thief != here, "{number} on {thief:?}");
                }
            }
        }
    });
}

#[test]
fn what_is_set_by_hand_holds_beside_a_quota_that_stays() {
    let pool = builder(2).follow_cpu_quota(SOON).build().expect("a pool");
    // Miri has one CPU, unless told otherwise.
    let cpus = pool.active_threads();
    assert!((1..=2).contains(&cpus));
    for active in [2, 1, 2] {
        pool.set_active_threads(active).expect("in range");
        // One clock after the other: when this one has come, the quota was looked at.
        let late = pool.task().deadline(Instant::now() + 3 * SOON);
        let never = late.spawn_future(pending::<()>());
        assert!(never.join().unwrap_err().is_deadline());
        assert_eq!(pool.active_threads(), active);
    }
}
