//! `install`: the closure runs on one of the pool's own threads.

use std::sync::Arc;
use std::thread;

use crate::blocking::block_all;
use crate::support::{
    Count, Token, assert_whole, builder, everywhere, message, pool, within_a_minute,
};

#[test]
fn the_closure_runs_on_a_worker() {
    within_a_minute(|| {
        everywhere(|pool| {
            let index = pool.install(heist::current_thread_index).expect("a worker's index");
            assert!(index < pool.num_threads());
            assert_eq!(pool.install(heist::current_num_threads), pool.num_threads());
        });
    });
}

#[test]
fn the_closure_may_borrow_and_its_result_comes_back() {
    within_a_minute(|| {
        everywhere(|pool| {
            let words = ["a".to_owned(), "b".to_owned()];
            let mut seen = 0;
            let last = pool.install(|| {
                seen = words.len();
                words.last()
            });
            assert_eq!((last.map(String::as_str), seen), (Some("b"), 2));
        });
    });
}

#[test]
fn a_guest_who_installs_goes_to_a_worker() {
    within_a_minute(|| {
        for threads in [1, 2] {
            let pool = pool(threads);
            let here = thread::current().id();
            pool.scope(|_| {
                assert_eq!(thread::current().id(), here);
                assert_eq!(heist::current_thread_index(), None);
                assert!(pool.install(heist::current_thread_index).is_some());
            });
        }
    });
}

#[test]
fn a_stand_in_installs_where_it_is() {
    within_a_minute(|| {
        let pool = Arc::new(pool(1));
        // The only worker is in a blocking section.
        let (gate, blocked) = block_all(&pool);
        let inner = pool.clone();
        let task = pool.spawn(move || {
            let here = || thread::current().id();
            inner.install(here) == here()
        });
        assert!(task.join().unwrap());
        gate.open();
        blocked.into_iter().for_each(|task| task.join().unwrap());
    });
}

#[test]
fn installs_nest_in_a_pool_of_one() {
    within_a_minute(|| {
        let pool = pool(1);
        assert_eq!(pool.install(|| pool.install(|| pool.install(|| 5))), 5);
    });
}

#[test]
fn a_panic_is_raised_in_the_caller() {
    within_a_minute(|| {
        everywhere(|pool| {
            assert_eq!(message(|| pool.install(|| panic!("installed"))), "installed");
            assert_whole(pool);
        });
    });
}

#[test]
fn the_result_is_the_callers_to_drop() {
    within_a_minute(|| {
        everywhere(|pool| {
            let dropped = Count::shared();
            let token = Token(dropped.clone());
            let token = pool.install(move || token);
            assert_eq!(dropped.get(), 0);
            drop(token);
            assert_eq!(dropped.get(), 1);
        });
    });
}

#[test]
fn many_threads_install_at_once() {
    within_a_minute(|| {
        let pool = pool(2);
        thread::scope(|threads| {
            for number in 0..16 {
                let pool = &pool;
                threads.spawn(move || {
                    for turn in 0..200 {
                        assert_eq!(pool.install(|| number * turn), number * turn);
                    }
                });
            }
        });
    });
}

#[test]
fn a_lent_closure_is_run_by_a_stand_in_while_all_workers_are_away() {
    within_a_minute(|| {
        for threads in [1, 2] {
            let pool = builder(threads).max_guests(0).build().unwrap();
            let (gate, blocked) = block_all(&pool);
            pool.install(|| gate.open());
            blocked.into_iter().for_each(|task| task.join().unwrap());
            assert_whole(&pool);
        }
    });
}
