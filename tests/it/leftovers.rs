//! What is left behind in a slot, and who has it next.

use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::Duration;

use heist::{JoinHandle, ThreadPool};

use crate::support::{Count, Gate, builder, hold, until, within_a_minute};

/// Long enough for who comes next to come before.
const PATIENCE: Duration = Duration::from_millis(50);

/// Tasks from outside that are to be served at the door, one after the other.
const TASKS: usize = 4;

/// A join whose first half waits for tasks from outside, and the second for the first.
fn join_beside_the_door(pool: &Arc<ThreadPool>) {
    let over = Gate::default();
    let outside = || {
        for _ in 0..TASKS {
            let pool = pool.clone();
            // No thread of the pool brings it.
            let task = thread::spawn(move || pool.spawn(|| ())).join().unwrap();
            until(|| task.is_finished());
        }
        over.open();
    };
    pool.join(outside, || over.pass());
}

#[test]
fn a_guest_that_sits_on_leftovers_shares_no_forks_with_the_door() {
    within_a_minute(|| {
        let seats = ThreadPool::builder().num_threads(1).max_guests(1);
        let pool = Arc::new(seats.door_patience(Some(PATIENCE)).build().unwrap());
        let held = hold(&pool);
        let ran = Count::shared();
        let left = ran.clone();
        pool.join(|| drop(heist::spawn(move || left.add())), || ());
        join_beside_the_door(&pool);
        until(|| ran.get() == 1);
        held.release();
    });
}

#[test]
fn nor_does_a_worker_off_duty_that_runs_what_was_sent_to_it() {
    within_a_minute(|| {
        let pool = ThreadPool::builder().num_threads(2);
        let pool = Arc::new(pool.door_patience(Some(PATIENCE)).build().unwrap());
        let (ran, sent) = (Count::shared(), Count::default());
        let gates = [Gate::default(), Gate::default()];
        thread::scope(|threads| {
            let first = || {
                pool.broadcast(|cx| {
                    let left = ran.clone();
                    if cx.index() == 1 {
                        drop(heist::spawn(move || left.add()));
                    }
                    sent.add();
                    gates[cx.index()].pass();
                });
            };
            // In a section who waits steals nothing.
            threads.spawn(move || heist::isolated(first));
            until(|| sent.get() == 2);
            pool.set_active_threads(1).unwrap();
            gates[1].open();
            until(|| {
                let second = &pool.metrics().workers[1];
                second.parks > second.wakes
            });
            let second = || {
                pool.broadcast(|cx| {
                    if cx.index() == 1 {
                        join_beside_the_door(&pool);
                        gates[0].open();
                    }
                })
            };
            heist::isolated(second);
        });
        until(|| ran.get() == 1);
    });
}

/// Nobody would come for it at the entrance while the only worker waits.
#[test]
fn without_a_door_it_stays_where_a_wait_takes_it() {
    within_a_minute(|| {
        let pool = builder(1).max_guests(1).build().unwrap();
        let (there, gate, begun) = (Gate::shared(), Gate::shared(), Count::default());
        let (here, pass) = (there.clone(), gate.clone());
        let (say, heard) = mpsc::channel();
        let task = pool.spawn(move || {
            here.open();
            pass.pass();
            let begun = &begun;
            let stolen = move || (begun.add(), heard.recv().unwrap());
            heist::join(|| until(|| begun.get() == 1), stolen);
        });
        there.pass();
        pool.scope(|_| drop(heist::spawn(move || say.send(()).unwrap())));
        pool.scope(|_| {
            gate.open();
            while !task.is_finished() {
                heist::yield_now();
            }
        });
    });
}

/// Spawns a task on top of so many forks: whoever settles those puts it aside for each.
fn spawn_on_top_of(forks: usize, then: &(dyn Fn() + Sync)) -> JoinHandle<()> {
    if forks == 0 {
        let task = heist::spawn(|| ());
        then();
        return task;
    }
    heist::join(|| spawn_on_top_of(forks - 1, then), || ()).0
}

#[test]
fn what_a_guest_held_aside_when_the_last_worker_was_given_up_is_dropped() {
    within_a_minute(|| {
        for round in 0..1000 {
            let (keep, kept) = mpsc::channel();
            let keeps = move |worker| {
                keep.send(worker).unwrap();
                Ok(())
            };
            let pool = ThreadPool::builder().num_threads(1).spawn_handler(keeps).build().unwrap();
            let worker = kept.recv().unwrap();
            let both = Barrier::new(2);
            let meet = || {
                both.wait();
            };
            let task = thread::scope(|threads| {
                let guest = threads.spawn(|| pool.scope(|_| spawn_on_top_of(round % 64, &meet)));
                both.wait();
                drop(worker);
                guest.join().unwrap()
            });
            assert!(task.is_finished(), "{round}");
        }
    });
}
