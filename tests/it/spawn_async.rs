//! `spawn_async`: waits for room without blocking a thread.

use std::pin::Pin;
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use heist::{JoinHandle, ThreadPool, TrySpawnError};

use crate::support::{
    Count, Held, Log, NORMAL, Scribe, Token, assert_whole, block_on, builder, hold, poll, pool,
    until, within_a_minute,
};

/// A pool of one whose worker is busy and whose normal lane has no room.
fn full() -> (ThreadPool, Held) {
    let pool = builder(1).injector_capacity(1).build().unwrap();
    let held = hold(&pool);
    drop(pool.try_spawn(|| ()).expect("room"));
    (pool, held)
}

/// The result of a future that must be ready.
#[track_caller]
fn ready<F, T, C>(future: Pin<&mut F>) -> Result<JoinHandle<T>, TrySpawnError<C>>
where
    F: Future<Output = Result<JoinHandle<T>, TrySpawnError<C>>>,
{
    match poll(future, Waker::noop()) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("there is room, but the future waits"),
    }
}

#[test]
fn with_room_it_is_ready_at_once() {
    within_a_minute(|| {
        let pool = pool(1);
        let handle = ready(Box::pin(pool.spawn_async(|| 5)).as_mut()).unwrap();
        assert_eq!(handle.join().unwrap(), 5);
    });
}

#[test]
fn the_future_may_be_sent_to_another_thread() {
    within_a_minute(|| {
        let (pool, held) = full();
        thread::scope(|threads| {
            let mut waiting = Box::pin(pool.spawn_async(|| 5));
            assert!(poll(waiting.as_mut(), Waker::noop()).is_pending());
            let there = threads.spawn(|| block_on(waiting).unwrap().join());
            held.release();
            assert_eq!(there.join().unwrap().unwrap(), 5);
        });
    });
}

#[test]
fn who_waits_is_woken_in_the_order_of_arrival() {
    within_a_minute(|| {
        let (pool, held) = full();
        let (woken, ran) = (Log::new(), Log::new());
        let mut line: Vec<_> = (0..6_usize)
            .map(|number| {
                let ran = ran.clone();
                Box::pin(pool.spawn_async(move || ran.write(number)))
            })
            .collect();
        for (number, waiting) in line.iter_mut().enumerate() {
            assert!(poll(waiting.as_mut(), &Scribe::waker(number, &woken)).is_pending());
        }
        held.release();
        for (number, waiting) in line.iter_mut().enumerate() {
            // There is one place: the next is woken when this one's task has left it.
            until(|| woken.read().len() > number);
            assert_eq!(woken.read().last(), Some(&number));
            drop(ready(waiting.as_mut()).unwrap());
        }
        until(|| ran.read().len() == 6);
        assert_eq!(ran.read(), [0, 1, 2, 3, 4, 5]);
    });
}

#[test]
fn a_thread_in_line_and_a_future_in_line_keep_their_order() {
    within_a_minute(|| {
        let (pool, held) = full();
        let log = Log::new();
        thread::scope(|threads| {
            let (first, second, third) = (log.clone(), log.clone(), log.clone());
            let pool = &pool;
            let mut front = Box::pin(pool.spawn_async(move || first.write(1)));
            assert!(poll(front.as_mut(), Waker::noop()).is_pending());
            threads.spawn(move || drop(pool.spawn(move || second.write(2))));
            until(|| pool.metrics().lanes[NORMAL].blocked_submitters >= 2);
            let mut back = Box::pin(pool.spawn_async(move || third.write(3)));
            assert!(poll(back.as_mut(), Waker::noop()).is_pending());
            held.release();
            drop(block_on(front).unwrap());
            drop(block_on(back).unwrap());
        });
        pool.shutdown();
        assert_eq!(log.read(), [1, 2, 3]);
    });
}

#[test]
fn it_joins_the_line_at_its_first_poll() {
    within_a_minute(|| {
        let (pool, held) = full();
        let woken = Log::new();
        let mut early = Box::pin(pool.spawn_async(|| ()));
        let mut late = Box::pin(pool.spawn_async(|| ()));
        assert!(poll(late.as_mut(), &Scribe::waker(2, &woken)).is_pending());
        assert!(poll(early.as_mut(), &Scribe::waker(1, &woken)).is_pending());
        held.release();
        until(|| !woken.read().is_empty());
        assert_eq!(woken.read(), [2]);
        drop(ready(late.as_mut()).unwrap());
        drop(block_on(early).unwrap());
    });
}

#[test]
fn the_waker_of_the_last_poll_is_the_one_that_is_woken() {
    within_a_minute(|| {
        let (pool, held) = full();
        let woken = Log::new();
        let mut waiting = Box::pin(pool.spawn_async(|| 5));
        for number in 0..3 {
            assert!(poll(waiting.as_mut(), &Scribe::waker(number, &woken)).is_pending());
        }
        held.release();
        until(|| woken.read().contains(&2));
        assert_eq!(ready(waiting.as_mut()).unwrap().join().unwrap(), 5);
    });
}

#[test]
fn dropped_before_its_turn_it_leaves_the_line() {
    within_a_minute(|| {
        let (pool, held) = full();
        let (dropped, woken) = (Count::shared(), Log::new());
        let token = Token(dropped.clone());
        let mut gone = Box::pin(pool.spawn_async(move || drop(token)));
        let mut next = Box::pin(pool.spawn_async(|| 5));
        assert!(poll(gone.as_mut(), &Scribe::waker(0, &woken)).is_pending());
        assert!(poll(next.as_mut(), &Scribe::waker(1, &woken)).is_pending());
        assert_eq!(dropped.get(), 0);
        drop(gone);
        assert_eq!(dropped.get(), 1);
        held.release();
        until(|| !woken.read().is_empty());
        assert_eq!(woken.read(), [1]);
        assert_eq!(ready(next.as_mut()).unwrap().join().unwrap(), 5);
    });
}

#[test]
fn dropped_when_it_was_woken_it_passes_its_place_on() {
    within_a_minute(|| {
        let (pool, held) = full();
        let (ran, woken) = (Count::shared(), Log::new());
        let task = ran.clone();
        let mut gone = Box::pin(pool.spawn_async(move || task.add()));
        let mut next = Box::pin(pool.spawn_async(|| 5));
        assert!(poll(gone.as_mut(), &Scribe::waker(0, &woken)).is_pending());
        assert!(poll(next.as_mut(), &Scribe::waker(1, &woken)).is_pending());
        held.release();
        until(|| woken.read() == [0]);
        drop(gone);
        until(|| woken.read() == [0, 1]);
        assert_eq!(ready(next.as_mut()).unwrap().join().unwrap(), 5);
        drop(next);
        // Nobody is in line any more, and the one place is free again.
        until(|| pool.try_spawn(|| ()).is_ok());
        pool.shutdown();
        assert_eq!(ran.get(), 0);
    });
}

#[test]
fn dropped_unpolled_it_changes_nothing() {
    within_a_minute(|| {
        let pool = builder(1).injector_capacity(1).build().unwrap();
        let dropped = Count::shared();
        for _ in 0..10 {
            let token = Token(dropped.clone());
            drop(pool.spawn_async(move || drop(token)));
        }
        assert_eq!(dropped.get(), 10);
        pool.spawn(|| ()).join().unwrap();
        assert_whole(&pool);
    });
}

#[test]
fn who_waits_is_sent_away_when_the_pool_closes() {
    within_a_minute(|| {
        let (pool, held) = full();
        let woken = Log::new();
        let mut waiting = Box::pin(pool.spawn_async(|| "back"));
        assert!(poll(waiting.as_mut(), &Scribe::waker(7, &woken)).is_pending());
        pool.close();
        until(|| woken.read() == [7]);
        let refused = ready(waiting.as_mut()).unwrap_err();
        assert_eq!((refused.is_closed(), refused.into_inner()()), (true, "back"));
        held.release();
    });
}

#[test]
fn a_place_given_before_the_close_and_used_after_it_has_a_clear_end() {
    within_a_minute(|| {
        let (pool, held) = full();
        let (ran, woken) = (Count::shared(), Log::new());
        let task = ran.clone();
        let mut waiting = Box::pin(pool.spawn_async(move || task.add()));
        assert!(poll(waiting.as_mut(), &Scribe::waker(7, &woken)).is_pending());
        held.release();
        until(|| woken.read() == [7]);
        pool.close();
        let accepted = match ready(waiting.as_mut()) {
            Ok(handle) => usize::from(handle.join().is_ok()),
            Err(refused) => usize::from(!refused.is_closed()),
        };
        drop(waiting);
        pool.shutdown();
        assert_eq!(ran.get(), accepted);
    });
}

#[test]
fn inside_the_pool_it_is_ready_at_once() {
    within_a_minute(|| {
        let (pool, held) = full();
        let handle = pool.scope(|_| ready(Box::pin(pool.spawn_async(|| 5)).as_mut()).unwrap());
        held.release();
        assert_eq!(handle.join().unwrap(), 5);
    });
}

#[test]
fn many_futures_get_in_one_by_one() {
    within_a_minute(|| {
        let pool = builder(2).injector_capacity(2).build().unwrap();
        let ran = Count::shared();
        thread::scope(|threads| {
            for _ in 0..4 {
                threads.spawn(|| {
                    for _ in 0..1000 {
                        let ran = ran.clone();
                        drop(block_on(pool.spawn_async(move || ran.add())).unwrap());
                    }
                });
            }
        });
        pool.shutdown();
        assert_eq!(ran.get(), 4000);
    });
}

#[test]
fn futures_dropped_at_any_moment_lose_no_place() {
    within_a_minute(|| {
        let pool = builder(1).injector_capacity(1).build().unwrap();
        let (ran, accepted) = (Count::shared(), Count::default());
        thread::scope(|threads| {
            for number in 0..4_usize {
                let (pool, ran, accepted) = (&pool, &ran, &accepted);
                threads.spawn(move || {
                    for turn in 0..1000 {
                        let ran = ran.clone();
                        let mut waiting = Box::pin(pool.spawn_async(move || ran.add()));
                        for _ in 0..(turn + number) % 5 {
                            if let Poll::Ready(result) = poll(waiting.as_mut(), Waker::noop()) {
                                drop(result.unwrap());
                                accepted.add();
                                break;
                            }
                            thread::yield_now();
                        }
                    }
                });
            }
        });
        let last = pool.spawn_timeout(|| 5, Duration::from_secs(30)).expect("the one place");
        assert_eq!(last.join().unwrap(), 5);
        pool.shutdown();
        assert_eq!(ran.get(), accepted.get());
    });
}
