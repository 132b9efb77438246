//! The global pool, each test in a process of its own.

use heist::ThreadPool;

use crate::support::{alone, assert_whole, builder, threads};

#[test]
fn no_thread_is_started_before_the_global_pool_is_used() {
    alone("global::no_thread_is_started_before_the_global_pool_is_used", || {
        let before = threads();
        let builder = ThreadPool::builder();
        assert_eq!(heist::current_thread_index(), None);
        assert!(heist::yield_now().is_none());
        let pool = builder.num_threads(2).build().unwrap();
        let both = pool.join(|| heist::join(|| 1, || 2), || heist::spawn(|| 3).join().unwrap());
        assert_eq!(both, ((1, 2), 3));
        pool.shutdown();
        crate::support::until(|| threads() == before);
        let workers = heist::global().num_threads();
        assert!(threads() >= before + workers);
    });
}

#[test]
fn outside_every_pool_the_free_functions_use_the_global_one() {
    alone("global::outside_every_pool_the_free_functions_use_the_global_one", || {
        let built = builder(3).thread_name(|index| format!("globe-{index}")).build_global();
        built.unwrap();
        assert_eq!(heist::join(|| 1, || 2), (1, 2));
        assert_eq!(heist::scope(|_| 3), 3);
        let name = heist::spawn(|| std::thread::current().name().map(str::to_owned));
        assert!(name.join().unwrap().unwrap().starts_with("globe-"));
        assert_eq!(heist::current_num_threads(), 3);
        assert_eq!(heist::global().num_threads(), 3);
        assert_eq!(heist::current_thread_index(), None);
        assert_whole(heist::global());
    });
}

#[test]
fn the_global_pool_is_built_once() {
    alone("global::the_global_pool_is_built_once", || {
        builder(2).build_global().unwrap();
        let before = threads();
        assert!(!builder(3).build_global().unwrap_err().to_string().is_empty());
        assert_eq!(threads(), before);
        assert_eq!(heist::global().num_threads(), 2);
    });
}

#[test]
fn a_global_pool_in_use_cannot_be_built_any_more() {
    alone("global::a_global_pool_in_use_cannot_be_built_any_more", || {
        let workers = heist::global().num_threads();
        assert!(builder(workers + 1).build_global().is_err());
        assert_eq!(heist::global().num_threads(), workers);
        assert_whole(heist::global());
    });
}

#[test]
fn a_global_pool_that_could_not_be_built_may_be_built_again() {
    alone("global::a_global_pool_that_could_not_be_built_may_be_built_again", || {
        assert!(builder(0).build_global().is_err());
        builder(2).build_global().unwrap();
        assert_eq!(heist::global().num_threads(), 2);
    });
}

#[test]
fn first_uses_at_once_share_one_global_pool() {
    alone("global::first_uses_at_once_share_one_global_pool", || {
        let before = threads();
        let pools: Vec<usize> = std::thread::scope(|threads| {
            let users: Vec<_> = (0..8)
                .map(|_| threads.spawn(|| std::ptr::from_ref(heist::global()).addr()))
                .collect();
            users.into_iter().map(|user| user.join().unwrap()).collect()
        });
        assert!(pools.iter().all(|pool| *pool == pools[0]));
        crate::support::until(|| threads() == before + heist::global().num_threads());
    });
}
