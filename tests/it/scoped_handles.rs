//! `Scope::spawn_handle`: jobs that borrow, and whose results can be taken.

use std::cell::Cell;
use std::sync::{Arc, mpsc};
use std::thread;

use heist::{Scope, ScopedJoinHandle, TaskState, ThreadPool};

use crate::support::{
    Count, Gate, Token, block_on, everywhere, hold, pool, until, within_a_minute,
};

#[test]
fn results_come_back_and_may_borrow() {
    within_a_minute(|| {
        everywhere(|pool| {
            let words: Vec<String> = (0..100).map(|n| n.to_string()).collect();
            let firsts: Vec<&str> = pool.scope(|s| {
                let handles: Vec<_> =
                    words.iter().map(|word| s.spawn_handle(move |_| &word[..1])).collect();
                handles.into_iter().map(|handle| handle.join().unwrap()).collect()
            });
            assert!(firsts.iter().zip(&words).all(|(first, word)| word.starts_with(first)));
        });
    });
}

#[test]
fn a_result_that_is_not_sync_comes_back() {
    within_a_minute(|| {
        let cell = pool(2).scope(|s| s.spawn_handle(|_| Cell::new(5)).join().unwrap());
        assert_eq!(cell.get(), 5);
    });
}

#[test]
fn handles_make_a_tree_of_jobs_that_join_their_children() {
    fn fib<'scope>(s: &Scope<'scope>, n: u64) -> u64 {
        if n < 2 {
            return n;
        }
        let less = s.spawn_handle(move |s| fib(s, n - 1));
        fib(s, n - 2) + less.join().unwrap()
    }
    within_a_minute(|| everywhere(|pool| assert_eq!(pool.scope(|s| fib(s, 15)), 610)));
}

#[test]
fn a_join_does_not_wait_for_the_rest_of_the_scope() {
    within_a_minute(|| {
        let pool = pool(1);
        let (started, gate) = (Gate::default(), Gate::default());
        pool.scope(|s| {
            s.spawn(|_| {
                started.open();
                gate.pass();
            });
            started.pass();
            assert_eq!(s.spawn_handle(|_| 7).join().unwrap(), 7);
            gate.open();
        });
    });
}

#[test]
fn a_job_that_nobody_has_begun_runs_where_it_is_joined() {
    within_a_minute(|| {
        let pool = pool(1);
        let _held = hold(&pool);
        let here = thread::current().id();
        let ran = Count::default();
        pool.scope(|s| {
            let first = s.spawn_handle(|_| thread::current().id());
            s.spawn(|_| ran.add());
            assert_eq!(first.join().unwrap(), here);
            assert_eq!(ran.get(), 0);
        });
        assert_eq!(ran.get(), 1);
    });
}

#[test]
fn a_job_from_before_an_isolated_section_is_joined_in_it() {
    within_a_minute(|| {
        let pool = pool(1);
        let ran = Count::default();
        pool.install(|| {
            heist::scope(|s| {
                let handle = s.spawn_handle(|_| 7);
                s.spawn(|_| ran.add());
                assert_eq!(heist::isolated(|| handle.join()).unwrap(), 7);
                assert_eq!(ran.get(), 0);
                let inside = heist::isolated(|| s.spawn_handle(|_| 8).join());
                assert_eq!(inside.unwrap(), 8);
            });
        });
    });
}

#[test]
fn siblings_join_one_another_in_a_long_chain() {
    within_a_minute(|| {
        everywhere(|pool| {
            let length = pool.scope(|s| {
                let first = s.spawn_handle(|_| 1);
                let chain = (1..200).fold(first, |before, _| {
                    s.spawn_handle(move |_| {
                        let ((), mine) = heist::join(thread::yield_now, || 1);
                        before.join().unwrap() + mine
                    })
                });
                chain.join().unwrap()
            });
            assert_eq!(length, 200);
        });
    });
}

#[test]
fn while_a_job_waits_no_sibling_begins_on_top_of_it() {
    within_a_minute(|| {
        let (home, abroad) = (pool(1), pool(1));
        let ran = Count::default();
        home.install(|| {
            heist::scope(|s| {
                s.spawn(|_| ran.add());
                let waits = s.spawn_handle(|_| {
                    abroad.install(|| {
                        // What it does while it waits it has done before.
                        until(|| home.metrics().workers[0].parks > home.metrics().workers[0].wakes);
                    });
                    ran.get()
                });
                assert_eq!(waits.join().unwrap(), 0);
            });
        });
        assert_eq!(ran.get(), 1);
    });
}

#[test]
fn a_waiting_body_runs_other_jobs() {
    within_a_minute(|| {
        let pool = pool(1);
        let (started, gate) = (Gate::default(), Gate::default());
        pool.scope(|s| {
            let waits = s.spawn_handle(|_| {
                started.open();
                gate.pass();
            });
            started.pass();
            s.spawn(|_| gate.open());
            waits.join().unwrap();
        });
    });
}

#[test]
fn a_scope_does_not_wait_for_what_comes_after_a_join() {
    within_a_minute(|| {
        let pool = pool(1);
        let (send, handle) = mpsc::channel::<ScopedJoinHandle<'static, i32>>();
        let (joined, gate) = (Arc::new(Gate::default()), Arc::new(Gate::default()));
        let task = {
            let (joined, gate) = (joined.clone(), gate.clone());
            pool.spawn(move || {
                let seven = handle.recv().unwrap().join().unwrap();
                joined.open();
                gate.pass();
                seven
            })
        };
        pool.scope(|s| {
            send.send(s.spawn_handle(|_| 7)).unwrap();
            joined.pass();
        });
        gate.open();
        assert_eq!(task.join().unwrap(), 7);
    });
}

#[test]
fn another_thread_spawns_and_joins() {
    within_a_minute(|| {
        for threads in [1, 2] {
            let pool = pool(threads);
            pool.scope(|s| {
                let ours = s.spawn_handle(|_| 1);
                let theirs = thread::scope(|threads| {
                    let other = threads.spawn(|| (ours.join().unwrap(), s.spawn_handle(|_| 2)));
                    let (ours, theirs) = other.join().unwrap();
                    ours + theirs.join().unwrap()
                });
                assert_eq!(theirs, 3);
                let joined = thread::scope(|threads| {
                    threads.spawn(|| s.spawn_handle(|_| 3).join().unwrap()).join().unwrap()
                });
                assert_eq!(joined, 3);
            });
        }
    });
}

#[test]
fn a_nested_scope_joins_a_job_of_the_outer_one() {
    within_a_minute(|| {
        everywhere(|pool| {
            let sum = pool.scope(|outer| {
                let far = outer.spawn_handle(|_| 1);
                let mut sum = 0;
                heist::scope(|inner| {
                    inner.spawn(|_| sum = far.join().unwrap() + 1);
                });
                sum + heist::scope(|inner| {
                    inner.spawn_handle(|_| outer.spawn_handle(|_| 3)).join().unwrap().join()
                })
                .unwrap()
            });
            assert_eq!(sum, 5);
        });
    });
}

#[test]
fn a_handle_and_its_result_outlive_the_scope() {
    within_a_minute(|| {
        everywhere(|pool| {
            let text = String::from("still here");
            let dropped = Count::shared();
            let token = || Token(dropped.clone());
            let mut kept = None;
            let returned = pool.scope(|s| {
                let (first, second) = (token(), token());
                kept = Some(s.spawn_handle(|_| (first, &*text)));
                s.spawn_handle(|_| second)
            });
            let kept = kept.unwrap();
            assert!(kept.is_finished() && kept.state() == TaskState::Completed);
            assert_eq!(dropped.get(), 0);
            drop(returned);
            assert_eq!(dropped.get(), 1);
            assert_eq!(kept.join().unwrap().1, "still here");
            assert_eq!(dropped.get(), 2);
        });
    });
}

#[test]
fn a_handle_is_awaited_and_says_how_far_its_job_is() {
    within_a_minute(|| {
        let pool = pool(1);
        let (started, gate) = (Gate::default(), Gate::default());
        pool.scope(|s| {
            let handle = s.spawn_handle(|_| {
                started.open();
                gate.pass();
                7
            });
            started.pass();
            assert_eq!((handle.state(), handle.is_finished()), (TaskState::Running, false));
            assert!(format!("{handle:?}").contains("is_finished: false"));
            gate.open();
            assert_eq!(block_on(handle).unwrap(), 7);
            let held = hold(&pool);
            let handle = s.spawn_handle(|_| 8);
            assert_eq!(handle.state(), TaskState::Pending);
            held.release();
            assert_eq!(block_on(handle).unwrap(), 8);
        });
    });
}

#[test]
fn many_threads_join_what_others_spawn() {
    fn round(pool: &ThreadPool) {
        let sum: usize = pool.scope(|s| {
            let handles: Vec<_> =
                (0..64).map(|n| s.spawn_handle(move |s| s.spawn_handle(move |_| n))).collect();
            let (low, high) = {
                let mut handles = handles;
                let high = handles.split_off(32);
                (handles, high)
            };
            let add = |handles: Vec<ScopedJoinHandle<'_, ScopedJoinHandle<'_, usize>>>| {
                handles.into_iter().map(|n| n.join().unwrap().join().unwrap()).sum::<usize>()
            };
            let low = s.spawn_handle(move |_| add(low));
            add(high) + low.join().unwrap()
        });
        assert_eq!(sum, 2016);
    }
    within_a_minute(|| everywhere(|pool| (0..20).for_each(|_| round(pool))));
}
