//! Crowds at a narrow entrance: those who wait, those who give up, those who
//! are inside and want in, and those who take back what they brought.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;

use heist::ThreadPool;

use crate::books::{Books, add};
use crate::crew::{build, spawn, task, treat, until};
use crate::rounds::{Dice, rounds};

/// Polls a waiting spawn a few times, and then gives its place up.
fn waver(pool: &ThreadPool, books: &Arc<Books>, dice: &Dice) {
    let (number, task) = task(books, dice);
    let mut waiting = pin!(pool.spawn_async(task));
    for _ in 0..1 + dice.below(3) {
        match waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => dice.dawdle(),
            Poll::Ready(Ok(handle)) => {
                add(&books.tried);
                books.is_due(number);
                drop(handle);
                return;
            }
            Poll::Ready(Err(refused)) => {
                assert!(refused.is_closed() && books.is_closed());
                add(&books.tried);
                add(&books.refused);
                return;
            }
        }
    }
}

#[test]
fn everybody_in_line_at_a_narrow_entrance_gets_in_or_is_told() {
    rounds(|dice, score| {
        let (crowd, tasks) = (2 + dice.below(3), 20);
        let books = Books::of(crowd * tasks * 2 * 4);
        let (pool, crew) = build(dice, score, 1, &books);
        thread::scope(|threads| {
            for dice in (0..crowd).map(|_| dice.fork()) {
                let (pool, books) = (&pool, &books);
                threads.spawn(move || {
                    for _ in 0..tasks {
                        if dice.one_in(4) {
                            waver(pool, books, &dice);
                        }
                        drop(spawn(pool, books, &dice));
                    }
                });
            }
            if dice.one_in(2) {
                (0..dice.below(20)).for_each(|_| dice.dawdle());
                books.close();
                pool.close();
            }
        });
        books.balance(&pool);
        assert!(pool.metrics().lanes.iter().all(|lane| lane.blocked_submitters == 0));
        drop(pool);
        crew.assert_over();
        until(|| books.all_dropped());
        score.tasks += books.issued() as u64;
    });
}

/// Two threads try to cancel each task while workers run them.
#[test]
fn a_task_is_cancelled_once_or_runs_once() {
    rounds(|dice, score| {
        let tasks = 1 + dice.below(40);
        let books = Books::of(tasks * 4);
        let (pool, crew) = build(dice, score, dice.pick(&[4, 4096]), &books);
        let handles = (0..tasks).filter_map(|_| spawn(&pool, &books, dice));
        let handles: Vec<_> = handles.collect();
        thread::scope(|threads| {
            for _ in 0..2 {
                threads.spawn(|| {
                    for (number, handle) in &handles {
                        if handle.cancel() {
                            books.is_cancelled(*number);
                        }
                    }
                });
            }
        });
        for spawned in handles {
            if let Some((number, handle)) = treat(&books, dice, spawned) {
                books.settle(number, handle.join());
            }
        }
        books.balance(&pool);
        drop(pool);
        crew.assert_over();
        until(|| books.all_dropped());
        score.tasks += books.issued() as u64;
    });
}

/// Tasks that spawn on their own pool while others fill its entrance.
#[test]
fn a_task_never_waits_for_room_in_its_own_pool() {
    rounds(|dice, score| {
        let (tasks, children) = (20, 3);
        let books = Books::of(tasks * (1 + children) * 4);
        let (pool, crew) = build(dice, score, 1, &books);
        let pool = Arc::new(pool);
        thread::scope(|threads| {
            for dice in (0..2).map(|_| dice.fork()) {
                let (pool, books) = (&pool, &books);
                threads.spawn(move || {
                    for _ in 0..tasks / 2 {
                        let (own, books, dice) = (pool.clone(), books.clone(), dice.fork());
                        drop(pool.spawn(move || {
                            for _ in 0..children {
                                let child = spawn(&own, &books, &dice);
                                let (number, child) = child.expect("inside there is room");
                                books.settle(number, child.join());
                            }
                        }));
                    }
                });
            }
        });
        until(|| Arc::strong_count(&pool) == 1);
        books.close();
        drop(pool);
        crew.assert_over();
        until(|| books.all_dropped());
        score.tasks += (tasks + books.issued()) as u64;
    });
}

/// Each of two pools has a narrow entrance, and its tasks spawn on the other.
#[test]
fn two_pools_that_spawn_on_each_other_never_wait_in_a_ring() {
    rounds(|dice, score| {
        let books = Books::of(2 * 12 * 4);
        let pools = [(); 2].map(|()| {
            let (pool, crew) = build(dice, score, 1, &books);
            (Arc::new(pool), crew)
        });
        thread::scope(|threads| {
            for from in 0..2 {
                let [here, there] = [from, 1 - from].map(|pool| &pools[pool].0);
                let (books, dice) = (&books, dice.fork());
                threads.spawn(move || {
                    for _ in 0..12 {
                        let (there, books, dice) = (there.clone(), books.clone(), dice.fork());
                        // Not in any way: who blocks on a future takes its worker away.
                        drop(here.spawn(move || {
                            let (number, task) = task(&books, &dice);
                            drop(books.book(number, there.spawn(task)));
                        }));
                    }
                });
            }
        });
        until(|| pools.iter().all(|(pool, _)| Arc::strong_count(pool) == 1));
        books.close();
        for (pool, crew) in pools {
            drop(pool);
            crew.assert_over();
        }
        until(|| books.all_dropped());
        score.tasks += (24 + books.issued()) as u64;
    });
}
