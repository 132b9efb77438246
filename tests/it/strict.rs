//! `isolated`: whoever runs elsewhere what was made in a section is as strict as its
//! owner.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;

use heist::{JoinHandle, ThreadPool};

use crate::support::{Count, builder, hold_some, until, within_a_minute};

type Job = Box<dyn FnOnce() + Send>;

/// The only worker of a pool gets a job from a guest by `lend`, and yields in it while a
/// stranger's task waits at the entrance. What does it do?
fn what_its_runner_does(
    isolated: bool,
    lend: impl FnOnce(&ThreadPool, Job, &(dyn Fn() + Sync)),
) -> heist::Yield {
    let pool = builder(1).injector_capacity(2).door_patience(None).build().unwrap();
    let (start, started) = mpsc::channel();
    let (open, gate) = mpsc::channel();
    let (say, said) = mpsc::channel();
    let job = Box::new(move || {
        start.send(thread::current().id()).unwrap();
        gate.recv().unwrap();
        say.send(heist::yield_now().unwrap()).unwrap();
    });
    let started = Mutex::new(started);
    let stranger = Mutex::new(None);
    let meanwhile = || {
        let runner = started.lock().unwrap().recv().unwrap();
        assert_ne!(runner, thread::current().id());
        let spawn = || *stranger.lock().unwrap() = Some(pool.spawn(|| ()));
        thread::scope(|threads| threads.spawn(spawn).join().unwrap());
        open.send(()).unwrap();
    };
    let lend = || lend(&pool, job, &meanwhile);
    if isolated {
        heist::isolated(lend)
    } else {
        lend()
    }
    let did = said.recv().unwrap();
    stranger.into_inner().unwrap().unwrap().join().unwrap();
    did
}

fn a_runner_is_strict(lend: fn(&ThreadPool, Job, &(dyn Fn() + Sync))) {
    within_a_minute(move || {
        let outside = what_its_runner_does(false, lend);
        assert_eq!(outside, heist::Yield::Executed);
        let inside = what_its_runner_does(true, lend);
        assert_eq!(inside, heist::Yield::Idle);
        let after = what_its_runner_does(false, lend);
        assert_eq!(after, heist::Yield::Executed, "the section is over");
    });
}

#[test]
fn a_thief_of_a_sections_fork_is_as_strict_as_its_owner() {
    a_runner_is_strict(|pool, job, meanwhile| {
        pool.join(meanwhile, job);
    });
}

#[test]
fn a_thief_of_a_sections_scoped_job_is_as_strict_as_its_owner() {
    a_runner_is_strict(|pool, job, meanwhile| {
        pool.scope(|s| {
            s.spawn(|_| job());
            meanwhile();
        });
    });
}

/// What its runner does with a job put into a scope from outside, by `spawn`, which is to call
/// what it is given.
fn what_is_done_with_a_stray(spawn: fn(&ThreadPool, &(dyn Fn() + Sync))) -> heist::Yield {
    what_its_runner_does(false, |pool, job, meanwhile| {
        pool.scope(|s| {
            let job = Mutex::new(Some(job));
            thread::scope(|threads| {
                let put = || {
                    let job = job.lock().unwrap().take().unwrap();
                    s.spawn(move |_| job());
                };
                threads.spawn(move || spawn(pool, &put));
            });
            meanwhile();
        });
    })
}

#[test]
fn whoever_runs_what_is_put_into_a_scope_from_a_section_outside_of_it_is_strict() {
    within_a_minute(|| {
        let done = what_is_done_with_a_stray;
        assert_eq!(done(|_, put| put()), heist::Yield::Executed);
        assert_eq!(done(|_, put| heist::isolated(put)), heist::Yield::Idle);
        // As a guest.
        assert_eq!(done(|pool, put| pool.scope(|_| put())), heist::Yield::Executed);
        assert_eq!(done(|pool, put| pool.isolated(put)), heist::Yield::Idle);
    });
}

#[test]
fn a_thief_of_a_sections_task_is_as_strict_as_its_owner() {
    a_runner_is_strict(|pool, job, meanwhile| {
        pool.scope(|_| {
            let task = heist::spawn(job);
            meanwhile();
            task.join().unwrap();
        });
    });
}

#[test]
fn whoever_runs_a_task_that_went_from_a_section_through_the_entrance_is_strict() {
    a_runner_is_strict(|pool, job, meanwhile| {
        let task = pool.spawn(job);
        meanwhile();
        task.join().unwrap();
    });
}

/// Who makes room puts it in, and is in no section.
#[test]
fn whoever_runs_a_task_of_a_section_that_waited_for_room_is_strict() {
    a_runner_is_strict(|pool, job, meanwhile| {
        let held = hold_some(pool, 1);
        let fill = [pool.spawn(|| ()), pool.spawn(|| ())];
        thread::scope(|threads| {
            threads.spawn(|| {
                until(|| pool.metrics().lanes[1].blocked_submitters > 0);
                held.release();
            });
            let task = pool.spawn(job);
            meanwhile();
            task.join().unwrap();
        });
        fill.into_iter().for_each(|task| task.join().unwrap());
    });
}

#[test]
fn whoever_runs_a_task_of_a_section_that_is_let_in_by_a_poll_elsewhere_is_strict() {
    a_runner_is_strict(|pool, job, meanwhile| {
        let spawning = pool.spawn_async(job);
        let poll = || match pin!(spawning).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(task) => task.unwrap_or_else(|_| panic!("it is open")),
            Poll::Pending => panic!("there is room"),
        };
        let task = thread::scope(|threads| threads.spawn(poll).join().unwrap());
        meanwhile();
        task.join().unwrap();
    });
}

#[test]
fn whoever_joins_a_task_of_a_section_outside_of_it_is_strict() {
    a_runner_is_strict(|pool, job, meanwhile| {
        let (give, given) = mpsc::channel::<JoinHandle<()>>();
        let join = move || given.recv().unwrap().join().unwrap();
        let outside = || pool.spawn(join);
        let joiner = thread::scope(|threads| threads.spawn(outside).join().unwrap());
        until(|| pool.metrics().lanes[1].depth == 0);
        give.send(pool.spawn(job)).unwrap();
        // The stranger waits behind it.
        until(|| pool.metrics().lanes[1].depth == 0);
        meanwhile();
        joiner.join().unwrap();
    });
}

#[test]
fn whoever_runs_a_keyed_task_of_a_section_is_strict() {
    a_runner_is_strict(|pool, job, meanwhile| {
        let task = pool.spawn_keyed("key", job);
        meanwhile();
        task.join().unwrap();
    });
}

#[test]
fn whoever_runs_a_task_of_a_bulkhead_from_a_section_is_strict() {
    a_runner_is_strict(|pool, job, meanwhile| {
        let task = pool.bulkhead("class").limit(1).build().unwrap().spawn(job);
        meanwhile();
        task.join().unwrap();
    });
}

#[test]
fn whoever_polls_a_future_of_a_section_is_strict() {
    a_runner_is_strict(|pool, job, meanwhile| {
        let task = pool.spawn_future(async move { job() });
        meanwhile();
        task.join().unwrap();
    });
}

#[test]
fn a_thief_of_many_jobs_leaves_none_of_a_section_behind_a_stranger() {
    within_a_minute(|| {
        // As many tasks as it takes until a worker looks at its oldest job first.
        for before in 0..61 {
            let pool = builder(2).door_patience(None).build().unwrap();
            (0..before).for_each(|_| pool.spawn(|| ()).join().unwrap());
            let (lock, at_lock) = (Arc::new(Mutex::new(())), Count::shared());
            let other = hold_some(&pool, 1);
            let task = pool.spawn(move || {
                let locked = lock.lock().unwrap();
                for _ in 0..4 {
                    let (lock, at_lock) = (Arc::clone(&lock), at_lock.clone());
                    drop(heist::spawn(move || {
                        at_lock.add();
                        drop(lock.lock().unwrap());
                    }));
                }
                heist::isolated(|| {
                    heist::scope(|s| {
                        (0..60).for_each(|_| s.spawn(|_| ()));
                        other.release();
                        until(|| at_lock.get() > 0);
                    });
                });
                drop(locked);
            });
            task.join().unwrap();
        }
    });
}
