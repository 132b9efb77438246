//! Bulkheads, keys, futures, sections, stand-ins and changes of size, many at a time: too
//! large for every schedule, so shuttle tries random ones.

use std::{
    future::poll_fn,
    task::{Poll, Waker},
};

use super::{
    explore::sample,
    house::{builder, gate},
};
use crate::{
    CancellationToken, JoinHandle, ThreadPool,
    sync::{Arc, AtomicUsize, Mutex, Ordering, thread},
};

/// How often something has run, and how many are at it.
#[derive(Default)]
pub(super) struct Tally {
    ran: AtomicUsize,
    inside: AtomicUsize,
}

impl Tally {
    /// Runs as one of at most `limit` at a time; the steps let others come in between.
    pub(super) fn enter(&self, limit: usize) {
        let before = self.inside.fetch_add(1, Ordering::SeqCst);
        assert!(before < limit, "{} at once, not {limit}", before + 1);
        thread::yield_now();
        self.inside.fetch_sub(1, Ordering::SeqCst);
        self.ran.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn ran(&self) -> usize {
        self.ran.load(Ordering::SeqCst)
    }
}

/// How many have run; the others were cancelled.
pub(super) fn settle(tasks: Vec<JoinHandle<()>>) -> usize {
    let outcomes = tasks.into_iter().map(JoinHandle::join);
    outcomes
        .filter(|outcome| outcome.as_ref().map_err(|e| assert!(e.is_cancelled())).is_ok())
        .count()
}

pub(super) fn on_two_threads(
    pool: ThreadPool,
    f: impl Fn(&ThreadPool) + Send + Sync + 'static,
) -> ThreadPool {
    let shared = Arc::new((pool, f));
    let other = {
        let shared = Arc::clone(&shared);
        thread::spawn(move || shared.1(&shared.0))
    };
    shared.1(&shared.0);
    other.join().unwrap();
    Arc::into_inner(shared).expect("the other is gone").0
}

#[test]
fn loom_crowd_bulkheads_keep_their_limits_and_run_all() {
    sample(|| {
        let pool = builder(3, 0).injector_capacity(8).build().unwrap();
        let class = |limit| pool.bulkhead("class").limit(limit).queue(8).build().unwrap();
        let (classes, limits) = ([class(1), class(2)], [1, 2]);
        let tallies = Arc::new([Tally::default(), Tally::default()]);
        let counts = Arc::clone(&tallies);
        let pool = on_two_threads(pool, move |_| {
            for turn in 0..4 {
                let (which, counts) = (turn % 2, Arc::clone(&counts));
                drop(classes[which].spawn(move || counts[which].enter(limits[which])));
            }
        });
        pool.shutdown();
        assert_eq!([tallies[0].ran(), tallies[1].ran()], [4, 4]);
    });
}

#[test]
fn loom_crowd_keys_keep_their_order_whoever_steals_them() {
    sample(|| {
        let pool = builder(3, 0).injector_capacity(8).build().unwrap();
        let seen = Arc::new([(); 2].map(|()| (Tally::default(), Mutex::new(Vec::new()))));
        let tasks: Vec<_> = (0..8)
            .map(|turn| {
                let (key, seen) = (turn % 2, Arc::clone(&seen));
                pool.spawn_keyed(key, move || {
                    let (tally, order) = &seen[key];
                    order.lock().push(turn);
                    tally.enter(1);
                })
            })
            .collect();
        // From the middle of one strand.
        assert!(!tasks[4].cancel() || tasks[4].is_finished());
        let ran = settle(tasks);
        pool.shutdown();
        let orders = [0, 1].map(|key: usize| seen[key].1.lock().clone());
        assert!(orders.iter().all(|order| order.is_sorted()), "{orders:?}");
        assert_eq!(orders.iter().map(Vec::len).sum::<usize>(), ran);
    });
}

#[test]
fn loom_crowd_a_tree_of_tokens_is_cancelled_while_tasks_start() {
    sample(|| {
        let pool = builder(2, 0).injector_capacity(8).build().unwrap();
        let (root, tally) = (CancellationToken::new(), Arc::new(Tally::default()));
        let tasks: Vec<_> = (0..6)
            .map(|_| {
                let tally = Arc::clone(&tally);
                let token = root.child_token();
                pool.task().cancel_token(&token).spawn(move || tally.enter(2))
            })
            .collect();
        let canceller = thread::spawn(move || root.cancel());
        let ran = settle(tasks);
        canceller.join().unwrap();
        pool.shutdown();
        assert_eq!(ran, tally.ran());
    });
}

#[test]
fn loom_crowd_futures_woken_from_outside_come_to_their_end() {
    sample(|| {
        let pool = builder(2, 0).injector_capacity(4).build().unwrap();
        let wakers = Arc::new(Mutex::new((Vec::<Waker>::new(), 0)));
        let tasks: Vec<_> = (0..3)
            .map(|_| {
                let (wakers, mut turns) = (Arc::clone(&wakers), 2);
                pool.spawn_future(poll_fn(move |cx| {
                    if turns == 0 {
                        return Poll::Ready(());
                    }
                    turns -= 1;
                    let mut wakers = wakers.lock();
                    wakers.0.push(cx.waker().clone());
                    wakers.1 += 1;
                    Poll::Pending
                }))
            })
            .collect();
        let rings = Arc::clone(&wakers);
        let waker = thread::spawn(move || {
            let mut woken = 0;
            while woken < 6 {
                let due = std::mem::take(&mut rings.lock().0);
                woken += due.len();
                due.into_iter().for_each(Waker::wake);
                thread::yield_now();
            }
        });
        let beside = pool.join(|| 1, || 2);
        assert_eq!((settle(tasks), beside), (3, (1, 2)));
        waker.join().unwrap();
        assert_eq!(wakers.lock().1, 6);
        pool.shutdown();
    });
}

#[test]
fn loom_crowd_stand_ins_work_while_all_workers_block() {
    sample(|| {
        let pool = builder(2, 0).injector_capacity(8).max_stand_ins(2).build().unwrap();
        let tally = Arc::new(Tally::default());
        let (gates, waits): (Vec<_>, Vec<_>) = (0..2).map(|_| gate()).unzip();
        let away: Vec<_> =
            waits.into_iter().map(|wait| pool.spawn(move || crate::blocking(wait))).collect();
        let others: Vec<_> = (0..4)
            .map(|_| {
                let tally = Arc::clone(&tally);
                pool.spawn(move || {
                    crate::join(|| tally.enter(8), || tally.enter(8));
                })
            })
            .collect();
        assert_eq!(settle(others), 4);
        gates.into_iter().for_each(|open| open());
        assert_eq!((settle(away), tally.ran()), (2, 8));
        pool.shutdown();
    });
}

#[test]
fn loom_crowd_a_lock_is_held_across_joins_in_sections() {
    sample(|| {
        let pool = builder(2, 1).build().unwrap();
        let lock = Mutex::new(0);
        // Where a thread that waits would find them.
        pool.scope(|s| {
            for _ in 0..4 {
                s.spawn(|_| {
                    crate::isolated(|| {
                        let mut held = lock.lock();
                        let (a, b) = crate::join(|| 1, || crate::join(|| 1, || 1));
                        *held += a + b.0 + b.1;
                    });
                });
            }
        });
        assert_eq!(lock.into_inner(), 12);
        pool.shutdown();
    });
}

#[test]
fn loom_crowd_a_pool_changes_its_size_while_tasks_and_guests_come() {
    sample(|| {
        let pool = builder(3, 2).injector_capacity(4).build().unwrap();
        let tally = Arc::new(Tally::default());
        let inside = Arc::clone(&tally);
        let pool = on_two_threads(pool, move |pool| {
            for active in [1, 3, 2] {
                pool.set_active_threads(active).unwrap();
                let inside = Arc::clone(&inside);
                let task = pool.spawn(move || inside.enter(4));
                assert_eq!(pool.join(|| 1, || 2), (1, 2));
                task.join().unwrap();
            }
        });
        pool.shutdown();
        assert_eq!(tally.ran(), 6);
    });
}

#[test]
fn loom_crowd_jobs_of_a_scope_join_one_another_beside_tasks() {
    sample(|| {
        let pool = builder(2, 1).injector_capacity(4).build().unwrap();
        let tally = Arc::new(Tally::default());
        let inside = Arc::clone(&tally);
        let task = pool.spawn(move || inside.enter(1));
        let sum = pool.scope(|s| {
            let first = s.spawn_handle(|_| 1);
            let second = s.spawn_handle(move |s| {
                let inner = s.spawn_handle(|_| 2);
                first.join().unwrap() + inner.join().unwrap()
            });
            drop(s.spawn_handle(|_| ()));
            second.join().unwrap()
        });
        task.join().unwrap();
        assert_eq!((sum, tally.ran()), (3, 1));
        pool.shutdown();
    });
}
