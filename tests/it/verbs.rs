//! The four verbs of keyed tasks and of futures, with options.

use std::future::{Future, ready};
use std::pin::Pin;
use std::task::{Poll, Waker};
use std::time::Duration;

use heist::{JoinHandle, Priority, TaskBuilder, ThreadPool};

use crate::support::{LOW, block_on, builder, hold, poll, pool, within_a_minute};

/// The handle, or was it `Full`, or `Closed`?
type Spawned = Result<JoinHandle<i32>, bool>;
type Later<'p> = Pin<Box<dyn Future<Output = Spawned> + Send + 'p>>;

/// One kind of task, by all verbs.
struct Kind {
    spawn: fn(TaskBuilder<'_>, i32) -> JoinHandle<i32>,
    try_spawn: fn(TaskBuilder<'_>, i32) -> Spawned,
    spawn_timeout: fn(TaskBuilder<'_>, i32, Duration) -> Spawned,
    spawn_async: for<'p> fn(TaskBuilder<'p>, i32) -> Later<'p>,
}

const KINDS: [Kind; 3] = [
    Kind {
        spawn: |task, n| task.spawn(move || n),
        try_spawn: |task, n| task.try_spawn(move || n).map_err(|refused| refused.is_full()),
        spawn_timeout: |task, n, time| {
            task.spawn_timeout(move || n, time).map_err(|refused| refused.is_full())
        },
        spawn_async: |task, n| {
            let spawned = task.spawn_async(move || n);
            Box::pin(async { spawned.await.map_err(|refused| refused.is_full()) })
        },
    },
    Kind {
        spawn: |task, n| task.spawn_keyed(n, move || n),
        try_spawn: |task, n| {
            task.try_spawn_keyed(n, move || n).map_err(|refused| refused.is_full())
        },
        spawn_timeout: |task, n, time| {
            let spawned = task.spawn_keyed_timeout(n, move || n, time);
            spawned.map_err(|refused| refused.is_full())
        },
        spawn_async: |task, n| {
            let spawned = task.spawn_keyed_async(n, move || n);
            Box::pin(async { spawned.await.map_err(|refused| refused.is_full()) })
        },
    },
    Kind {
        spawn: |task, n| task.spawn_future(ready(n)),
        try_spawn: |task, n| task.try_spawn_future(ready(n)).map_err(|refused| refused.is_full()),
        spawn_timeout: |task, n, time| {
            task.spawn_future_timeout(ready(n), time).map_err(|refused| refused.is_full())
        },
        spawn_async: |task, n| {
            let spawned = task.spawn_future_async(ready(n));
            Box::pin(async { spawned.await.map_err(|refused| refused.is_full()) })
        },
    },
];

fn task(pool: &ThreadPool) -> TaskBuilder<'_> {
    pool.task().name("a").priority(Priority::Low)
}

#[test]
fn each_kind_of_task_has_four_verbs_which_keep_its_options() {
    within_a_minute(|| {
        let pool = pool(1);
        for kind in KINDS {
            let spawn = || {
                let time = Duration::from_secs(60);
                [
                    (kind.spawn)(task(&pool), 0),
                    (kind.try_spawn)(task(&pool), 1).unwrap(),
                    (kind.spawn_timeout)(task(&pool), 2, time).unwrap(),
                    block_on((kind.spawn_async)(task(&pool), 3)).unwrap(),
                ]
            };
            let before = pool.metrics();
            for tasks in [spawn(), pool.install(spawn)] {
                assert!(tasks.iter().all(|task| task.name() == Some("a")));
                assert_eq!(tasks.map(|task| task.join().unwrap()), [0, 1, 2, 3]);
            }
            // From outside by the lane, from inside by none.
            assert_eq!(pool.metrics().since(&before).lanes[LOW].accepted, 4);
        }
    });
}

#[test]
fn each_verb_says_so_when_its_lane_has_no_room_and_when_the_pool_is_closed() {
    within_a_minute(|| {
        for kind in KINDS {
            let pool = builder(1).injector_capacity(1).build().unwrap();
            let held = hold(&pool);
            let first = (kind.try_spawn)(task(&pool), 0).unwrap();
            assert!((kind.try_spawn)(task(&pool), 1).unwrap_err());
            assert!((kind.spawn_timeout)(task(&pool), 2, Duration::from_millis(1)).unwrap_err());
            let mut waiting = (kind.spawn_async)(task(&pool), 3);
            assert!(poll(waiting.as_mut(), Waker::noop()).is_pending());
            let lane = &pool.metrics().lanes[LOW];
            assert_eq!((lane.depth, lane.rejected, lane.blocked_submitters), (1, 2, 1));
            held.release();
            assert_eq!(block_on(waiting).unwrap().join().unwrap(), 3);
            assert_eq!(first.join().unwrap(), 0);
            pool.close();
            assert!((kind.spawn)(task(&pool), 0).join().unwrap_err().is_cancelled());
            assert!(!(kind.try_spawn)(task(&pool), 1).unwrap_err());
            assert!(!(kind.spawn_timeout)(task(&pool), 2, Duration::MAX).unwrap_err());
            let refused = poll((kind.spawn_async)(task(&pool), 3).as_mut(), Waker::noop());
            assert!(matches!(refused, Poll::Ready(Err(false))));
        }
    });
}

#[test]
fn a_future_by_the_pools_own_verb_comes_back_when_there_is_no_room() {
    within_a_minute(|| {
        let pool = builder(1).injector_capacity(1).build().unwrap();
        let held = hold(&pool);
        let first = pool.try_spawn_future(ready(1)).unwrap();
        let refused = pool.try_spawn_future(ready(2)).unwrap_err();
        assert!(refused.is_full());
        assert_eq!(block_on(refused.into_inner()), 2);
        held.release();
        assert_eq!(first.join().unwrap(), 1);
    });
}
