//! `join`: two closures, perhaps at once.

use std::panic;
use std::sync::{Arc, mpsc};
use std::thread;

use heist::ThreadPool;

use crate::support::{
    Count, Gate, Token, assert_whole, builder, everywhere, message, payload, pool, text, until,
    within_a_minute,
};

#[test]
fn both_results_come_back_in_order() {
    within_a_minute(|| {
        everywhere(|pool| {
            assert_eq!(pool.join(|| "a", || vec![1, 2]), ("a", vec![1, 2]));
        });
    });
}

#[test]
fn closures_may_borrow_and_change_what_the_caller_owns() {
    within_a_minute(|| {
        everywhere(|pool| {
            let words = ["left", "right"].map(str::to_owned);
            let (mut left, mut right) = (String::new(), String::new());
            pool.join(|| left.push_str(&words[0]), || right.push_str(&words[1]));
            assert_eq!((left.as_str(), right.as_str()), ("left", "right"));
        });
    });
}

#[test]
fn a_tree_of_joins_adds_up() {
    fn fib(n: u64) -> u64 {
        if n < 2 {
            return n;
        }
        let (a, b) = heist::join(|| fib(n - 1), || fib(n - 2));
        a + b
    }
    within_a_minute(|| {
        everywhere(|pool| assert_eq!(pool.join(|| fib(16), || fib(15)), (987, 610)));
        assert_eq!(pool(2).install(|| fib(22)), 17_711);
    });
}

#[test]
fn ten_thousand_joins_deep_in_a_fit_on_a_default_stack() {
    fn deep(left: usize) -> usize {
        if left == 0 {
            return 0;
        }
        let (below, here) = heist::join(|| deep(left - 1), || 1);
        below + here
    }
    within_a_minute(|| {
        for threads in [1, 2, 4] {
            assert_eq!(pool(threads).install(|| deep(10_000)), 10_000);
        }
    });
}

#[test]
fn ten_thousand_joins_deep_in_b_fit_on_a_default_stack() {
    fn deep(left: usize) -> usize {
        if left == 0 {
            return 0;
        }
        let (here, below) = heist::join(|| 1, || deep(left - 1));
        below + here
    }
    within_a_minute(|| {
        for threads in [1, 2, 4] {
            assert_eq!(pool(threads).install(|| deep(10_000)), 10_000);
        }
    });
}

#[test]
fn heist_join_on_a_worker_stays_in_its_pool() {
    within_a_minute(|| {
        let pool = builder_named("joinstays");
        let names = pool.install(|| heist::join(thread_name, thread_name));
        assert!(names.0.starts_with("joinstays") && names.1.starts_with("joinstays"), "{names:?}");
    });
}

fn builder_named(name: &'static str) -> heist::ThreadPool {
    let builder = builder(2).thread_name(move |index| format!("{name}-{index}"));
    builder.build().expect("a pool")
}

fn thread_name() -> String {
    thread::current().name().unwrap_or_default().to_owned()
}

#[test]
fn b_is_stolen_while_a_is_busy() {
    within_a_minute(|| {
        let pool = pool(2);
        for _ in 0..200 {
            // a waits for b without helping, so somebody else must run it.
            let gate = Gate::default();
            pool.join(|| gate.pass(), || gate.open());
            let gate = Gate::default();
            pool.install(|| heist::join(|| gate.pass(), || gate.open()));
        }
    });
}

#[test]
fn a_fork_deep_in_a_tree_is_stolen_while_its_owner_is_busy() {
    fn descend(left: usize, gate: &Gate) {
        if left == 0 {
            return gate.pass();
        }
        // Only the outermost b opens the gate that the innermost a waits at.
        heist::join(
            || descend(left - 1, gate),
            || {
                if left == 500 {
                    gate.open()
                }
            },
        );
    }
    within_a_minute(|| {
        let pool = pool(2);
        for _ in 0..20 {
            let gate = Gate::default();
            pool.install(|| descend(500, &gate));
        }
    });
}

#[test]
fn a_join_runs_no_task_to_get_its_own_fork_back() {
    within_a_minute(|| {
        let pool = pool(1);
        pool.install(|| {
            let ran = Count::shared();
            let task = ran.clone();
            // The spawn publishes `b` and lies in front of it.
            let (handle, ()) = pool.join(|| pool.spawn(move || task.add()), || ());
            assert_eq!(ran.get(), 0, "a stranger's task ran inside the join");
            handle.join().unwrap();
            assert_eq!(ran.get(), 1);
        });
    });
}

#[test]
fn a_panic_in_a_reaches_the_caller_after_b_has_run_once() {
    within_a_minute(|| {
        everywhere(|pool| {
            let ran = Count::default();
            let said = message(|| pool.join(|| panic!("from a"), || ran.add()));
            assert_eq!((said.as_str(), ran.get()), ("from a", 1));
            assert_whole(pool);
        });
    });
}

#[test]
fn a_panic_in_b_reaches_the_caller_after_a_has_finished() {
    within_a_minute(|| {
        everywhere(|pool| {
            let ran = Count::default();
            let said = message(|| pool.join(|| ran.add(), || panic!("from b")));
            assert_eq!((said.as_str(), ran.get()), ("from b", 1));
            assert_whole(pool);
        });
    });
}

#[test]
fn when_both_panic_the_caller_gets_the_panic_of_a() {
    within_a_minute(|| {
        everywhere(|pool| {
            let said = message(|| pool.join(|| panic!("from a"), || panic!("from b")));
            assert_eq!(said, "from a");
            assert_whole(pool);
        });
    });
}

#[test]
fn when_both_panic_at_once_on_two_threads_the_caller_gets_the_panic_of_a() {
    within_a_minute(|| {
        let pool = pool(2);
        for _ in 0..200 {
            let (a_began, b_began) = (Gate::default(), Gate::default());
            let said = payload(|| {
                pool.join(
                    || {
                        a_began.open();
                        b_began.pass();
                        panic::resume_unwind(Box::new("from a"))
                    },
                    || {
                        b_began.open();
                        a_began.pass();
                        panic::resume_unwind(Box::new("from b"))
                    },
                )
            });
            assert_eq!(text(&*said), "from a");
        }
        assert_whole(&pool);
    });
}

#[test]
fn a_panic_in_a_waits_for_a_stolen_b() {
    struct OpenOnDrop<'gate>(&'gate Gate);
    impl Drop for OpenOnDrop<'_> {
        fn drop(&mut self) {
            self.0.open();
        }
    }
    within_a_minute(|| {
        let pool = pool(2);
        for _ in 0..200 {
            let (stolen, unwinding) = (Gate::default(), Gate::default());
            let finished = Count::default();
            payload(|| {
                pool.join(
                    || {
                        let _open = OpenOnDrop(&unwinding);
                        stolen.pass();
                        panic::resume_unwind(Box::new(()))
                    },
                    || {
                        stolen.open();
                        unwinding.pass();
                        finished.add();
                    },
                )
            });
            assert_eq!(finished.get(), 1);
        }
    });
}

#[test]
fn a_panic_at_the_bottom_runs_every_sibling_on_its_way_up_once() {
    fn deep(left: usize, ran: &Count) {
        if left == 0 {
            panic!("from the bottom");
        }
        heist::join(|| deep(left - 1, ran), || ran.add());
    }
    within_a_minute(|| {
        everywhere(|pool| {
            let ran = Count::default();
            let said = message(|| pool.join(|| deep(100, &ran), || ran.add()));
            assert_eq!((said.as_str(), ran.get()), ("from the bottom", 101));
            assert_whole(pool);
        });
    });
}

#[test]
fn results_are_dropped_once_whoever_panics() {
    within_a_minute(|| {
        everywhere(|pool| {
            for (a_panics, b_panics) in [(false, false), (true, false), (false, true), (true, true)]
            {
                let dropped = Count::shared();
                let make = |panics: bool| -> Token {
                    let token = Token(dropped.clone());
                    if panics {
                        panic!("with a token in hand");
                    }
                    token
                };
                if a_panics || b_panics {
                    payload(|| pool.join(|| make(a_panics), || make(b_panics)));
                } else {
                    let kept = pool.join(|| make(false), || make(false));
                    assert_eq!(dropped.get(), 0);
                    drop(kept);
                }
                assert_eq!(dropped.get(), 2);
            }
        });
    });
}

#[test]
fn what_the_closures_captured_is_dropped_once_before_join_returns() {
    within_a_minute(|| {
        everywhere(|pool| {
            let dropped = Count::shared();
            let (one, two) = (Token(dropped.clone()), Token(dropped.clone()));
            pool.join(move || drop(one), move || assert!(Arc::strong_count(&two.0) > 0));
            assert_eq!(dropped.get(), 2);
        });
    });
}

#[test]
fn ten_thousand_panics_leave_every_worker_alive() {
    within_a_minute(|| {
        let pool = pool(2);
        for turn in 0..10_000_usize {
            let got = payload(|| {
                pool.join(
                    || assert!(turn % 2 == 1 || panic::resume_unwind(Box::new(turn))),
                    || assert!(turn % 2 == 0 || panic::resume_unwind(Box::new(turn))),
                )
            });
            assert_eq!(got.downcast_ref(), Some(&turn));
        }
        assert_whole(&pool);
    });
}

#[test]
fn a_wait_in_an_unwind_runs_nothing_of_others() {
    within_a_minute(|| {
        let pool = Arc::new(pool(2));
        let [begun, end, ran]: [Arc<Gate>; 3] = std::array::from_fn(|_| Gate::shared());
        let (is_begun, ends, runs) = (begun.clone(), end.clone(), ran.clone());
        let parks = |pool: &ThreadPool, index: usize| pool.metrics().workers[index].parks;
        let (say, heard) = mpsc::channel();
        let inside = pool.clone();
        let panics = pool.spawn(move || {
            let a = || {
                is_begun.pass();
                let index = heist::current_thread_index().unwrap();
                say.send((index, parks(&inside, index))).unwrap();
                // It would be the next here.
                drop(heist::spawn(move || {
                    assert!(!thread::panicking(), "a panic of somebody else's");
                    runs.open();
                }));
                panic!("a");
            };
            let b = || {
                begun.open();
                ends.pass();
            };
            heist::join(a, b);
        });
        let (index, before) = heard.recv().unwrap();
        until(|| parks(&pool, index) > before);
        end.open();
        assert_eq!(text(&*panics.join().unwrap_err().into_panic()), "a");
        ran.pass();
    });
}
