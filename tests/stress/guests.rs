//! Threads from outside that come, work inside, and go.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

use heist::ThreadPool;

use crate::books::Books;
use crate::crew::{build, leaves, spawn, treat, until};
use crate::rounds::{Dice, rounds};

/// One visit: some verb, and the check that it did all of it.
fn visit(pool: &ThreadPool, dice: &Dice) {
    let size = dice.below(200);
    match dice.below(7) {
        0 => {
            let depth = dice.below(7);
            assert_eq!(pool.install(|| leaves(depth)), 1 << depth);
        }
        1 => {
            let depth = dice.below(7);
            let (a, b) = pool.join(|| leaves(depth), || leaves(depth));
            assert_eq!(a + b, 2 << depth);
        }
        2 => {
            // Relaxed: the scope itself must make it seen.
            let count = AtomicUsize::new(0);
            pool.scope(|s| {
                for _ in 0..size {
                    s.spawn(|s| {
                        count.fetch_add(1, Relaxed);
                        s.spawn(|_| _ = count.fetch_add(1, Relaxed));
                    });
                }
            });
            assert_eq!(count.load(Relaxed), 2 * size);
        }
        3 => {
            let mut items = vec![0; size];
            pool.for_each_mut(&mut items, |index, item| *item += index + 1);
            assert!(items.iter().copied().eq(1..=size), "{items:?}");
        }
        4 => {
            let items: Vec<usize> = (0..size).collect();
            assert_eq!(pool.map(&items, |item| item * 2), Vec::from_iter((0..size).map(|i| i * 2)));
        }
        5 => {
            let items: Vec<usize> = (0..size).collect();
            let sum = pool.map_reduce(&items, |item| *item, || 0, |a, b| a + b);
            assert_eq!(sum, items.iter().sum());
        }
        _ => {
            let workers = pool.broadcast(|at| at.index());
            assert_eq!(workers, Vec::from_iter(0..pool.num_threads()));
        }
    }
}

#[test]
fn guests_come_and_go_beside_tasks() {
    rounds(|dice, score| {
        let (guests, visits) = (1 + dice.below(4), 8);
        let books = Books::of(guests * visits * 4);
        let (pool, crew) = build(dice, score, dice.pick(&[1, 64]), &books);
        thread::scope(|threads| {
            for dice in (0..guests).map(|_| dice.fork()) {
                let (pool, books) = (&pool, &books);
                threads.spawn(move || {
                    for _ in 0..visits {
                        visit(pool, &dice);
                        if let Some((number, handle)) = spawn(pool, books, &dice)
                            .filter(|_| dice.one_in(2))
                            .and_then(|spawned| treat(books, &dice, spawned))
                        {
                            books.settle(number, handle.join());
                        }
                    }
                });
            }
        });
        books.balance(&pool);
        drop(pool);
        crew.assert_over();
        until(|| books.all_dropped());
        score.tasks += books.issued() as u64;
    });
}
