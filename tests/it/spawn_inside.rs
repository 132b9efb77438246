//! Spawning from inside the pool: never waits, never full, never too much.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use crate::support::{
    Count, Gate, alone, block_on, builder, hold, peak_memory, pool, threads, until, within_a_minute,
};

#[test]
fn a_task_spawns_into_its_own_pool_whose_lanes_are_full() {
    within_a_minute(|| {
        for threads in [1, 2] {
            let pool = Arc::new(builder(threads).injector_capacity(1).build().unwrap());
            let held = hold(&pool);
            let inner = pool.clone();
            let parent = pool.spawn(move || {
                // Outside it is full: the next in line is still waiting.
                let mut children = vec![inner.spawn(|| 1)];
                children.push(inner.try_spawn(|| 1).expect("never full inside"));
                children.push(inner.spawn_timeout(|| 1, Duration::ZERO).expect("never full"));
                children.push(block_on(inner.spawn_async(|| 1)).expect("ready at once"));
                children.extend((0..1000).map(|_| heist::spawn(|| 1)));
                children.into_iter().map(|child| child.join().unwrap()).sum::<i32>()
            });
            assert!(pool.try_spawn(|| ()).unwrap_err().is_full());
            held.release();
            assert_eq!(parent.join().unwrap(), 1004);
        }
    });
}

#[test]
fn a_guest_spawns_into_a_pool_whose_lanes_are_full() {
    within_a_minute(|| {
        let pool = builder(1).injector_capacity(1).build().unwrap();
        let held = hold(&pool);
        drop(pool.spawn(|| ()));
        assert!(pool.try_spawn(|| ()).unwrap_err().is_full());
        let children =
            pool.scope(|_| [pool.spawn(|| 1), pool.try_spawn(|| 2).unwrap(), heist::spawn(|| 3)]);
        held.release();
        assert_eq!(children.map(|child| child.join().unwrap()), [1, 2, 3]);
    });
}

#[test]
fn what_a_blocked_task_spawned_is_stolen() {
    within_a_minute(|| {
        let pool = pool(2);
        for _ in 0..200 {
            // The task waits for its children without helping.
            let parent = pool.spawn(|| {
                let (send, receive) = mpsc::channel();
                for number in 0..10 {
                    let send = send.clone();
                    drop(heist::spawn(move || send.send(number).unwrap()));
                }
                drop(send);
                receive.iter().sum::<i32>()
            });
            assert_eq!(parent.join().unwrap(), 45);
        }
    });
}

#[test]
fn over_the_limit_of_the_deque_a_new_task_runs_then_and_there() {
    within_a_minute(|| {
        let pool = pool(1);
        let ran = Count::shared();
        let task = ran.clone();
        let before = pool.spawn(move || {
            for number in 0..150_000 {
                let ran = task.clone();
                // A panic stays in the task, also when it runs within the spawn.
                drop(heist::spawn(move || {
                    ran.add();
                    if number % 50_000 == 0 {
                        std::panic::resume_unwind(Box::new(()));
                    }
                }));
            }
            task.get()
        });
        assert!(before.join().unwrap() > 0, "all of them waited in the deque");
        pool.shutdown();
        assert_eq!(ran.get(), 150_000);
    });
}

#[test]
fn a_task_that_floods_its_own_pool_takes_little_memory() {
    const TASKS: usize = 10_000_000;
    alone("spawn_inside::a_task_that_floods_its_own_pool_takes_little_memory", || {
        for threads in [1, 2] {
            let pool = pool(threads);
            let flood = pool.spawn(|| (0..TASKS).for_each(|_| drop(heist::spawn(|| ()))));
            flood.join().unwrap();
            pool.shutdown();
            let peak = peak_memory();
            assert!(peak < 200 << 20, "{} MiB at the peak", peak >> 20);
        }
    });
}

#[test]
fn the_entrance_is_served_while_a_task_spawns_itself_for_ever() {
    fn again(stopped: mpsc::Sender<()>, turns: Arc<Count>, end: Arc<Count>) {
        turns.add();
        if end.get() == 0 {
            drop(heist::spawn(move || again(stopped, turns, end)));
        } else {
            stopped.send(()).unwrap();
        }
    }
    within_a_minute(|| {
        for threads in [1, 2] {
            let pool = pool(threads);
            let (send, stopped) = mpsc::channel();
            let (turns, end) = (Count::shared(), Count::shared());
            for _ in 0..threads {
                let (send, turns, end) = (send.clone(), turns.clone(), end.clone());
                drop(pool.spawn(move || again(send, turns, end)));
            }
            until(|| turns.get() > 1000);
            for _ in 0..100 {
                pool.spawn(|| ()).join().unwrap();
            }
            end.add();
            (0..threads).for_each(|_| stopped.recv().unwrap());
        }
    });
}

#[test]
fn what_a_task_spawns_after_the_close_is_refused() {
    within_a_minute(|| {
        let pool = Arc::new(pool(1));
        let gate = Gate::shared();
        let (inner, pass) = (pool.clone(), gate.clone());
        let parent = pool.spawn(move || {
            pass.pass();
            let refused = inner.try_spawn(|| "back").unwrap_err();
            assert_eq!((refused.is_closed(), refused.into_inner()()), (true, "back"));
            assert!(inner.spawn_timeout(|| (), Duration::MAX).unwrap_err().is_closed());
            assert!(heist::spawn(|| ()).join().unwrap_err().is_cancelled());
            // What is no task still works.
            assert_eq!(heist::join(|| 1, || 2), (1, 2));
            heist::scope(|s| s.spawn(|_| ()));
        });
        pool.close();
        gate.open();
        parent.join().unwrap();
    });
}

#[test]
fn stand_ins_are_gone_after_shutdown() {
    alone("spawn_inside::stand_ins_are_gone_after_shutdown", || {
        let before = threads();
        for _ in 0..5 {
            let builder = builder(2).door_patience(Some(Duration::from_millis(1)));
            let pool = builder.build().unwrap();
            let held = hold(&pool);
            pool.spawn(|| ()).join().unwrap();
            held.release();
            pool.shutdown();
            until(|| threads() == before);
        }
    });
}

#[test]
fn a_stand_in_may_use_every_verb() {
    within_a_minute(|| {
        let builder = builder(1).door_patience(Some(Duration::from_millis(1)));
        let pool = Arc::new(builder.build().unwrap());
        let held = hold(&pool);
        let inner = pool.clone();
        let task = pool.spawn(move || {
            assert_eq!(heist::current_num_threads(), 1);
            assert_eq!(heist::join(|| 1, || 2), (1, 2));
            let ran = Count::default();
            inner.scope(|s| (0..100).for_each(|_| s.spawn(|_| ran.add())));
            assert_eq!(inner.map(&[1, 2], |n| n + 1), [2, 3]);
            heist::spawn(|| 7).join().unwrap() + ran.get()
        });
        assert_eq!(task.join().unwrap(), 107);
        held.release();
    });
}
