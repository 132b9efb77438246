//! `scope`: any number of jobs, all done when it returns.

use std::panic;
use std::thread;

use heist::Scope;

use crate::support::{
    Count, Gate, Log, Token, assert_whole, everywhere, hold, message, payload, pool, text,
    within_a_minute,
};

#[test]
fn all_jobs_have_finished_when_scope_returns() {
    within_a_minute(|| {
        everywhere(|pool| {
            let ran = Count::default();
            let answer = pool.scope(|s| {
                for _ in 0..1000 {
                    s.spawn(|_| ran.add());
                }
                "the body's own result"
            });
            assert_eq!((answer, ran.get()), ("the body's own result", 1000));
        });
    });
}

#[test]
fn a_scope_without_jobs_returns() {
    within_a_minute(|| everywhere(|pool| assert_eq!(pool.scope(|_| 7), 7)));
}

#[test]
fn jobs_may_borrow_and_change_what_the_caller_owns() {
    within_a_minute(|| {
        everywhere(|pool| {
            let words = ["a", "b", "c"].map(str::to_owned);
            let mut copies = vec![String::new(); 3];
            pool.scope(|s| {
                for (copy, word) in copies.iter_mut().zip(&words) {
                    s.spawn(move |_| copy.push_str(word));
                }
            });
            assert_eq!(copies, words);
        });
    });
}

#[test]
fn a_chain_of_a_hundred_thousand_jobs_needs_no_deep_stack() {
    fn link<'scope>(s: &Scope<'scope>, left: usize, ran: &'scope Count) {
        ran.add();
        if left > 1 {
            s.spawn(move |s| link(s, left - 1, ran));
        }
    }
    within_a_minute(|| {
        everywhere(|pool| {
            let ran = Count::default();
            pool.scope(|s| link(s, 100_000, &ran));
            assert_eq!(ran.get(), 100_000);
        });
    });
}

#[test]
fn jobs_that_spawn_jobs_are_waited_for() {
    fn tree<'scope>(s: &Scope<'scope>, depth: usize, ran: &'scope Count) {
        ran.add();
        for _ in 0..2 {
            if depth > 0 {
                s.spawn(move |s| tree(s, depth - 1, ran));
            }
        }
    }
    within_a_minute(|| {
        everywhere(|pool| {
            let ran = Count::default();
            pool.scope(|s| tree(s, 10, &ran));
            assert_eq!(ran.get(), 2047);
        });
    });
}

#[test]
fn scopes_and_joins_nest_in_each_other() {
    fn nest(left: usize) -> usize {
        if left == 0 {
            return 1;
        }
        let (mut below, beside) = (0, Count::default());
        heist::scope(|s| {
            s.spawn(|_| beside.add());
            let (a, b) = heist::join(|| nest(left - 1), || 1);
            below = a + b;
            s.spawn(|_| beside.add());
        });
        below + beside.get()
    }
    within_a_minute(|| {
        everywhere(|pool| {
            let sums = pool.join(|| nest(200), || pool.scope(|_| nest(100)));
            assert_eq!(sums, (601, 301));
        });
    });
}

#[test]
fn scopes_nest_a_thousand_deep() {
    fn nest(left: usize, ran: &Count) {
        if left > 0 {
            heist::scope(|s| {
                s.spawn(|_| ran.add());
                nest(left - 1, ran);
            });
        }
    }
    within_a_minute(|| {
        for threads in [1, 2, 4] {
            let ran = Count::default();
            pool(threads).install(|| nest(1000, &ran));
            assert_eq!(ran.get(), 1000);
        }
    });
}

#[test]
fn an_inner_scope_may_spawn_on_the_outer_one() {
    within_a_minute(|| {
        everywhere(|pool| {
            let ran = Count::default();
            pool.scope(|outer| {
                let ran = &ran;
                heist::scope(|inner| {
                    inner.spawn(move |_| outer.spawn(move |_| ran.add()));
                });
                outer.spawn(move |_| ran.add());
            });
            assert_eq!(ran.get(), 2);
        });
    });
}

#[test]
fn another_thread_may_spawn_on_a_scope() {
    within_a_minute(|| {
        everywhere(|pool| {
            let ran = Count::default();
            pool.scope(|s| {
                let ran = &ran;
                thread::scope(|threads| {
                    for _ in 0..3 {
                        threads.spawn(move || {
                            for _ in 0..100 {
                                s.spawn(move |s| s.spawn(move |_| ran.add()));
                            }
                        });
                    }
                });
            });
            assert_eq!(ran.get(), 300);
        });
    });
}

#[test]
fn a_guest_runs_what_another_thread_spawned_on_its_scope_if_nobody_else_can() {
    within_a_minute(|| {
        let pool = pool(1);
        let _held = hold(&pool);
        let ran = Count::default();
        pool.scope(|s| {
            let ran = &ran;
            thread::scope(|threads| {
                threads.spawn(move || s.spawn(move |_| ran.add()));
            });
        });
        assert_eq!(ran.get(), 1);
    });
}

#[test]
fn a_job_runs_while_the_body_is_busy() {
    within_a_minute(|| {
        let pool = pool(2);
        for _ in 0..200 {
            let gate = Gate::default();
            pool.scope(|s| {
                s.spawn(|_| gate.open());
                gate.pass();
            });
            let gate = Gate::default();
            pool.install(|| {
                heist::scope(|s| {
                    s.spawn(|_| gate.open());
                    gate.pass();
                });
            });
        }
    });
}

#[test]
fn a_panic_in_the_body_reaches_the_caller_after_every_job_has_finished() {
    within_a_minute(|| {
        everywhere(|pool| {
            let ran = Count::default();
            let said = message(|| {
                pool.scope(|s| {
                    for _ in 0..100 {
                        s.spawn(|_| ran.add());
                    }
                    panic!("from the body");
                })
            });
            assert_eq!((said.as_str(), ran.get()), ("from the body", 100));
            assert_whole(pool);
        });
    });
}

#[test]
fn a_panic_in_a_job_reaches_the_caller_after_every_other_job_has_finished() {
    within_a_minute(|| {
        everywhere(|pool| {
            let ran = Count::default();
            let said = message(|| {
                pool.scope(|s| {
                    for number in 0..100 {
                        let ran = &ran;
                        s.spawn(
                            move |_| if number == 50 { panic!("from a job") } else { ran.add() },
                        );
                    }
                })
            });
            assert_eq!((said.as_str(), ran.get()), ("from a job", 99));
            assert_whole(pool);
        });
    });
}

#[test]
fn the_first_panic_in_time_is_the_one_that_is_raised() {
    within_a_minute(|| {
        // One worker runs the jobs one after the other, in an order of its own.
        let pool = pool(1);
        let log = Log::new();
        let got = payload(|| {
            pool.install(|| {
                heist::scope(|s| {
                    for number in 0..5_usize {
                        let log = log.clone();
                        s.spawn(move |_| {
                            log.write(number);
                            panic::resume_unwind(Box::new(number));
                        });
                    }
                });
            });
        });
        assert_eq!(log.read().len(), 5);
        assert_eq!(got.downcast_ref(), log.read().first());
    });
}

#[test]
fn a_body_that_panics_before_its_jobs_do_is_the_first() {
    within_a_minute(|| {
        let pool = pool(1);
        let said = message(|| {
            pool.install(|| {
                heist::scope(|s| {
                    s.spawn(|_| panic!("from a job"));
                    panic!("from the body");
                })
            })
        });
        assert_eq!(said, "from the body");
        assert_whole(&pool);
    });
}

#[test]
fn a_panic_in_a_nested_scope_passes_through_the_outer_one() {
    within_a_minute(|| {
        everywhere(|pool| {
            let ran = Count::default();
            let said = message(|| {
                pool.scope(|s| {
                    s.spawn(|_| ran.add());
                    s.spawn(|_| heist::scope(|s| s.spawn(|_| panic!("from within"))));
                    s.spawn(|_| ran.add());
                })
            });
            assert_eq!((said.as_str(), ran.get()), ("from within", 2));
            assert_whole(pool);
        });
    });
}

#[test]
fn a_panic_caught_inside_the_inner_scope_leaves_the_outer_one_alone() {
    within_a_minute(|| {
        everywhere(|pool| {
            let said = pool.scope(|s| {
                s.spawn(|_| ());
                message(|| heist::scope(|s| s.spawn(|_| panic!("caught"))))
            });
            assert_eq!(said, "caught");
        });
    });
}

#[test]
fn the_result_of_a_body_is_dropped_once_when_a_job_panics() {
    within_a_minute(|| {
        everywhere(|pool| {
            let dropped = Count::shared();
            let (captured, result) = (Token(dropped.clone()), Token(dropped.clone()));
            let got = payload(|| {
                pool.scope(|s| {
                    s.spawn(move |_| {
                        let _captured = captured;
                        panic!("after the body");
                    });
                    result
                })
            });
            assert_eq!((text(&*got).as_str(), dropped.get()), ("after the body", 2));
        });
    });
}

#[test]
fn many_small_scopes_one_after_the_other_lose_nothing() {
    within_a_minute(|| {
        let pool = pool(2);
        let ran = Count::default();
        for _ in 0..3000 {
            pool.scope(|s| {
                s.spawn(|_| ran.add());
                s.spawn(|_| ran.add());
            });
        }
        assert_eq!(ran.get(), 6000);
    });
}

#[test]
fn a_job_may_own_much_or_little() {
    let sum = std::sync::atomic::AtomicUsize::new(0);
    pool(2).scope(|s| {
        let (small, large) = ([1u8; 3], [1usize; 100]);
        let add = |n| sum.fetch_add(n, std::sync::atomic::Ordering::Relaxed);
        s.spawn(move |_| _ = add(small.len()));
        s.spawn(move |_| _ = add(large.iter().sum()));
    });
    assert_eq!(sum.into_inner(), 103);
}
