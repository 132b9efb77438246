//! `ThreadPool::spawn_future`: a future, polled on the workers.

use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;

use heist::ThreadPool;

use crate::support::{
    Bomb, Count, Gate, NORMAL, Token, assert_whole, block_on, builder, fall_asleep, hold, pool,
    text, until, within_a_minute,
};

/// Ready when it is opened; it keeps the waker of its last poll.
#[derive(Default)]
struct Door(Mutex<(bool, Option<Waker>)>);

impl Door {
    fn shared() -> Arc<Door> {
        Arc::default()
    }

    fn open(&self) {
        self.0.lock().unwrap().0 = true;
        self.waker().wake();
    }

    fn waker(&self) -> Waker {
        until(|| self.0.lock().unwrap().1.is_some());
        self.0.lock().unwrap().1.clone().expect("it was polled")
    }
}

struct Pass(Arc<Door>);

impl Future for Pass {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut door = self.0.0.lock().unwrap();
        door.1 = Some(cx.waker().clone());
        if door.0 { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// Woken by itself so many times.
pub(crate) async fn turns(mut turns: usize) {
    poll_fn(|cx| {
        if turns == 0 {
            return Poll::Ready(());
        }
        turns -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[test]
fn a_future_brings_its_output() {
    within_a_minute(|| {
        for threads in [1, 2, 4] {
            let pool = pool(threads);
            assert_eq!(pool.spawn_future(async { 5 }).join().unwrap(), 5);
            let inside = pool.install(|| pool.spawn_future(async { 6 }).join().unwrap());
            assert_eq!(inside, 6);
            let asked = pool.spawn_future(async { turns(100).await });
            block_on(asked).unwrap();
            let metrics = pool.metrics();
            assert_eq!((metrics.tasks_spawned(), metrics.tasks_completed()), (3, 3));
        }
    });
}

#[test]
fn it_is_woken_from_anywhere_and_waits_for_no_permit() {
    within_a_minute(|| {
        let pool = builder(1).injector_capacity(1).build().unwrap();
        let door = Door::shared();
        let pass = Pass(door.clone());
        let future = pool.spawn_future(async move {
            pass.await;
            7
        });
        drop(door.waker());
        let held = hold(&pool);
        let full = pool.try_spawn(|| ()).unwrap();
        assert!(pool.try_spawn(|| ()).unwrap_err().is_full());
        door.open();
        held.release();
        assert_eq!(future.join().unwrap(), 7);
        full.join().unwrap();
    });
}

#[test]
fn many_futures_wake_each_other() {
    within_a_minute(|| {
        let pool = pool(2);
        let doors: Vec<_> = (0..100).map(|_| Door::shared()).collect();
        let futures: Vec<_> = (0..100)
            .map(|n| {
                let (own, next) = (doors[n].clone(), doors.get(n + 1).cloned());
                pool.spawn_future(async move {
                    Pass(own).await;
                    turns(n % 5).await;
                    next.iter().for_each(|next| next.0.lock().unwrap().0 = true);
                    if let Some(waker) = next.and_then(|next| next.0.lock().unwrap().1.take()) {
                        waker.wake();
                    }
                })
            })
            .collect();
        doors[0].open();
        futures.into_iter().for_each(|future| future.join().unwrap());
    });
}

#[test]
fn tokios_channels_work_across() {
    within_a_minute(|| {
        let pool = pool(2);
        let (send, mut receive) = tokio::sync::mpsc::channel(1);
        let producer = pool.spawn_future(async move {
            for n in 0..100u32 {
                send.send(n).await.unwrap();
            }
        });
        let consumer = pool.spawn_future(async move {
            let mut sum = 0;
            while let Some(n) = receive.recv().await {
                sum += n;
            }
            sum
        });
        assert_eq!(consumer.join().unwrap(), 4950);
        producer.join().unwrap();
    });
}

#[test]
fn one_at_rest_is_dropped_at_once_when_it_is_cancelled() {
    within_a_minute(|| {
        let pool = pool(1);
        let (door, dropped) = (Door::shared(), Count::shared());
        let (pass, token) = (Pass(door.clone()), Token(dropped.clone()));
        let future = pool.spawn_future(async move {
            let _token = token;
            pass.await;
        });
        let waker = door.waker();
        // It is put back before its worker sleeps again.
        fall_asleep(&pool);
        assert!(future.cancel() && !future.cancel());
        assert_eq!(dropped.get(), 1);
        assert!(future.join().unwrap_err().is_cancelled());
        waker.wake();
        assert_whole(&pool);
        assert_eq!(pool.metrics().tasks_cancelled(), 1);
        pool.shutdown();
    });
}

#[test]
fn one_that_is_being_polled_is_dropped_after_that_poll() {
    within_a_minute(|| {
        for last in [false, true] {
            let pool = pool(1);
            let (started, gate, dropped) = (Gate::shared(), Gate::shared(), Count::shared());
            let (start, pass, token) = (started.clone(), gate.clone(), Token(dropped.clone()));
            let future = pool.spawn_future(async move {
                let _token = token;
                start.open();
                pass.pass();
                if !last {
                    pending::<()>().await;
                }
            });
            started.pass();
            assert!(future.cancel());
            // The handle resolves at once.
            assert!(future.join().unwrap_err().is_cancelled());
            assert_eq!(dropped.get(), 0, "it is in use");
            gate.open();
            assert_whole(&pool);
            assert_eq!(dropped.get(), 1);
            pool.shutdown();
        }
    });
}

#[test]
fn a_panic_in_a_poll_goes_to_the_handle() {
    within_a_minute(|| {
        let pool = pool(1);
        let dropped = Count::shared();
        let token = Token(dropped.clone());
        let future = pool.spawn_future(async move {
            let _token = token;
            turns(3).await;
            panic!("in the fourth poll");
        });
        let error = future.join().unwrap_err();
        assert_eq!(text(&*error.into_panic()), "in the fourth poll");
        assert_eq!((dropped.get(), pool.metrics().tasks_panicked()), (1, 1));
        drop(pool.spawn_future(async { drop(Bomb) }).join().unwrap_err());
        assert_whole(&pool);
    });
}

#[test]
fn a_future_that_panics_in_drop_when_it_is_cancelled_hurts_nobody() {
    struct Unwilling;

    impl Drop for Unwilling {
        fn drop(&mut self) {
            panic!("not dropped");
        }
    }

    within_a_minute(|| {
        let pool = pool(1);
        let unwilling = Unwilling;
        let rests = pool.spawn_future(async move {
            let _unwilling = unwilling;
            pending::<()>().await;
        });
        pool.spawn(|| ()).join().unwrap();
        assert!(rests.cancel());
        assert!(rests.join().unwrap_err().is_cancelled());
        assert_eq!(pool.spawn_future(async { 7 }).join().unwrap(), 7);
        assert_whole(&pool);
    });
}

#[test]
fn a_detached_future_runs_to_its_end_before_shutdown() {
    within_a_minute(|| {
        let pool = pool(2);
        let (door, ran) = (Door::shared(), Count::shared());
        let (pass, count) = (Pass(door.clone()), ran.clone());
        drop(pool.spawn_future(async move {
            pass.await;
            turns(10).await;
            count.add();
        }));
        let waker = door.waker();
        let opener = thread::spawn(move || door.open());
        pool.shutdown();
        assert_eq!(ran.get(), 1);
        opener.join().unwrap();
        // A waker may outlive pool and task.
        waker.wake();
    });
}

#[test]
fn shutdown_now_drops_futures_and_counts_them() {
    within_a_minute(|| {
        let pool = pool(1);
        let dropped = Count::shared();
        let doors: Vec<_> = (0..10).map(|_| Door::shared()).collect();
        let futures: Vec<_> = doors
            .iter()
            .map(|door| {
                let (pass, token) = (Pass(door.clone()), Token(dropped.clone()));
                pool.spawn_future(async move {
                    let _token = token;
                    pass.await;
                })
            })
            .collect();
        let wakers: Vec<_> = doors.iter().map(|door| door.waker()).collect();
        assert_eq!(pool.shutdown_now(), 10);
        assert_eq!(dropped.get(), 10);
        wakers.into_iter().for_each(Waker::wake);
        assert!(futures.into_iter().all(|future| future.join().unwrap_err().is_cancelled()));
    });
}

#[test]
fn a_worker_that_joins_polls_it_itself() {
    within_a_minute(|| {
        let pool = pool(1);
        fn nest(pool: &ThreadPool, depth: usize) -> usize {
            if depth == 0 {
                return pool.spawn_future(async { turns(5).await }).join().map_or(0, |()| 1);
            }
            let (a, b) = heist::join(|| nest(pool, depth - 1), || nest(pool, depth - 1));
            a + b
        }
        assert_eq!(pool.install(|| nest(&pool, 5)), 32);
        // It waits for one that somebody else is to wake.
        let door = Door::shared();
        let (pass, opened) = (Pass(door.clone()), door.clone());
        let opener = thread::spawn(move || opened.open());
        pool.install(|| pool.spawn_future(pass).join().unwrap());
        opener.join().unwrap();
    });
}

#[test]
fn a_poll_is_part_of_no_task() {
    within_a_minute(|| {
        let pool = Arc::new(pool(1));
        let polled = || async { heist::current_task().is_none() && !heist::is_cancelled() };
        assert!(pool.task().name("future").spawn_future(polled()).join().unwrap());
        // Nor of one that polls it because it joins it.
        let inside = Arc::clone(&pool);
        let joins = pool.task().name("joins").spawn(move || {
            let outside = heist::current_task().unwrap().name() == Some("joins");
            inside.spawn_future(polled()).join().unwrap() && outside
        });
        assert!(joins.join().unwrap());
    });
}

#[test]
fn futures_await_tasks_and_tasks_join_futures() {
    within_a_minute(|| {
        let pool = Arc::new(pool(2));
        let own = pool.clone();
        let sum = pool.spawn_future(async move {
            let mut sum = 0;
            for n in 0..100 {
                let inner = own.spawn_future(async move { n });
                sum += own.spawn(move || inner.join().unwrap()).await.unwrap();
            }
            sum
        });
        assert_eq!(sum.join().unwrap(), 4950);
    });
}

#[test]
fn until_its_first_poll_it_takes_a_place_in_the_lane() {
    within_a_minute(|| {
        let pool = builder(1).injector_capacity(1).build().unwrap();
        let held = hold(&pool);
        let first = pool.task().try_spawn_future(async { 1 }).unwrap();
        assert_eq!(pool.metrics().lanes[NORMAL].depth, 1);
        let refused = pool.task().try_spawn_future(async { 2 }).unwrap_err();
        assert!(refused.is_full());
        assert_eq!(block_on(refused.into_inner()), 2);
        thread::scope(|threads| {
            let waits = threads.spawn(|| pool.spawn_future(async { 3 }).join().unwrap());
            until(|| pool.metrics().lanes[NORMAL].blocked_submitters == 1);
            held.release();
            assert_eq!(waits.join().unwrap(), 3);
        });
        assert_eq!(first.join().unwrap(), 1);
        pool.close();
        assert!(pool.task().try_spawn_future(async {}).unwrap_err().is_closed());
        assert!(pool.spawn_future(async {}).join().unwrap_err().is_cancelled());
    });
}
