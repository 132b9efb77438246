//! What has a limit: memory at the door, and the turns of others before one's own.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use heist::ThreadPool;

use crate::future::turns;
use crate::support::{
    Count, NORMAL, alone, builder, hold, peak_memory, poll, pool, until, within_a_minute,
};

#[test]
fn refusals_take_no_memory() {
    const TASKS: usize = 3_000_000;
    alone("bounded::refusals_take_no_memory", || {
        let pool = builder(2).injector_capacity(100).build().unwrap();
        let held = hold(&pool);
        let before = peak_memory();
        let accepted = (0..TASKS).filter(|&n| pool.try_spawn(move || [n; 16]).is_ok()).count();
        let more = peak_memory() - before;
        assert!(more < 4 << 20, "{} KiB more", more >> 10);
        let lane = &pool.metrics().lanes[NORMAL];
        assert_eq!((accepted, lane.depth, lane.rejected), (100, 100, TASKS as u64 - 100));
        held.release();
        pool.shutdown();
    });
}

#[test]
fn the_turns_of_a_future_that_is_polled_where_it_is_joined_take_no_memory() {
    const TURNS: usize = 1_000_000;
    alone(
        "bounded::the_turns_of_a_future_that_is_polled_where_it_is_joined_take_no_memory",
        || {
            let pool = pool(1);
            pool.install(|| {
                let before = peak_memory();
                // The only worker that could come for it is the one that is here.
                pool.spawn_future(turns(TURNS)).join().unwrap();
                let more = peak_memory() - before;
                assert!(more < 4 << 20, "{} KiB more", more >> 10);
            });
        },
    );
}

#[test]
fn whatever_is_refused_comes_back_whole() {
    let closure = |n: usize| {
        let captured = Box::new(n);
        move || *captured + 1
    };
    within_a_minute(move || {
        let pool = builder(1).injector_capacity(1).build().unwrap();
        let _held = hold(&pool);
        drop(pool.try_spawn(|| ()).expect("room"));
        for closed in [false, true] {
            let mut refused = vec![
                pool.try_spawn(closure(1)).unwrap_err(),
                pool.spawn_timeout(closure(2), Duration::from_millis(1)).unwrap_err(),
            ];
            assert!(refused.iter().all(|refused| refused.is_closed() == closed));
            let mut waiting = pin!(pool.spawn_async(closure(3)));
            let polled = poll(waiting.as_mut(), Waker::noop());
            assert_eq!(polled.is_ready(), closed);
            pool.close();
            let polled = if closed { polled } else { poll(waiting, Waker::noop()) };
            let Poll::Ready(Err(sent_away)) = polled else { panic!("the pool is closed") };
            refused.push(sent_away);
            let results: Vec<_> = refused.into_iter().map(|back| back.into_inner()()).collect();
            assert_eq!(results, [2, 3, 4]);
        }
    });
}

/// A task that follows itself, counting its turns, until there is an end.
fn again(turns: Arc<Count>, end: Arc<Count>) {
    turns.add();
    if end.get() == 0 {
        drop(heist::spawn(move || again(turns, end)));
    }
}

/// For each of a hundred tasks from outside, how many turns the others had after it
/// was in and before it ran, at least.
fn waits(pool: &ThreadPool) -> Vec<usize> {
    let (turns, end) = (Count::shared(), Count::shared());
    let (first, ended) = (turns.clone(), end.clone());
    drop(pool.spawn(move || again(first, ended)));
    until(|| turns.get() > 1000);
    let wait = |_| {
        let seen = turns.clone();
        let task = pool.spawn(move || seen.get());
        let before = turns.get();
        task.join().unwrap().saturating_sub(before)
    };
    let waits = (0..100).map(wait).collect();
    end.add();
    waits
}

#[test]
fn a_task_from_outside_waits_for_few_turns_of_one_that_follows_itself() {
    within_a_minute(|| {
        let most = waits(&pool(1)).into_iter().max().unwrap();
        // Every 61st look goes elsewhere: to the entrance, or the oldest, in turns.
        assert!(most <= 2 * 61, "{most} turns");
    });
}
