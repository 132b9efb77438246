//! Several features in one pool, as large as programs have them: shuttle tries random
//! schedules. Each task is accounted for: it has run, once, or its handle says why not.

use std::{collections::HashMap, future::poll_fn, task::Poll, time::Duration};

use super::{
    crowds::{Tally, on_two_threads, settle},
    explore::sample,
    house::{builder, gate},
    quota::{follower, manned},
};
use crate::{
    Bulkhead, CancellationToken, JoinHandle, ThreadPool,
    sync::{Arc, Mutex, thread},
};

/// A model has no clock: a time that is over at once.
const AT_ONCE: Duration = Duration::from_nanos(1);

/// Tasks of two keys, in turns; and what has run of each.
type Order = Arc<[Mutex<Vec<usize>>; 2]>;

fn spawn_keyed(pool: &ThreadPool, tasks: usize, order: &Order) -> Vec<JoinHandle<()>> {
    let spawn = |turn: usize| {
        let order = Arc::clone(order);
        pool.spawn_keyed(turn % 2, move || order[turn % 2].lock().push(turn))
    };
    (0..tasks).map(spawn).collect()
}

/// How many have run: each in its turn.
fn in_order(order: &Order) -> usize {
    let of_key = |ran: &Mutex<Vec<usize>>| {
        let ran = ran.lock();
        assert!(ran.is_sorted() && ran.windows(2).all(|two| two[0] < two[1]), "{ran:?}");
        ran.len()
    };
    order.iter().map(of_key).sum()
}

/// Tasks of `class`, which lets in so many at a time.
fn spawn_into(
    class: &Bulkhead,
    tasks: usize,
    limit: usize,
    tally: &Arc<Tally>,
) -> Vec<JoinHandle<()>> {
    let spawn = |_| {
        let tally = Arc::clone(tally);
        class.spawn(move || tally.enter(limit))
    };
    (0..tasks).map(spawn).collect()
}

/// Is done at its second poll, and sees to that itself.
fn spawn_future(pool: &ThreadPool, tally: &Arc<Tally>) -> JoinHandle<()> {
    let (tally, mut polled) = (Arc::clone(tally), false);
    pool.spawn_future(poll_fn(move |cx| {
        if polled {
            tally.enter(usize::MAX);
            return Poll::Ready(());
        }
        polled = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    }))
}

#[test]
fn loom_mix_all_kinds_of_tasks_in_a_pool_that_changes_its_size() {
    sample(|| {
        let pool = builder(3, 1).injector_capacity(4).max_stand_ins(1).door_patience(Some(AT_ONCE));
        let pool = pool.build().unwrap();
        let (order, tally, shared) = (Order::default(), Arc::new(Tally::default()), Mutex::new(0));
        let (open, wait) = gate();
        let away = pool.spawn(move || crate::blocking(wait));
        let class = pool.bulkhead("class").limit(1).queue(1).build().unwrap();
        let keyed = spawn_keyed(&pool, 4, &order);
        pool.set_active_threads(1).unwrap();
        let queued = spawn_into(&class, 3, 1, &tally);
        let (token, started) = (CancellationToken::new(), Arc::new(Tally::default()));
        let late: Vec<_> = (0..2)
            .map(|_| {
                let started = Arc::clone(&started);
                pool.task().cancel_token(&token).spawn(move || started.enter(2))
            })
            .collect();
        let canceller = thread::spawn(move || token.cancel());
        let ends = Arc::new(Tally::default());
        let future = spawn_future(&pool, &ends);
        pool.set_active_threads(3).unwrap();
        let sum = pool.scope(|s| {
            let job = s.spawn_handle(|_| {
                crate::isolated(|| {
                    let mut held = shared.lock();
                    let (a, b) = crate::join(|| 1, || 2);
                    *held += a + b;
                });
            });
            let other = s.spawn_handle(|_| crate::isolated(|| *shared.lock() += 4));
            job.join().unwrap();
            other.join().unwrap();
            *shared.lock()
        });
        assert_eq!((sum, settle(keyed), in_order(&order)), (7, 4, 4));
        assert_eq!((settle(queued), tally.ran()), (3, 3));
        future.join().unwrap();
        assert_eq!(ends.ran(), 1);
        open();
        away.join().unwrap();
        assert_eq!(settle(late), started.ran());
        canceller.join().unwrap();
        pool.shutdown();
    });
}

#[test]
fn loom_mix_the_keeper_serves_all_kinds_of_tasks() {
    sample(|| {
        let pool = builder(2, 0).injector_capacity(4).door_patience(Some(AT_ONCE)).build().unwrap();
        let (order, tally) = (Order::default(), Arc::new(Tally::default()));
        let (gates, waits): (Vec<_>, Vec<_>) = (0..2).map(|_| gate()).unzip();
        // Every worker is in a computation that is no section.
        let busy: Vec<_> = waits.into_iter().map(|wait| pool.spawn(wait)).collect();
        let class = pool.bulkhead("class").limit(1).queue(1).build().unwrap();
        let parent = pool.spawn(|| crate::spawn(|| ()));
        let keyed = spawn_keyed(&pool, 4, &order);
        let queued = spawn_into(&class, 3, 1, &tally);
        let ends = Arc::new(Tally::default());
        let future = spawn_future(&pool, &ends);
        parent.join().unwrap().join().unwrap();
        assert_eq!((settle(keyed), in_order(&order)), (4, 4));
        assert_eq!((settle(queued), tally.ran()), (3, 3));
        future.join().unwrap();
        assert_eq!(ends.ran(), 1);
        gates.into_iter().for_each(|open| open());
        assert_eq!(settle(busy), 2);
        pool.shutdown();
    });
}

#[test]
fn loom_mix_what_shutdown_now_drops_it_counts() {
    sample(|| {
        let pool = builder(2, 0).injector_capacity(8).build().unwrap();
        let (order, tally) = (Order::default(), Arc::new(Tally::default()));
        let class = pool.bulkhead("class").limit(1).queue(3).build().unwrap();
        let mut tasks = spawn_keyed(&pool, 4, &order);
        tasks.extend(spawn_into(&class, 3, 1, &tally));
        let ends = Arc::new(Tally::default());
        let futures: Vec<_> = (0..2).map(|_| spawn_future(&pool, &ends)).collect();
        let all = tasks.len() + futures.len();
        let dropped = pool.shutdown_now();
        let (tasks, futures) = (settle(tasks), settle(futures));
        assert_eq!(in_order(&order) + tally.ran(), tasks);
        // One that comes to its end meanwhile is dropped with its output.
        assert!(futures <= ends.ran());
        assert_eq!(tasks + futures + dropped, all);
    });
}

#[test]
fn loom_mix_a_full_bulkhead_refuses_makes_wait_and_takes_from_inside() {
    sample(|| {
        let pool = builder(2, 0).injector_capacity(4).build().unwrap();
        let class = Arc::new(pool.bulkhead("class").limit(1).queue(1).build().unwrap());
        let [inside, refused] = [(); 2].map(|()| Arc::new(Tally::default()));
        let tallies = [Arc::clone(&inside), Arc::clone(&refused)];
        let pool = on_two_threads(pool, move |pool| {
            let enter = || {
                let inside = Arc::clone(&tallies[0]);
                move || inside.enter(1)
            };
            let (child, home) = (enter(), Arc::clone(&class));
            let parent = pool.spawn(move || home.spawn(child));
            match class.try_spawn(enter()) {
                Ok(task) => drop(task),
                Err(error) => {
                    assert!(error.is_full());
                    drop(error.into_inner());
                    tallies[1].enter(2);
                }
            }
            class.spawn(enter()).join().unwrap();
            parent.join().unwrap().join().unwrap();
        });
        pool.shutdown();
        assert_eq!(inside.ran() + refused.ran(), 6);
    });
}

#[test]
fn loom_mix_each_stall_is_told_once_and_none_after_the_end() {
    sample(|| {
        let told = Arc::new(Mutex::new(HashMap::<String, u32>::new()));
        let inside = Arc::clone(&told);
        let pool = builder(2, 1).injector_capacity(4).stall_handler(AT_ONCE, move |stall| {
            if let Some(task) = stall.task() {
                let what = format!("{task}: {:?}", stall.cause());
                *inside.lock().entry(what).or_default() += 1;
            }
        });
        let pool = pool.build().unwrap();
        let tasks: Vec<_> = ["0", "1", "2", "3"]
            .map(|name| {
                pool.task().name(name).spawn(|| {
                    let child = crate::spawn(|| 2);
                    let (a, b) = crate::join(|| 1, || crate::blocking(|| 2));
                    assert_eq!((a + b, child.join().unwrap_or(2)), (3, 2));
                })
            })
            .into();
        assert_eq!(settle(tasks), 4);
        pool.shutdown();
        // Nobody but this thread has it now, or it is told no more.
        let told = Arc::into_inner(told).expect("the handler is gone").into_inner();
        assert!(told.values().all(|&times| times == 1), "{told:?}");
    });
}

#[test]
fn loom_mix_a_pool_follows_its_quota_and_a_hand_while_tasks_come() {
    sample(|| {
        let follower = follower(3, &[3, 1, 2, 3, 1], &mut manned);
        let (order, tally) = (Order::default(), Arc::new(Tally::default()));
        let pool = &follower.pool;
        let mut tasks = spawn_keyed(pool, 4, &order);
        pool.set_active_threads(2).unwrap();
        tasks.extend((0..2).map(|_| spawn_future(pool, &tally)));
        tasks.extend((0..2).map(|_| {
            let tally = Arc::clone(&tally);
            pool.spawn(move || _ = crate::join(|| tally.enter(4), || ()))
        }));
        assert_eq!(settle(tasks), 8);
        assert_eq!((in_order(&order), tally.ran()), (4, 4));
        follower.found.park();
        // The last of what was found, or what was set by hand after that.
        assert!([1, 2].contains(&follower.on_duty()));
        follower.end(Vec::new());
    });
}
