//! Whole lives of pools: built, flooded, ended in every way.

use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use crate::books::Books;
use crate::crew::{Crew, Spawned, build, spawn, treat, until};
use crate::rounds::{Dice, Score, rounds};
use crate::watchdog::Pool;

/// The ways to end a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Shutdown,
    Now,
    InTime,
    Drop,
}

const ENDS: [End; 4] = [End::Shutdown, End::Now, End::InTime, End::Drop];

/// Longer than any test.
const HOUR: Duration = Duration::from_secs(3600);

/// The most tasks that one task of `crew::task` makes, itself included.
const FAMILY: usize = 4;

/// Ends a pool from outside, and checks what it left.
fn end(end: End, pool: Pool, crew: &Crew, books: &Books, dice: &Dice) {
    books.close();
    let mut has_waited = true;
    match end {
        End::Shutdown => pool.end(|pool| pool.shutdown()),
        End::Drop => drop(pool),
        End::Now => {
            books.discard();
            let dropped = pool.end(|pool| pool.shutdown_now());
            let range = books.discarded();
            assert!(range.contains(&dropped), "shutdown_now dropped {dropped} of {range:?}");
        }
        End::InTime => {
            let time = dice.pick(&[dice.micros(200), HOUR]);
            if let Err(late) = pool.end(|pool| pool.shutdown_timeout(time)) {
                assert_ne!(time, HOUR, "{late}");
                has_waited = false;
            }
        }
    }
    if has_waited {
        crew.assert_over();
    } else {
        crew.await_gone();
    }
    if end != End::Now {
        assert_eq!(books.owed(), 0, "tasks were lost by {end:?}");
    }
}

/// Lets one of the pool's own tasks end it, and waits until it is gone.
fn end_inside(end: End, pool: Pool, crew: &Crew, books: &Books) {
    let (hand_over, take) = mpsc::channel::<Pool>();
    drop(pool.spawn(move || {
        let pool = take.recv().expect("the pool");
        match end {
            End::Shutdown => pool.end(|pool| pool.shutdown()),
            End::Drop => drop(pool),
            End::Now => _ = pool.end(|pool| pool.shutdown_now()),
            End::InTime => {
                // It does not wait for the task that it is called in.
                let late = pool.end(|pool| pool.shutdown_timeout(HOUR)).unwrap_err();
                assert!(late.unfinished() > 0);
            }
        }
    }));
    books.close();
    if end == End::Now {
        books.discard();
    }
    hand_over.send(pool).expect("a task that waits for it");
    crew.await_gone();
    if end != End::Now {
        assert_eq!(books.owed(), 0, "tasks were lost by {end:?} inside");
    }
}

/// What handles say at last; then nothing is left of any task.
fn settle(handles: Vec<Spawned>, books: &Books) {
    for (number, handle) in handles {
        books.settle(number, handle.join());
    }
    // Each panic has reached somebody. A pool that was not waited for may have a
    // stand-in that is about to leave.
    until(|| books.threw.load(SeqCst) == books.caught.load(SeqCst));
    until(|| books.all_dropped());
}

/// A few tasks, and the end at once: what is lost is lost at the edges.
fn short_life(dice: &Dice, score: &mut Score) {
    let tasks = dice.below(5);
    let books = Books::of(tasks * FAMILY);
    let (pool, crew) = build(dice, score, dice.pick(&[1, 2, 4096]), &books);
    let spawned = (0..tasks).filter_map(|_| {
        dice.dawdle();
        spawn(&pool, &books, dice)
    });
    let handles = spawned.collect();
    dice.dawdle();
    if dice.one_in(3) {
        end_inside(dice.pick(&ENDS), pool, &crew, &books);
    } else {
        end(dice.pick(&ENDS), pool, &crew, &books, dice);
    }
    settle(handles, &books);
    score.tasks += books.issued() as u64;
}

#[test]
fn a_short_life_loses_nothing() {
    rounds(short_life);
}

/// Several threads flood a pool, and one may close it.
fn flood(dice: &Dice, score: &mut Score) {
    let (floods, tasks) = (1 + dice.below(3), dice.below(60));
    let books = Books::of(floods * tasks * FAMILY);
    let (pool, crew) = build(dice, score, dice.pick(&[1, 3, 16, 4096]), &books);
    let flood = |dice: Dice| {
        let spawned = (0..tasks).filter_map(|_| spawn(&pool, &books, &dice));
        spawned.filter_map(|spawned| treat(&books, &dice, spawned)).collect::<Vec<_>>()
    };
    let flood = &flood;
    let mut handles = Vec::new();
    thread::scope(|threads| {
        let floods = (0..floods).map(|_| dice.fork());
        let floods: Vec<_> = floods.map(|dice| threads.spawn(move || flood(dice))).collect();
        if dice.one_in(3) {
            (0..dice.below(20)).for_each(|_| dice.dawdle());
            books.close();
            pool.close();
        }
        handles.extend(floods.into_iter().flat_map(|flood| flood.join().unwrap()));
    });
    if dice.one_in(2) {
        books.balance(&pool);
    }
    if !books.is_closed() && dice.one_in(4) {
        end_inside(dice.pick(&ENDS), pool, &crew, &books);
    } else {
        end(dice.pick(&ENDS), pool, &crew, &books, dice);
    }
    settle(handles, &books);
    score.tasks += books.issued() as u64;
}

#[test]
fn a_flood_is_accounted_for_to_the_last_task() {
    rounds(flood);
}

/// The same pool over and over: quiet, its books balance each time.
#[test]
fn a_pool_that_lives_long_balances_its_books_whenever_it_is_quiet() {
    rounds(|dice, score| {
        let (tides, tasks) = (4, 40);
        let books: Arc<Books> = Books::of(tides * tasks * FAMILY);
        let (pool, crew) = build(dice, score, dice.pick(&[1, 16]), &books);
        let mut handles = Vec::new();
        for _ in 0..tides {
            let spawned = (0..tasks).filter_map(|_| spawn(&pool, &books, dice));
            handles.extend(spawned.filter_map(|spawned| treat(&books, dice, spawned)));
            books.balance(&pool);
        }
        assert_eq!(pool.broadcast(|at| at.index()), (0..crew.workers).collect::<Vec<_>>());
        end(dice.pick(&ENDS), pool, &crew, &books, dice);
        settle(handles, &books);
        score.tasks += books.issued() as u64;
    });
}
