//! Handles of scoped jobs that are left, and panics that are joined or not.

use std::mem;
use std::panic::resume_unwind;

use heist::{Scope, ScopedJoinHandle, TaskState};

use crate::support::{
    Bomb, Count, Token, assert_whole, everywhere, message, payload, pool, text, until,
    within_a_minute,
};

#[test]
fn a_result_that_nobody_wants_is_dropped_before_the_scope_returns() {
    within_a_minute(|| {
        everywhere(|pool| {
            let dropped = Count::shared();
            pool.scope(|s| {
                for _ in 0..50 {
                    let token = Token(dropped.clone());
                    drop(s.spawn_handle(|_| token));
                }
                let token = Token(dropped.clone());
                let late = s.spawn_handle(|_| token);
                until(|| late.is_finished() || heist::yield_now().is_some());
                drop(late);
            });
            assert_eq!(dropped.get(), 51);
        });
    });
}

#[test]
fn a_result_that_panics_when_it_is_dropped_harms_nobody() {
    within_a_minute(|| {
        everywhere(|pool| {
            pool.scope(|s| {
                drop(s.spawn_handle(|_| Bomb));
                let late = s.spawn_handle(|_| Bomb);
                until(|| late.is_finished() || heist::yield_now().is_some());
                drop(late);
            });
            assert_whole(pool);
        });
    });
}

#[test]
fn a_forgotten_handle_keeps_its_result_and_not_the_scope() {
    within_a_minute(|| {
        everywhere(|pool| {
            let dropped = Count::shared();
            let (ran, token) = (Count::default(), Token(dropped.clone()));
            pool.scope(|s| {
                mem::forget(s.spawn_handle(|_| {
                    ran.add();
                    token
                }));
            });
            assert_eq!((ran.get(), dropped.get()), (1, 0));
        });
    });
}

#[test]
fn a_panic_goes_to_who_joins_and_the_scope_returns() {
    within_a_minute(|| {
        everywhere(|pool| {
            let ran = Count::default();
            let said = pool.scope(|s| {
                s.spawn(|_| ran.add());
                let error = s.spawn_handle(|_| -> u32 { panic!("joined") }).join().unwrap_err();
                assert!(error.is_panic());
                text(&*error.into_panic())
            });
            assert_eq!((said.as_str(), ran.get()), ("joined", 1));
            assert_whole(pool);
        });
    });
}

/// Some way to leave a handle unjoined.
type Leave = for<'s> fn(ScopedJoinHandle<'s, ()>) -> Option<ScopedJoinHandle<'s, ()>>;

#[test]
fn a_panic_that_nobody_joins_is_raised_by_the_scope() {
    let ways: [Leave; 3] = [
        |handle| {
            drop(handle);
            None
        },
        |handle| {
            mem::forget(handle);
            None
        },
        |handle| Some(handle),
    ];
    within_a_minute(move || {
        everywhere(|pool| {
            for leave in ways {
                let ran = Count::default();
                let mut kept = None;
                let said = message(|| {
                    pool.scope(|s| {
                        kept = leave(s.spawn_handle(|_| panic!("not joined")));
                        s.spawn(|_| ran.add());
                    })
                });
                assert_eq!((said.as_str(), ran.get()), ("not joined", 1));
                if let Some(kept) = kept {
                    assert_eq!(kept.state(), TaskState::Failed);
                    let error = kept.join().unwrap_err();
                    assert!(error.is_panic() && error.to_string().contains("scope has raised"));
                }
            }
            assert_whole(pool);
        });
    });
}

/// Runs jobs one after the other, each before the next is spawned.
fn in_turn<'scope>(s: &Scope<'scope>, what: &'static str) -> ScopedJoinHandle<'scope, ()> {
    let handle = s.spawn_handle(move |_| resume_unwind(Box::new(what)));
    while !handle.is_finished() {
        heist::yield_now();
    }
    handle
}

#[test]
fn the_first_panic_in_time_that_nobody_joined_is_raised() {
    within_a_minute(|| {
        let pool = pool(1);
        let raised = |body: for<'s> fn(&Scope<'s>)| {
            let payload = payload(|| pool.install(|| heist::scope(body)));
            *payload.downcast::<&str>().unwrap()
        };
        assert_eq!(raised(|s| drop((in_turn(s, "first"), in_turn(s, "second")))), "first");
        assert_eq!(raised(|s| _ = (in_turn(s, "first").join(), in_turn(s, "second"))), "second");
        assert_eq!(
            raised(|s| {
                let first = in_turn(s, "first");
                s.spawn(|_| resume_unwind(Box::new("plain")));
                heist::yield_now();
                drop((first, in_turn(s, "third")));
            }),
            "first"
        );
        assert_eq!(
            raised(|s| {
                let first = in_turn(s, "first");
                s.spawn(|_| resume_unwind(Box::new("plain")));
                heist::yield_now();
                drop(in_turn(s, "late"));
                let third = in_turn(s, "third");
                assert!(first.join().is_err());
                assert_eq!(text(&*third.join().unwrap_err().into_panic()), "third");
            }),
            "plain"
        );
        assert_whole(&pool);
    });
}

#[test]
fn panics_beside_the_one_that_is_raised_are_dropped() {
    within_a_minute(|| {
        everywhere(|pool| {
            let dropped = Count::shared();
            let payload = payload(|| {
                pool.scope(|s| {
                    for _ in 0..10 {
                        let token = Token(dropped.clone());
                        drop(s.spawn_handle(|_| resume_unwind(Box::new(token))));
                    }
                })
            });
            assert_eq!(dropped.get(), 9);
            drop(payload);
            assert_eq!(dropped.get(), 10);
        });
    });
}

#[test]
fn of_two_panics_that_nobody_has_joined_the_later_stays_with_its_handle() {
    within_a_minute(|| {
        let pool = pool(1);
        let mut kept = Vec::new();
        let raised = payload(|| {
            pool.scope(|s| {
                for name in ["one", "two"] {
                    kept.push(s.spawn_handle(move |_| -> () { resume_unwind(Box::new(name)) }));
                    until(|| kept.last().unwrap().is_finished() || heist::yield_now().is_some());
                }
            })
        });
        assert_eq!(*raised.downcast::<&str>().unwrap(), "one");
        let later = kept.pop().unwrap().join().unwrap_err().into_panic();
        assert_eq!(*later.downcast::<&str>().unwrap(), "two");
    });
}
