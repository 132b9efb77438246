//! Threads that stop looking for work leave nothing behind that somebody waits for:
//! workers that go off duty, stand-ins whose place is taken again, threads that block.

use std::sync::Arc;

use heist::{ThreadPool, blocking};

use crate::support::{Count, Gate, assert_whole, pool, until, within_a_minute};

/// Runs `f` on this worker on top of two jobs that wait: so deep it takes what it waits
/// for, and nothing of strangers.
fn deep<R: Send + 'static>(f: impl FnOnce() -> R + Send + 'static) -> R {
    let inner = heist::spawn(|| {
        let task = heist::spawn(f);
        assert!(heist::yield_now().is_some());
        task
    });
    assert!(heist::yield_now().is_some());
    assert!(inner.is_finished(), "run by the yield");
    let task = inner.join().unwrap();
    assert!(task.is_finished(), "run by the yield inside");
    task.join().unwrap()
}

/// A pool of two workers, the second at rest.
fn half_a_pool() -> Arc<ThreadPool> {
    let pool = Arc::new(pool(2));
    pool.set_active_threads(1).unwrap();
    // Both have been here since.
    pool.broadcast(|_| ());
    pool
}

#[test]
fn a_scope_deep_in_waits_ends_although_a_worker_that_rests_has_its_job() {
    within_a_minute(|| {
        let pool = half_a_pool();
        for _ in 0..20 {
            let (home, ran) = (pool.clone(), Count::shared());
            let seen = ran.clone();
            let body = move || {
                home.set_active_threads(2).unwrap();
                let begun = Gate::default();
                heist::scope(|s| {
                    s.spawn(|s| {
                        assert_eq!(heist::current_thread_index(), Some(1));
                        home.set_active_threads(1).unwrap();
                        s.spawn(|_| seen.add());
                        begun.open();
                    });
                    begun.pass();
                });
            };
            pool.install(|| {
                assert_eq!(heist::current_thread_index(), Some(0));
                deep(body);
            });
            assert_eq!(ran.get(), 1);
        }
        assert_whole(&pool);
    });
}

#[test]
fn a_scope_deep_in_waits_ends_although_a_stand_in_that_leaves_has_its_job() {
    within_a_minute(|| {
        let pool = pool(1);
        for _ in 0..20 {
            let ran = Count::shared();
            let seen = ran.clone();
            let body = move || {
                let (begun, back) = (Gate::default(), Gate::default());
                heist::scope(|s| {
                    s.spawn(|s| {
                        begun.open();
                        back.pass();
                        // The worker is back, so this is one too many.
                        s.spawn(|_| seen.add());
                    });
                    blocking(|| begun.pass());
                    back.open();
                });
            };
            pool.install(|| deep(body));
            assert_eq!(ran.get(), 1);
        }
        assert_whole(&pool);
    });
}

#[test]
fn a_scope_deep_in_waits_ends_although_a_broadcast_left_its_job_with_a_worker_at_rest() {
    within_a_minute(|| {
        let pool = half_a_pool();
        let (home, ran) = (pool.clone(), Count::shared());
        let seen = ran.clone();
        let body = move || {
            heist::scope(|s| {
                home.broadcast(|at| {
                    if at.index() == 1 {
                        s.spawn(|_| seen.add());
                    }
                });
            });
        };
        pool.install(|| deep(body));
        assert_eq!(ran.get(), 1);
    });
}

#[test]
fn a_scope_in_a_section_ends_although_a_worker_that_rests_has_stolen_many_of_its_jobs() {
    within_a_minute(|| {
        const JOBS: usize = 100;
        let pool = half_a_pool();
        for _ in 0..20 {
            let ran = Count::shared();
            pool.install(|| {
                heist::isolated(|| {
                    heist::scope(|s| {
                        for _ in 0..JOBS {
                            s.spawn(|_| {
                                if heist::current_thread_index() == Some(1) {
                                    pool.set_active_threads(1).unwrap();
                                }
                                ran.add();
                            });
                        }
                        pool.set_active_threads(2).unwrap();
                        // One of half of them.
                        until(|| ran.get() > 0);
                    });
                });
            });
            assert_eq!(ran.get(), JOBS);
        }
        assert_whole(&pool);
    });
}

#[test]
fn what_is_forked_in_a_blocking_section_is_public_however_fine_the_forks_before_were() {
    fn fine(depth: usize) {
        if depth > 0 {
            heist::join(|| fine(depth - 1), || fine(depth - 1));
        }
    }
    within_a_minute(|| {
        let pool = pool(1);
        pool.install(|| {
            // Nobody is short of work: forks go private.
            fine(12);
            let gate = Gate::default();
            blocking(|| heist::join(|| gate.pass(), || gate.open()));
        });
        assert_whole(&pool);
    });
}
