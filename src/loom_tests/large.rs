//! Scenarios that are too large for every schedule: shuttle tries random ones.

use super::{
    explore::sample,
    house::{builder, gate, pool},
};
use crate::{
    Priority,
    sync::{Arc, AtomicUsize, Ordering, thread},
};

/// Runs `submitter` on so many threads beside this one.
fn beside(threads: usize, submitter: impl Fn() + Send + Sync + 'static) {
    let submitter = Arc::new(submitter);
    let threads: Vec<_> = (0..threads)
        .map(|_| {
            let submitter = Arc::clone(&submitter);
            thread::spawn(move || submitter())
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

fn count(counter: &AtomicUsize) {
    counter.fetch_add(1, Ordering::Relaxed);
}

#[test]
fn loom_large_four_workers_run_twelve_tasks_once_each() {
    sample(|| {
        let pool = builder(4, 0).injector_capacity(4).build().unwrap();
        let ran = Arc::new(AtomicUsize::new(0));
        let tasks: Vec<_> = (0..12)
            .map(|i| {
                let ran = Arc::clone(&ran);
                let task = move || (count(&ran), crate::spawn(move || count(&ran))).1;
                let priority = Priority::ALL[i % 3];
                pool.task().priority(priority).spawn(task)
            })
            .collect();
        pool.shutdown();
        let children = tasks.into_iter().map(|task| task.join().expect("accepted, so run"));
        // A child that came after the close was refused.
        let grown = children.filter_map(|child| child.join().ok()).count();
        assert_eq!(ran.load(Ordering::Relaxed), 12 + grown);
    });
}

#[test]
fn loom_large_scopes_nest_on_two_workers_and_a_guest() {
    sample(|| {
        let pool = pool(2, 1);
        let ran = AtomicUsize::new(0);
        pool.scope(|outer| {
            for _ in 0..3 {
                outer.spawn(|_| {
                    crate::scope(|inner| {
                        inner.spawn(|_| count(&ran));
                        inner.spawn(|_| count(&ran));
                    });
                    count(&ran);
                });
            }
        });
        assert_eq!(ran.load(Ordering::Relaxed), 9);
    });
}

#[test]
fn loom_large_a_tree_of_forks_on_three_workers() {
    fn fib(n: u32) -> u32 {
        if n < 2 {
            return n;
        }
        let (a, b) = crate::join(|| fib(n - 1), || fib(n - 2));
        a + b
    }
    sample(|| assert_eq!(pool(3, 1).join(|| fib(5), || fib(4)), (5, 3)));
}

#[test]
fn loom_large_pools_of_two_workers_call_each_other() {
    sample(|| {
        let pools = Arc::new([pool(2, 0), pool(2, 0)]);
        let tasks = [0, 1, 0, 1].map(|here| {
            let pools = Arc::clone(&pools);
            let spawner = Arc::clone(&pools);
            spawner[here].spawn(move || pools[1 - here].install(|| here))
        });
        assert_eq!(tasks.map(|task| task.join().unwrap()), [0, 1, 0, 1]);
    });
}

#[test]
fn loom_large_a_storm_of_cancels_loses_no_answer() {
    sample(|| {
        let pool = pool(2, 0);
        let ran = Arc::new(AtomicUsize::new(0));
        let tasks: Vec<_> = (0..8)
            .map(|i| {
                let ran = Arc::clone(&ran);
                let task = pool.spawn(move || count(&ran));
                (i % 2 == 0).then(|| task.cancel());
                task
            })
            .collect();
        let done = tasks.into_iter().filter_map(|task| task.join().ok()).count();
        assert_eq!(done, ran.load(Ordering::Relaxed));
        pool.shutdown();
        assert_eq!(done, ran.load(Ordering::Relaxed));
    });
}

#[test]
fn loom_large_four_spawners_share_one_place() {
    sample(|| {
        let pool = Arc::new(builder(2, 0).injector_capacity(1).build().unwrap());
        let ran = Arc::new(AtomicUsize::new(0));
        let (home, counter) = (Arc::clone(&pool), Arc::clone(&ran));
        beside(4, move || {
            let counter = Arc::clone(&counter);
            home.spawn(move || count(&counter)).join().unwrap();
        });
        assert_eq!(ran.load(Ordering::Relaxed), 4);
    });
}

#[test]
fn loom_large_guests_come_and_go_with_work_left_behind() {
    sample(|| {
        let pool = Arc::new(pool(2, 2));
        let ran = Arc::new(AtomicUsize::new(0));
        let (home, counter) = (Arc::clone(&pool), Arc::clone(&ran));
        beside(3, move || {
            let counter = Arc::clone(&counter);
            let left = home.scope(|_| crate::spawn(move || count(&counter)));
            assert_eq!(home.join(|| 1, || 2), (1, 2));
            left.join().unwrap();
        });
        assert_eq!(ran.load(Ordering::Relaxed), 3);
    });
}

#[test]
fn loom_large_a_blocked_task_holds_up_no_other() {
    sample(|| {
        let pool = builder(2, 0).injector_capacity(8).build().unwrap();
        let (open, wait) = gate();
        let blocked = pool.spawn(wait);
        let others: Vec<_> = (0..4).map(|_| pool.spawn(|| crate::spawn(|| ()))).collect();
        others.into_iter().for_each(|task| task.join().unwrap().join().unwrap());
        open();
        blocked.join().unwrap();
    });
}
