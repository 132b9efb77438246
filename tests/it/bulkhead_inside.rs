//! `Bulkhead` from inside its pool: spawned and joined by tasks, of its own or not.

use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

use heist::Bulkhead;

use crate::bulkhead::{Crowd, class, occupy};
use crate::support::{Count, Gate, pool, until, within_a_minute};

#[test]
fn a_task_spawns_into_its_own_bulkhead_and_joins() {
    within_a_minute(|| {
        for threads in [1, 2, 4] {
            let pool = pool(threads);
            let class = class(&pool, 1, 0);
            let own = class.clone();
            let outer = class.spawn(move || {
                let children: Vec<_> = (0..10).map(|n| own.spawn(move || n)).collect();
                let most = own.metrics().most_running;
                let sum: usize =
                    children.into_iter().rev().map(|child| child.join().unwrap()).sum();
                (sum, most)
            });
            assert_eq!(outer.join().unwrap(), (45, 1));
            assert_eq!(class.metrics().most_running, 1);
        }
    });
}

#[test]
fn tasks_of_two_bulkheads_spawn_into_each_other_and_join() {
    within_a_minute(|| {
        fn down(here: &Bulkhead, there: &Bulkhead, depth: usize) -> usize {
            if depth == 0 {
                return 0;
            }
            let (one, two) = (there.clone(), here.clone());
            1 + there.spawn(move || down(&one, &two, depth - 1)).join().unwrap()
        }
        let pool = pool(1);
        let (a, b) = (class(&pool, 1, 0), class(&pool, 1, 0));
        assert_eq!(pool.install(|| down(&a, &b, 50)), 50);
    });
}

#[test]
fn a_joiner_that_may_not_run_the_task_waits_until_it_may() {
    within_a_minute(|| {
        let pool = pool(2);
        let class = class(&pool, 1, 10);
        let (gate, first) = occupy(&class);
        let crowd = Arc::new(Crowd::default());
        let (joining, own, seen) = (Gate::shared(), class.clone(), crowd.clone());
        let joins = joining.clone();
        // On the other worker, with nobody else to run what it waits for.
        let joiner = pool.spawn(move || {
            let next = own.spawn(move || seen.enter());
            joins.open();
            next.join().unwrap();
        });
        joining.pass();
        assert_eq!(crowd.now.load(Ordering::SeqCst), 0, "the limit holds");
        gate.open();
        first.join().unwrap();
        joiner.join().unwrap();
        assert_eq!((class.metrics().completed, class.metrics().most_running), (2, 1));
    });
}

#[test]
fn a_worker_deep_in_waits_still_runs_what_it_joins_when_there_is_room() {
    within_a_minute(|| {
        let pool = pool(1);
        let class = class(&pool, 1, 10);
        let nested = |class: Bulkhead| move || class.spawn(|| 5).join().unwrap();
        let sum = pool.install(|| {
            let inner = |class: &Bulkhead| heist::spawn(nested(class.clone())).join().unwrap();
            heist::join(|| heist::join(|| inner(&class), || inner(&class)), || inner(&class))
        });
        assert_eq!(sum, ((5, 5), 5));
    });
}

#[test]
fn inside_the_pool_one_is_never_full() {
    within_a_minute(|| {
        let pool = pool(1);
        let class = class(&pool, 1, 1);
        let own = class.clone();
        let tasks = pool.install(move || {
            (0..100).map(|n| own.try_spawn(move || n).expect("inside")).collect::<Vec<_>>()
        });
        assert!(tasks.into_iter().map(|task| task.join().unwrap()).eq(0..100));
    });
}

#[test]
fn a_task_that_floods_its_own_bulkhead_works_it_off() {
    within_a_minute(|| {
        let pool = pool(1);
        let class = class(&pool, 1, 1);
        let (own, count) = (class.clone(), Count::shared());
        let counted = count.clone();
        class
            .spawn(move || {
                for _ in 0..70_000 {
                    let count = counted.clone();
                    drop(own.spawn(move || count.add()));
                }
            })
            .join()
            .unwrap();
        assert!(class.metrics().high_water <= 65_538, "{}", class.metrics());
        pool.shutdown();
        assert_eq!(count.get(), 70_000);
    });
}

#[test]
fn a_class_that_follows_itself_starves_no_lane() {
    within_a_minute(|| {
        let pool = pool(1);
        let class = class(&pool, 1, 10);
        fn follow(class: Bulkhead, until: Arc<Count>) {
            if until.get() == 0 {
                let next = class.clone();
                drop(class.spawn(move || follow(next, until)));
            }
        }
        let ran = Count::shared();
        follow(class, ran.clone());
        // It is run although there is always a task of the class.
        pool.spawn(move || ran.add()).join().unwrap();
    });
}

/// What is done when it is dropped.
struct OnDrop(Option<Box<dyn FnOnce() + Send>>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.take().expect("dropped once")();
    }
}

/// It runs when the place is another task's.
#[test]
fn a_destructor_of_a_result_has_no_place_to_lend() {
    within_a_minute(|| {
        let pool = pool(2);
        let class = class(&pool, 1, 10);
        let (queued, begun, gate) = (Gate::shared(), Gate::shared(), Gate::shared());
        let (at, ran, over) = (Arc::new(OnceLock::new()), Count::shared(), Count::shared());

        let (own, second_begun, here) = (class.clone(), begun.clone(), at.clone());
        let (third_ran, second_over) = (ran.clone(), over.clone());
        let spawns = move || {
            second_begun.pass();
            here.set(heist::current_thread_index().unwrap()).unwrap();
            let third = move || {
                third_ran.add();
                assert_eq!(second_over.get(), 1, "the limit is one");
            };
            own.spawn(third).join().unwrap();
        };
        let pass = queued.clone();
        drop(class.spawn(move || {
            pass.pass();
            OnDrop(Some(Box::new(spawns)))
        }));
        let (begins, pass, ends) = (begun.clone(), gate.clone(), over.clone());
        let second = class.spawn(move || {
            begins.open();
            pass.pass();
            ends.add();
        });
        queued.open();
        begun.pass();
        let sleeps = |&index: &usize| {
            let worker = &pool.metrics().workers[index];
            worker.parks > worker.wakes
        };
        until(|| ran.get() == 1 || at.get().is_some_and(sleeps));
        gate.open();
        second.join().unwrap();
        until(|| class.metrics().completed == 3);
    });
}
