//! The thread of a pool's clocks: refused, or left behind by a fork(2).

use std::time::{Duration, Instant};

use heist::CancellationToken;

use crate::process::{alone, alone_as_root, become_nobody_else, fork, rounds};
use crate::start::limit;
use crate::support::{assert_whole, builder, hold, pool, threads_named, until};

const SOON: Duration = Duration::from_millis(5);
const NEVER: Duration = Duration::from_secs(3600);

#[test]
fn without_a_thread_for_clocks_a_limit_is_told_late_and_kept() {
    alone_as_root(|| {
        fork(|| {
            limit(libc::RLIMIT_NPROC, 2);
            become_nobody_else();
            let pool = builder(1).build().unwrap();
            let held = hold(&pool);
            let deadline = Instant::now() + SOON;
            let late = pool.task().deadline(deadline).spawn(|| unreachable!("it is late"));
            let in_time = pool.task().deadline(deadline + NEVER).spawn(|| 5);
            until(|| Instant::now() >= deadline + SOON);
            assert_eq!(threads_named("heist-timer"), 0);
            assert!(!late.is_finished(), "nobody tells");
            held.release();
            assert!(late.join().unwrap_err().is_deadline());
            assert_eq!(in_time.join().unwrap(), 5);
            // At its end a task finds that it took too long.
            let slow = pool.task().timeout(SOON).spawn(|| {
                let start = Instant::now();
                until(|| start.elapsed() > SOON);
                (heist::is_cancelled(), heist::current_task().unwrap().token().cloned())
            });
            assert!(slow.join().unwrap_err().is_timeout());
            assert_eq!(pool.task().timeout(NEVER).spawn(|| 6).join().unwrap(), 6);
            let metrics = pool.metrics();
            assert_eq!((metrics.tasks_timed_out(), metrics.tasks_cancelled()), (1, 1));
            assert_whole(&pool);
            pool.shutdown();
        })
        .well();
    });
}

#[test]
fn in_the_child_of_a_fork_clocks_and_tokens_from_before_hang_nobody() {
    alone(|| {
        for _ in 0..rounds(30) {
            let mut pool = Some(pool(2));
            let token = CancellationToken::new();
            let own = pool.as_ref().unwrap();
            let held = hold(own);
            // Clocks that are set and go off while the fork happens.
            let spawn = |n: u64| {
                let soon = Instant::now() + Duration::from_micros(n * 20);
                own.task().cancel_token(&token).deadline(soon).spawn(|| ())
            };
            let mut handles: Vec<_> = (0..50).map(spawn).collect();
            let child = token.child_token();
            fork(|| {
                let late: Vec<_> = std::mem::take(&mut handles);
                for handle in &late {
                    let state = handle.state();
                    assert_eq!(state, heist::TaskState::Cancelled, "here, or left behind");
                    handle.cancel();
                }
                drop(late);
                token.cancel();
                assert!(token.is_cancelled() && !child.is_cancelled(), "alone");
                assert!(token.child_token().is_cancelled());
                drop(child.child_token());
                drop(child);
                let pool = pool.take().unwrap();
                assert!(pool.task().deadline(Instant::now() + NEVER).spawn(|| ()).join().is_err());
                drop(pool);
                // One of its own has clocks.
                let pool = crate::support::pool(1);
                let task = pool.task().timeout(Duration::from_millis(1));
                let told = task.spawn(|| while !heist::is_cancelled() {}).join();
                assert!(told.unwrap_err().is_timeout());
                pool.shutdown();
            })
            .well();
            assert!(!token.is_cancelled());
            token.cancel();
            // The clocks' thread may have one in hand.
            until(|| handles.iter().all(|handle| handle.is_finished()));
            held.release();
            assert_whole(pool.as_ref().unwrap());
        }
    });
}
