//! Scopes whose jobs join one another's handles, with bodies in any place.

use std::future::Future;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};
use std::thread;

use heist::{JoinError, Scope, ScopedJoinHandle, ThreadPool};

use crate::books::Books;
use crate::crew::{build, leaves};
use crate::rounds::{Dice, rounds};

/// The result of a job: jobs that it knows of. It borrows, so that a result which
/// outlives its scope is found out.
type Handle<'scope> = ScopedJoinHandle<'scope, (&'scope Tally, usize)>;

/// What happened in a scope. Relaxed: the scope itself must make it seen.
#[derive(Default)]
struct Tally {
    ran: AtomicUsize,
    threw: AtomicUsize,
    caught: AtomicUsize,
    /// Handles that were not joined.
    left: AtomicUsize,
}

impl Tally {
    /// What a joined job knows of; none if it panicked, with a payload of ours.
    fn joined(&self, result: Result<(&Tally, usize), JoinError>) -> usize {
        match result {
            Ok((tally, jobs)) => {
                assert!(std::ptr::eq(tally, self));
                jobs
            }
            Err(error) => {
                assert!(error.into_panic().is::<Thrown>());
                self.caught.fetch_add(1, Relaxed);
                0
            }
        }
    }

    /// Joins handles, or does something else with them.
    fn settle<'scope>(&self, dice: &Dice, handles: Vec<Handle<'scope>>) -> usize {
        let settle = |mut handle: Handle<'scope>| {
            if dice.one_in(4) {
                // A waker that is replaced, or too late.
                let polled = Pin::new(&mut handle).poll(&mut Context::from_waker(Waker::noop()));
                if let Poll::Ready(result) = polled {
                    return self.joined(result);
                }
            }
            match dice.below(20) {
                0 => drop(handle),
                1 => mem::forget(handle),
                2 => return self.joined(heist::isolated(|| handle.join())),
                _ => return self.joined(handle.join()),
            }
            self.left.fetch_add(1, Relaxed);
            0
        };
        handles.into_iter().map(settle).sum()
    }
}

/// What jobs panic with.
struct Thrown;

/// A job that joins others, which were spawned before it.
fn job<'scope>(
    s: &Scope<'scope>,
    tally: &'scope Tally,
    dice: &Dice,
    others: Vec<Handle<'scope>>,
) -> usize {
    dice.dawdle();
    let depth = dice.below(5);
    assert_eq!(leaves(depth), 1 << depth);
    let mut known = 1 + tally.settle(dice, others);
    if dice.one_in(4) {
        let (own, other) = (dice.fork(), dice.fork());
        let child = s.spawn_handle(move |s| (tally, job(s, tally, &own, Vec::new())));
        heist::in_place_scope(|inner| {
            inner.spawn(move |_| other.dawdle());
            known += tally.settle(dice, vec![child]);
        });
    }
    tally.ran.fetch_add(1, Relaxed);
    if dice.one_in(20) {
        tally.threw.fetch_add(1, Relaxed);
        resume_unwind(Box::new(Thrown));
    }
    known
}

/// Spawns jobs that join some of those before them, and joins the rest.
fn body<'scope>(s: &Scope<'scope>, tally: &'scope Tally, dice: &Dice) -> usize {
    let mut free: Vec<Handle<'scope>> = Vec::new();
    for _ in 0..dice.below(30) {
        let mut taken = Vec::new();
        while !free.is_empty() && !dice.one_in(3) {
            taken.push(free.swap_remove(dice.below(free.len())));
        }
        let own = dice.fork();
        if dice.one_in(6) {
            // They are known to nobody.
            let more = move |s: &Scope<'scope>| _ = job(s, tally, &own, taken);
            s.spawn(more);
            tally.left.fetch_add(1, Relaxed);
        } else {
            free.push(s.spawn_handle(move |s| (tally, job(s, tally, &own, taken))));
        }
    }
    tally.settle(dice, free)
}

/// A scope, here; how many jobs it had.
fn graph(pool: &ThreadPool, dice: &Dice) -> usize {
    let tally = Tally::default();
    let (own, tally) = (dice.fork(), &tally);
    let outcome = catch_unwind(AssertUnwindSafe(|| match dice.below(3) {
        0 => pool.scope(move |s| body(s, tally, &own)),
        _ => pool.in_place_scope(|s| body(s, tally, dice)),
    }));
    let [ran, threw, caught, left] =
        [&tally.ran, &tally.threw, &tally.caught, &tally.left].map(|count| count.load(Relaxed));
    match outcome {
        Ok(known) => {
            assert_eq!(threw, caught, "a panic that nobody has heard of");
            assert!(known == ran || threw + left > 0, "{known} of {ran} jobs are known");
        }
        Err(payload) => {
            assert!(payload.is::<Thrown>(), "{:?}", payload.downcast_ref::<String>());
            assert!(threw > caught, "a panic was heard of twice");
        }
    }
    ran
}

#[test]
fn jobs_join_one_another_in_scopes_anywhere() {
    rounds(|dice, score| {
        let (pool, crew) = build(dice, score, 64, &Books::of(0));
        let jobs = AtomicUsize::new(0);
        thread::scope(|threads| {
            for dice in (0..1 + dice.below(4)).map(|_| dice.fork()) {
                let (pool, jobs) = (&pool, &jobs);
                threads.spawn(move || {
                    for _ in 0..8 {
                        let dice = dice.fork();
                        let ran = match dice.one_in(3) {
                            true => pool.install(move || graph(pool, &dice)),
                            false => graph(pool, &dice),
                        };
                        jobs.fetch_add(ran, Relaxed);
                    }
                });
            }
        });
        drop(pool);
        crew.assert_over();
        score.tasks += jobs.into_inner() as u64;
    });
}
