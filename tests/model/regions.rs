//! Fork-join regions from outside, in the middle of it all.

use std::cell::Cell;
use std::sync::Mutex;

use heist::ThreadPool;

/// What borrows and is over when it returns.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Region {
    Join,
    Scope,
    /// Whose jobs are joined, by the body and by one another; one is forgotten.
    Handles,
    /// With a body that stays here.
    InPlace,
    /// With a lock held all the while.
    Isolated,
    Loop,
}

impl Region {
    pub(crate) const ALL: [Region; 6] = [
        Region::Join,
        Region::Scope,
        Region::Handles,
        Region::InPlace,
        Region::Isolated,
        Region::Loop,
    ];

    /// Each comes to the same.
    pub(crate) fn run(self, pool: &ThreadPool) {
        let numbers = [1, 2, 3];
        let sum = Mutex::new(0);
        let add = |n: &i32| *sum.lock().unwrap() += n;
        let [one, two, three] = &numbers;
        match self {
            Region::Join => {
                let ((), ((), ())) =
                    pool.join(|| add(one), || heist::join(|| add(two), || add(three)));
            }
            Region::Scope => {
                pool.scope(|s| {
                    s.spawn(|s| s.spawn(|_| add(one)));
                    for n in [two, three] {
                        s.spawn(move |_| add(n));
                    }
                });
            }
            Region::Handles => {
                let result = pool.scope(|s| {
                    let first = s.spawn_handle(|_| one);
                    let both = s.spawn_handle(move |_| first.join().unwrap() + two);
                    drop(s.spawn_handle(|_| add(three)));
                    both.join().unwrap()
                });
                add(&result);
            }
            Region::InPlace => {
                let stays = Cell::new(0);
                pool.in_place_scope(|s| {
                    for n in &numbers {
                        s.spawn(move |_| add(n));
                        stays.set(stays.get() + 1);
                    }
                });
                assert_eq!(stays.get(), 3);
            }
            Region::Isolated => heist::isolated(|| {
                let mut held = sum.lock().unwrap();
                let (a, b) = pool.join(|| one + two, || three);
                *held += a + b;
            }),
            Region::Loop => add(&pool.map_reduce(&numbers, |n| *n, || 0, |a, b| a + b)),
        }
        assert_eq!(sum.into_inner().unwrap(), 6);
    }
}
