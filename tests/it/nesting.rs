//! Ten thousand waits on stacks of 256 KiB: what a thread runs while it waits does
//! not pile up there. Each test is a process of its own, since an overflow aborts.

use std::sync::{Arc, mpsc};

use heist::ThreadPool;

use crate::support::{
    Count, Gate, alone, builder, fall_asleep, hold, hold_some, parks, until, within_a_minute,
};

const STACK: usize = 256 << 10;

/// So many frames of strangers would not fit, however small they are.
const MANY: usize = 10_000;

fn pool(threads: usize) -> Arc<ThreadPool> {
    Arc::new(builder(threads).stack_size(STACK).injector_capacity(MANY).build().unwrap())
}

/// Waits for what comes within microseconds, ten thousand times.
fn soon(condition: impl Fn() -> bool) {
    while !condition() {
        std::thread::yield_now();
    }
}

/// Has member `index` of `pool` fallen asleep?
fn sleeps(pool: &ThreadPool, index: usize) -> bool {
    let metrics = pool.metrics();
    metrics.workers[index].parks > metrics.workers[index].wakes
}

/// What runs two closures, and waits for both.
#[derive(Clone, Copy)]
enum Verb {
    Join,
    Loop,
    Scope,
}

impl Verb {
    fn of(turn: usize) -> Verb {
        [Verb::Join, Verb::Loop, Verb::Scope][turn % 3]
    }

    fn run(self, pool: &ThreadPool, a: impl Fn() + Send + Sync, b: impl Fn() + Send + Sync) {
        match self {
            Verb::Join => drop(pool.join(a, b)),
            Verb::Loop => pool.for_each(0..2, |half| if half == 0 { a() } else { b() }),
            Verb::Scope => pool.scope(|s| {
                s.spawn(|_| b());
                a();
            }),
        }
    }
}

/// The worst that helping can do: somebody takes the second half before `next` spawns
/// a stranger, and holds it until that has begun, or the owner sleeps. Who helps
/// without a limit runs one stranger on top of the other, and never comes back.
fn wait_for_a_thief(verb: Verb, pool: &ThreadPool, begun: &Count, next: impl Fn() + Send + Sync) {
    begun.add();
    let here = begun.get();
    let (owner, taken) = (heist::current_thread_index().unwrap(), Count::default());
    let has_thieves = pool.num_threads() > 1;
    let first = || {
        soon(|| !has_thieves || taken.get() > 0);
        next();
    };
    let second = || {
        taken.add();
        soon(|| !has_thieves || begun.get() > here || here == MANY || sleeps(pool, owner));
    };
    verb.run(pool, first, second);
}

#[test]
fn tasks_whose_halves_are_stolen_do_not_pile_up_on_the_waiting_worker() {
    fn task(turn: usize, pool: &Arc<ThreadPool>, begun: &Arc<Count>) {
        wait_for_a_thief(Verb::of(turn), pool, begun, || {
            let (own, begun) = (pool.clone(), begun.clone());
            if turn < MANY {
                drop(pool.spawn(move || task(turn + 1, &own, &begun)));
            }
        });
    }
    alone("nesting::tasks_whose_halves_are_stolen_do_not_pile_up_on_the_waiting_worker", || {
        for threads in [1, 2, 4] {
            let (pool, begun) = (pool(threads), Count::shared());
            let (own, count) = (pool.clone(), begun.clone());
            drop(pool.spawn(move || task(1, &own, &count)));
            until(|| pool.metrics().tasks_completed() == MANY as u64);
            assert_eq!(begun.get(), MANY);
        }
    });
}

#[test]
fn jobs_of_a_scope_that_wait_do_not_pile_up_either() {
    alone("nesting::jobs_of_a_scope_that_wait_do_not_pile_up_either", || {
        for threads in [1, 2, 4] {
            let (pool, ran) = (pool(threads), Count::default());
            let job = |turn| Verb::of(turn).run(&pool, || ran.add(), || ran.add());
            pool.install(|| {
                pool.scope(|s| (0..MANY).for_each(|turn| s.spawn(move |_| job(turn))));
            });
            assert_eq!(ran.get(), 2 * MANY);
        }
    });
}

#[test]
fn tasks_of_whoever_took_a_half_do_not_pile_up_on_the_waiting_worker() {
    fn task(turn: usize, pool: &Arc<ThreadPool>, begun: &Arc<Count>) {
        begun.add();
        let (owner, taken) = (heist::current_thread_index().unwrap(), Count::default());
        let (own, count) = (pool.clone(), begun.clone());
        let second = || {
            taken.add();
            if turn < MANY {
                // The next one lies with the thief, where its victim looks for work.
                drop(pool.spawn(move || task(turn + 1, &own, &count)));
                soon(|| begun.get() > turn || sleeps(pool, owner));
            }
        };
        pool.join(|| soon(|| taken.get() > 0), second);
    }
    alone("nesting::tasks_of_whoever_took_a_half_do_not_pile_up_on_the_waiting_worker", || {
        for threads in [2, 4] {
            let (pool, begun) = (pool(threads), Count::shared());
            let (own, count) = (pool.clone(), begun.clone());
            drop(pool.spawn(move || task(1, &own, &count)));
            until(|| pool.metrics().tasks_completed() == MANY as u64);
        }
    });
}

#[test]
fn tasks_spawned_before_a_wait_for_another_pool_do_not_pile_up() {
    fn task(turn: usize, home: &Arc<ThreadPool>, abroad: &Arc<ThreadPool>, begun: &Arc<Count>) {
        begun.add();
        if turn < MANY {
            let (own, other, count) = (home.clone(), abroad.clone(), begun.clone());
            drop(home.spawn(move || task(turn + 1, &own, &other, &count)));
            abroad.install(|| soon(|| begun.get() > turn || sleeps(home, 0)));
        }
    }
    alone("nesting::tasks_spawned_before_a_wait_for_another_pool_do_not_pile_up", || {
        let (home, abroad, begun) = (pool(1), pool(1), Count::shared());
        let (own, other, count) = (home.clone(), abroad.clone(), begun.clone());
        drop(home.spawn(move || task(1, &own, &other, &count)));
        until(|| home.metrics().tasks_completed() == MANY as u64);
    });
}

/// A thread that did not would find it again and again, and never sleep.
#[test]
fn a_wait_for_a_scope_deep_in_waits_runs_what_its_own_thread_has_spawned() {
    within_a_minute(|| {
        let pool = pool(2);
        let held = hold_some(&pool, 1);
        let deep = move || {
            let (begun, end) = (Gate::shared(), Gate::shared());
            let ends = end.clone();
            held.release();
            heist::scope(|s| {
                s.spawn(|_| {
                    begun.open();
                    end.pass();
                });
                begun.pass();
                drop(heist::spawn(move || ends.open()));
            });
        };
        let first = pool.spawn(|| {
            drop(heist::spawn(|| {
                drop(heist::spawn(deep));
                heist::yield_now();
            }));
            heist::yield_now();
        });
        first.join().unwrap();
    });
}

/// What a job on top of a yield has spawned may be left with a thread that blocks.
#[test]
fn a_scope_opened_deep_in_waits_finds_its_jobs_wherever_they_lie() {
    within_a_minute(|| {
        let pool = pool(2);
        let (ready, begun) = (Gate::shared(), Count::shared());
        let (say, heard) = mpsc::channel();
        let (is_ready, has_begun) = (ready.clone(), begun.clone());
        let blocks = pool.spawn(move || {
            is_ready.pass();
            while has_begun.get() == 0 {
                heist::yield_now();
            }
            heard.recv().unwrap()
        });
        let deep = move || {
            heist::scope(|s| {
                s.spawn(|s| {
                    begun.add();
                    s.spawn(|_| ());
                });
                ready.open();
                soon(|| begun.get() > 0);
            });
            say.send("done").unwrap();
        };
        // As deep as a wait takes strangers' jobs, and deeper.
        drop(pool.spawn(|| {
            drop(heist::spawn(|| {
                drop(heist::spawn(deep));
                heist::yield_now();
            }));
            heist::yield_now();
        }));
        assert_eq!(blocks.join().unwrap(), "done");
    });
}

#[test]
fn tasks_that_wait_for_another_pool_do_not_pile_up() {
    alone("nesting::tasks_that_wait_for_another_pool_do_not_pile_up", || {
        let (home, abroad) = (pool(1), pool(1));
        let (begun, done) = (Count::shared(), Count::shared());
        let held = hold(&home);
        for _ in 0..MANY {
            let (home_too, abroad) = (home.clone(), abroad.clone());
            let (begun, done) = (begun.clone(), done.clone());
            drop(home.spawn(move || {
                begun.add();
                let here = begun.get();
                abroad.install(|| soon(|| begun.get() > here || sleeps(&home_too, 0)));
                done.add();
            }));
        }
        held.release();
        until(|| done.get() == MANY);
    });
}

#[test]
fn a_chain_of_ten_thousand_tasks_that_each_join_the_next_is_as_deep_as_it_is_long() {
    fn next(left: usize) -> usize {
        if left == 0 { 0 } else { 1 + heist::spawn(move || next(left - 1)).join().unwrap() }
    }
    alone(
        "nesting::a_chain_of_ten_thousand_tasks_that_each_join_the_next_is_as_deep_as_it_is_long",
        || {
            // Each waits for the next, and runs it in its place: so many frames by
            // its nature, each below a KiB without full optimisation.
            for threads in [1, 2, 4] {
                let pool = builder(threads).stack_size(32 << 20).build().unwrap();
                assert_eq!(pool.spawn(|| next(MANY)).join().unwrap(), MANY);
            }
        },
    );
}

/// A job that another pool keeps waiting until the next has begun, or the thread that
/// waits `sleeps`.
fn wait_abroad(abroad: &ThreadPool, begun: &Count, sleeps: impl Fn() -> bool + Sync) {
    begun.add();
    let here = begun.get();
    abroad.install(|| soon(|| begun.get() > here || sleeps()));
}

#[test]
fn jobs_of_a_scope_that_wait_for_another_pool_do_not_pile_up() {
    alone("nesting::jobs_of_a_scope_that_wait_for_another_pool_do_not_pile_up", || {
        let (home, abroad, begun) = (pool(1), pool(1), Count::default());
        let job = || wait_abroad(&abroad, &begun, || sleeps(&home, 0));
        home.broadcast(|_| home.scope(|s| (0..MANY).for_each(|_| s.spawn(|_| job()))));
        assert_eq!(begun.get(), MANY);
    });
}

#[test]
fn a_guests_jobs_that_wait_for_another_pool_do_not_pile_up() {
    alone("nesting::a_guests_jobs_that_wait_for_another_pool_do_not_pile_up", || {
        let (home, abroad, begun) = (pool(1), pool(1), Count::default());
        let held = hold(&home);
        let guest_sleeps = || {
            let guest = home.metrics().others;
            guest.parks > guest.wakes
        };
        let job = || wait_abroad(&abroad, &begun, guest_sleeps);
        home.scope(|s| (0..MANY).for_each(|_| s.spawn(|_| job())));
        held.release();
        assert_eq!(begun.get(), MANY);
    });
}

#[test]
fn jobs_from_outside_that_wait_for_another_pool_do_not_pile_up() {
    alone("nesting::jobs_from_outside_that_wait_for_another_pool_do_not_pile_up", || {
        for threads in [1, 2] {
            let home = builder(threads).stack_size(STACK).max_guests(0).build().unwrap();
            let (abroad, begun) = (pool(2), Count::default());
            let job = || {
                let worker = heist::current_thread_index().unwrap();
                wait_abroad(&abroad, &begun, || sleeps(&home, worker));
            };
            home.in_place_scope(|s| (0..MANY).for_each(|_| s.spawn(|_| job())));
            assert_eq!(begun.get(), MANY);
        }
    });
}

#[test]
fn workers_without_room_for_strays_do_not_wake_each_other_for_them() {
    alone("nesting::workers_without_room_for_strays_do_not_wake_each_other_for_them", || {
        let home = builder(2).stack_size(STACK).max_guests(0).build().unwrap();
        let (abroad, ran) = (pool(1), Count::default());
        let held = hold(&abroad);
        home.in_place_scope(|s| {
            (0..MANY).for_each(|_| s.spawn(|_| abroad.install(|| ran.add())));
            // Woken for the last time, they find nothing and stay asleep.
            until(|| {
                fall_asleep(&home);
                let before = parks(&home);
                (0..1000).for_each(|_| std::thread::yield_now());
                parks(&home) == before
            });
            held.release();
        });
        assert_eq!(ran.get(), MANY);
    });
}

#[test]
fn jobs_that_each_spawn_the_next_and_wait_for_a_stolen_half_do_not_pile_up() {
    fn link<'s>(s: &heist::Scope<'s>, turn: usize, pool: &'s ThreadPool, begun: &'s Count) {
        let next = move || {
            if turn < MANY {
                s.spawn(move |s| link(s, turn + 1, pool, begun));
            }
        };
        wait_for_a_thief(Verb::Join, pool, begun, next);
    }
    alone(
        "nesting::jobs_that_each_spawn_the_next_and_wait_for_a_stolen_half_do_not_pile_up",
        || {
            let (pool, begun) = (pool(2), Count::default());
            pool.install(|| pool.scope(|s| s.spawn(|s| link(s, 1, &pool, &begun))));
            assert_eq!(begun.get(), MANY);
        },
    );
}
