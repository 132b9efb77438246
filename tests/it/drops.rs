//! Panics where nobody expects them: in `Drop`. Each test is a process of its
//! own, since what goes wrong here aborts.

use std::panic::{self, AssertUnwindSafe, catch_unwind};

use heist::ThreadPool;

use crate::support::{
    Bomb, Count, Gate, Token, alone, assert_whole, builder, everywhere, hold, message, payload,
    pool, within_a_minute,
};

#[test]
fn a_join_whose_other_half_panics_survives_a_result_that_panics_in_drop() {
    alone("drops::a_join_whose_other_half_panics_survives_a_result_that_panics_in_drop", || {
        everywhere(|pool| {
            payload(|| pool.join(|| Bomb, || panic!("from b")));
            payload(|| pool.join(|| panic!("from a"), || Bomb));
            assert_whole(pool);
        });
    });
}

#[test]
fn a_join_survives_captures_that_panic_in_drop() {
    alone("drops::a_join_survives_captures_that_panic_in_drop", || {
        everywhere(|pool| {
            let bomb = Bomb;
            let said = message(|| pool.join(move || drop(bomb), || ()));
            assert_eq!(said, "a bomb was dropped");
            let bomb = Bomb;
            let said = message(|| pool.join(|| (), move || drop(bomb)));
            assert_eq!(said, "a bomb was dropped");
            assert_whole(pool);
        });
    });
}

#[test]
fn of_payloads_that_panic_in_drop_one_is_raised_and_the_rest_contained() {
    alone("drops::of_payloads_that_panic_in_drop_one_is_raised_and_the_rest_contained", || {
        everywhere(|pool| {
            let raise = || panic::resume_unwind(Box::new(Bomb));
            std::mem::forget(payload(|| pool.join(raise, raise)));
            std::mem::forget(payload(|| {
                pool.scope(|s| (0..4).for_each(|_| s.spawn(move |_| raise())))
            }));
            std::mem::forget(payload(|| pool.for_each(0..50, |_| raise())));
            std::mem::forget(payload(|| pool.broadcast(|_| raise())));
            assert_whole(pool);
        });
    });
}

#[test]
fn a_scope_survives_a_result_that_panics_in_drop() {
    alone("drops::a_scope_survives_a_result_that_panics_in_drop", || {
        everywhere(|pool| {
            payload(|| {
                pool.scope(|s| {
                    s.spawn(|_| panic!("from a job"));
                    Bomb
                })
            });
            assert_whole(pool);
        });
    });
}

#[test]
fn a_map_survives_results_that_panic_in_drop() {
    alone("drops::a_map_survives_results_that_panic_in_drop", || {
        everywhere(|pool| {
            let numbers: Vec<usize> = (0..100).collect();
            payload(|| {
                pool.map(&numbers, |number| {
                    assert!(*number != 70, "from an item");
                    Bomb
                })
            });
            payload(|| {
                pool.broadcast(|at| {
                    assert!(at.index() != 0, "from a worker");
                    Bomb
                })
            });
            assert_whole(pool);
        });
    });
}

#[test]
fn a_worker_survives_a_detached_result_that_panics_in_drop() {
    alone("drops::a_worker_survives_a_detached_result_that_panics_in_drop", || {
        for pool in [pool(1), builder(2).panic_handler(|_| ()).build().unwrap()] {
            let held = hold(&pool);
            for _ in 0..10 {
                drop(pool.spawn(|| Bomb));
            }
            held.release();
            assert_whole(&pool);
            pool.install(|| drop(heist::spawn(|| Bomb)));
            assert_whole(&pool);
            pool.shutdown();
        }
    });
}

#[test]
fn a_worker_survives_a_detached_payload_that_panics_in_drop() {
    alone("drops::a_worker_survives_a_detached_payload_that_panics_in_drop", || {
        for pool in [pool(1), builder(2).panic_handler(drop).build().unwrap()] {
            let held = hold(&pool);
            for _ in 0..10 {
                drop(pool.spawn(|| panic::resume_unwind(Box::new(Bomb))));
            }
            held.release();
            assert_whole(&pool);
            pool.shutdown();
        }
    });
}

#[test]
fn a_task_whose_captures_panic_in_drop_ends() {
    alone("drops::a_task_whose_captures_panic_in_drop_ends", || {
        let pool = pool(1);
        let bomb = Bomb;
        let error = pool.spawn(move || drop(bomb)).join().unwrap_err();
        assert!(error.is_panic());
        let bomb = Bomb;
        // Both at once: the closure panics, and unwinding drops what it captured
        // afterwards, when no panic is under way any more.
        let task = pool.spawn(move || {
            let _caught = catch_unwind(AssertUnwindSafe(|| drop(bomb)));
            panic!("after the bomb")
        });
        assert!(task.join().unwrap_err().is_panic());
        assert_whole(&pool);
    });
}

#[test]
fn cancelling_survives_captures_that_panic_in_drop() {
    alone("drops::cancelling_survives_captures_that_panic_in_drop", || {
        let pool = pool(1);
        let held = hold(&pool);
        let bomb = Bomb;
        let handle = pool.spawn(move || drop(bomb));
        let _raised = catch_unwind(AssertUnwindSafe(|| handle.cancel()));
        assert!(handle.is_finished());
        assert!(handle.join().unwrap_err().is_cancelled());
        held.release();
        assert_whole(&pool);
        pool.shutdown();
    });
}

#[test]
fn cancelling_a_future_in_its_last_poll_survives_an_output_that_panics_in_drop() {
    alone(
        "drops::cancelling_a_future_in_its_last_poll_survives_an_output_that_panics_in_drop",
        || {
            let pool = pool(1);
            let (polled, gate, dropped) = (Gate::shared(), Gate::shared(), Count::shared());
            let (poll, pass, token) = (polled.clone(), gate.clone(), Token(dropped.clone()));
            let future = pool.spawn_future(async move {
                poll.open();
                pass.pass();
                (token, Bomb)
            });
            polled.pass();
            assert!(future.cancel());
            gate.open();
            assert_whole(&pool);
            assert_eq!(dropped.get(), 1, "nobody will hear of it");
            drop(future);
            assert_whole(&pool);
        },
    );
}

#[test]
fn shutdown_now_survives_captures_that_panic_in_drop() {
    alone("drops::shutdown_now_survives_captures_that_panic_in_drop", || {
        let pool = pool(1);
        let held = hold(&pool);
        let handles: Vec<_> = (0..5)
            .map(|_| {
                let bomb = Bomb;
                pool.spawn(move || drop(bomb))
            })
            .collect();
        let stopper = std::thread::spawn(move || pool.shutdown_now());
        for handle in handles {
            assert!(handle.join().unwrap_err().is_cancelled());
        }
        held.release();
        assert_eq!(stopper.join().expect("the panics are contained"), 5);
    });
}

#[test]
fn a_refused_closure_is_never_dropped_by_the_pool() {
    alone("drops::a_refused_closure_is_never_dropped_by_the_pool", || {
        let pool = builder(1).injector_capacity(1).build().unwrap();
        let held = hold(&pool);
        drop(pool.spawn(|| ()));
        let bomb = Bomb;
        let refused = pool.try_spawn(move || std::mem::forget(bomb)).unwrap_err();
        refused.into_inner()();
        held.release();
        assert_whole(&pool);
    });
}

#[test]
fn a_pool_dropped_while_its_owner_unwinds_finishes_its_work() {
    alone("drops::a_pool_dropped_while_its_owner_unwinds_finishes_its_work", || {
        let ran = Count::shared();
        let said = message(|| {
            let pool: ThreadPool = pool(2);
            for _ in 0..1000 {
                let token = Token(ran.clone());
                drop(pool.spawn(move || {
                    drop(token);
                    panic::resume_unwind(Box::new(()));
                }));
            }
            panic!("with a pool in hand");
        });
        assert_eq!((said.as_str(), ran.get()), ("with a pool in hand", 1000));
    });
}

#[test]
fn a_panic_in_the_last_poll_of_a_cancelled_future_is_told_to_the_handler() {
    within_a_minute(|| {
        let heard = Count::shared();
        let hear = heard.clone();
        let pool = builder(1).panic_handler(move |_| hear.add()).build().unwrap();
        let (polled, gate) = (Gate::shared(), Gate::shared());
        let (poll, pass) = (polled.clone(), gate.clone());
        let future = pool.spawn_future(async move {
            poll.open();
            pass.pass();
            panic!("nobody has the handle");
        });
        polled.pass();
        assert!(future.cancel());
        gate.open();
        assert_whole(&pool);
        assert_eq!(heard.get(), 1);
    });
}
