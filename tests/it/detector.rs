//! `ThreadPoolBuilder::stall_handler`: what waits, or runs, for too long is told while
//! it does.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use heist::{Stall, StallCause, ThreadPool, ThreadPoolBuilder};

use crate::support::{Count, Gate, Log, builder, hold, hold_some, until, within_a_minute};

const SOON: Duration = Duration::from_millis(2);

/// A pool whose stalls are written down.
fn watched(threads: usize) -> (ThreadPoolBuilder, Log<Stall>) {
    let log = Log::new();
    let handler = log.clone();
    (builder(threads).stall_handler(SOON, move |stall| handler.write(stall.clone())), log)
}

/// The stalls of the task of that name.
fn of(log: &Log<Stall>, task: Option<&str>) -> Vec<Stall> {
    log.read().into_iter().filter(|stall| stall.task() == task).collect()
}

/// The stall with that cause, when it has been told.
fn by(log: &Log<Stall>, cause: &StallCause) -> Stall {
    let find = || log.read().into_iter().find(|stall| stall.cause() == cause);
    until(|| find().is_some());
    find().unwrap()
}

/// A thread that the system lets stand still has stalled, too: what is not to be told
/// is tried some times, and would be told each time.
#[track_caller]
fn not_always(told: impl Fn() -> bool) {
    assert!((0..20).any(|_| !told()));
}

#[test]
fn a_task_that_joins_another_for_too_long_is_told_with_both_names() {
    within_a_minute(|| {
        let (builder, log) = watched(2);
        let pool = Arc::new(builder.build().unwrap());
        let (started, gate) = (Gate::shared(), Gate::shared());
        let (open, pass, own) = (started.clone(), gate.clone(), pool.clone());
        let outer = pool.task().name("outer").spawn(move || {
            let inner = own.task().name(String::from("inner")).spawn(move || {
                open.open();
                pass.pass();
            });
            started.pass();
            inner.join().unwrap();
        });
        let stall = by(&log, &StallCause::Task(Some("inner".into())));
        assert_eq!(stall.task(), Some("outer"));
        assert!(stall.worker().unwrap() < 2 && stall.elapsed() >= SOON);
        let line = stall.to_string();
        assert!(line.starts_with("task `outer` on worker ") && line.ends_with("for task `inner`"));
        // What it waits for blocks its worker.
        until(|| !of(&log, Some("inner")).is_empty());
        gate.open();
        outer.join().unwrap();
        assert_eq!(*of(&log, Some("inner"))[0].cause(), StallCause::Running);
    });
}

#[test]
fn the_end_of_a_join_a_loop_a_scope_and_a_broadcast_is_told() {
    fn wait_with(verb: impl Fn(&ThreadPool, &Gate, &Gate) + Send + 'static, cause: StallCause) {
        let (builder, log) = watched(2);
        let pool = Arc::new(builder.build().unwrap());
        let (started, gate) = (Gate::shared(), Gate::shared());
        let (own, pass) = (pool.clone(), gate.clone());
        let task = pool.task().name("waits").spawn(move || verb(&own, &started, &pass));
        let stall = by(&log, &cause);
        assert_eq!(stall.task(), Some("waits"), "{cause}");
        assert!(stall.worker().is_some());
        gate.open();
        task.join().unwrap();
    }
    within_a_minute(|| {
        let hold = |started: &Gate, gate: &Gate| (started.open(), gate.pass()).1;
        let join = move |pool: &ThreadPool, started: &Gate, gate: &Gate| {
            pool.join(|| started.pass(), || hold(started, gate));
        };
        wait_with(join, StallCause::Join);
        let each = move |pool: &ThreadPool, started: &Gate, gate: &Gate| {
            pool.for_each(0..2, |half| if half == 0 { started.pass() } else { hold(started, gate) })
        };
        wait_with(each, StallCause::Join);
        let scope = move |pool: &ThreadPool, started: &Gate, gate: &Gate| {
            pool.scope(|s| {
                s.spawn(|_| hold(started, gate));
                started.pass();
            });
        };
        wait_with(scope, StallCause::Scope);
        let broadcast = move |pool: &ThreadPool, _: &Gate, gate: &Gate| {
            let here = heist::current_thread_index();
            pool.broadcast(|at| {
                if Some(at.index()) != here {
                    gate.pass()
                }
            });
        };
        wait_with(broadcast, StallCause::Broadcast);
    });
}

#[test]
fn threads_from_outside_that_wait_for_the_pool_are_told() {
    within_a_minute(|| {
        let (builder, log) = watched(1);
        let pool = builder.injector_capacity(1).build().unwrap();
        let held = hold(&pool);
        drop(pool.spawn(|| ()));
        std::thread::scope(|threads| {
            threads.spawn(|| drop(pool.spawn(|| ())));
            threads.spawn(|| pool.install(|| ()));
            for cause in [StallCause::Room, StallCause::Install] {
                let stall = by(&log, &cause);
                assert_eq!((stall.task(), stall.worker()), (None, None));
                assert!(stall.to_string().starts_with("an outside thread has waited "), "{stall}");
            }
            held.release();
        });
        // A guest, whose other half is held.
        let (started, gate) = (Gate::shared(), Gate::shared());
        std::thread::scope(|threads| {
            threads.spawn(|| pool.join(|| started.pass(), || (started.open(), gate.pass())));
            let stall = by(&log, &StallCause::Join);
            assert_eq!((stall.task(), stall.worker()), (None, None));
            assert!(stall.to_string().starts_with("a guest has waited "), "{stall}");
            gate.open();
        });
        let held = hold(&pool);
        std::thread::scope(|threads| {
            threads.spawn(|| pool.shutdown());
            by(&log, &StallCause::Shutdown);
            held.release();
        });
    });
}

#[test]
fn a_wait_for_another_pool_is_told_by_the_pool_whose_thread_waits() {
    within_a_minute(|| {
        let (home, log) = watched(1);
        let home = home.build().unwrap();
        let (abroad, heard) = watched(1);
        let abroad = Arc::new(abroad.injector_capacity(1).build().unwrap());
        let held = hold(&abroad);
        drop(abroad.spawn(|| ()));
        let own = abroad.clone();
        let task = home.task().name("brings").spawn(move || drop(own.spawn(|| ())));
        let stall = by(&log, &StallCause::Room);
        assert_eq!((stall.task(), stall.worker()), (Some("brings"), Some(0)));
        held.release();
        task.join().unwrap();
        assert!(of(&heard, Some("brings")).is_empty());
        assert!(heard.read().iter().all(|stall| *stall.cause() != StallCause::Room));
    });
}

#[test]
fn a_future_that_blocks_a_worker_is_told_and_one_that_awaits_is_not() {
    fn is_told() -> bool {
        let (builder, log) = watched(1);
        let pool = builder.build().unwrap();
        let polled = Gate::shared();
        let open = polled.clone();
        let waits = pool.task().name("awaits").spawn_future(async move {
            open.open();
            pending::<()>().await
        });
        polled.pass();
        let gate = Gate::shared();
        let pass = gate.clone();
        let blocks = pool.task().name("blocks").spawn_future(async move { pass.pass() });
        until(|| !of(&log, Some("blocks")).is_empty());
        gate.open();
        blocks.join().unwrap();
        // And while its worker is in a job that is not looked at.
        let (started, gate) = (Gate::shared(), Gate::shared());
        std::thread::scope(|threads| {
            threads.spawn(|| pool.join(|| started.pass(), || (started.open(), gate.pass())));
            by(&log, &StallCause::Join);
            gate.open();
        });
        assert!(waits.cancel());
        let [stall] = &of(&log, Some("blocks"))[..] else { panic!("told more than once") };
        assert_eq!((stall.cause(), stall.worker()), (&StallCause::Running, Some(0)));
        !of(&log, Some("awaits")).is_empty()
    }
    within_a_minute(|| not_always(is_told));
}

#[test]
fn a_blocking_section_is_not_told_and_what_comes_after_it_is() {
    fn is_told() -> bool {
        let (builder, log) = watched(2);
        let pool = builder.build().unwrap();
        let (inside, out, end) = (Gate::shared(), Gate::shared(), Gate::shared());
        let (enter, leave, pass) = (inside.clone(), out.clone(), end.clone());
        let section = pool.task().name("section").spawn(move || {
            heist::blocking(|| {
                enter.open();
                leave.pass();
            });
            pass.pass();
        });
        inside.pass();
        // Begun later, and told.
        let gate = Gate::shared();
        let pass = gate.clone();
        let other = pool.task().name("other").spawn(move || pass.pass());
        until(|| !of(&log, Some("other")).is_empty());
        let is_told = !of(&log, Some("section")).is_empty();
        out.open();
        until(|| !of(&log, Some("section")).is_empty());
        end.open();
        gate.open();
        assert!(section.join().is_ok() && other.join().is_ok());
        is_told
    }
    within_a_minute(|| not_always(is_told));
}

#[test]
fn a_wait_inside_a_blocking_section_is_told_of_its_task() {
    within_a_minute(|| {
        let (builder, log) = watched(2);
        let pool = Arc::new(builder.build().unwrap());
        let held = hold_some(&pool, 1);
        let own = pool.clone();
        let task = pool.task().name("sends").spawn(move || {
            heist::blocking(|| own.broadcast(|_| ()));
        });
        assert_eq!(by(&log, &StallCause::Broadcast).task(), Some("sends"));
        held.release();
        task.join().unwrap();
    });
}

#[test]
fn a_task_does_not_answer_for_what_it_lets_run_on_top_of_it() {
    fn is_told() -> bool {
        let (builder, log) = watched(1);
        let pool = Arc::new(builder.build().unwrap());
        let (started, gate) = (Gate::shared(), Gate::shared());
        let (own, open, pass) = (pool.clone(), started.clone(), gate.clone());
        let yields = pool.task().name("yields").spawn(move || {
            own.scope(|s| {
                s.spawn(|_| (open.open(), pass.pass()).1);
                heist::yield_now();
            });
        });
        started.pass();
        let is_told = std::thread::scope(|threads| {
            // Begun later, and told.
            threads.spawn(|| pool.install(|| ()));
            by(&log, &StallCause::Install);
            let is_told = !of(&log, Some("yields")).is_empty();
            gate.open();
            is_told
        });
        yields.join().unwrap();
        is_told
    }
    within_a_minute(|| not_always(is_told));
}

#[test]
fn a_stall_is_told_once_however_long_it_lasts() {
    within_a_minute(|| {
        let (builder, log) = watched(2);
        let pool = Arc::new(builder.build().unwrap());
        let (end, tops) = (Gate::shared(), [(); 3].map(|()| Gate::shared()));
        let (own, pass, gates) = (pool.clone(), end.clone(), tops.clone());
        let waits = pool.task().name("waits").spawn(move || {
            let started = Gate::shared();
            let open = started.clone();
            let other = own.task().name("other");
            let other = other.spawn(move || (open.open(), pass.pass()).1);
            started.pass();
            // Its thread runs these while it waits.
            for gate in gates {
                drop(own.task().name("on top").spawn(move || gate.pass()));
            }
            other.join().unwrap();
        });
        for (before, gate) in tops.iter().rev().enumerate() {
            until(|| of(&log, Some("on top")).len() > before);
            gate.open();
        }
        end.open();
        waits.join().unwrap();
        let stalls = of(&log, Some("waits"));
        let waits: Vec<_> =
            stalls.iter().filter(|stall| *stall.cause() != StallCause::Running).collect();
        assert_eq!((waits.len(), of(&log, Some("on top")).len()), (1, 3), "{stalls:?}");
        assert_eq!(of(&log, Some("other")).len(), 1);
    });
}

#[test]
fn a_wait_is_told_though_its_thread_runs_one_job_after_the_other() {
    within_a_minute(|| {
        let (builder, log) = watched(2);
        let pool = Arc::new(builder.build().unwrap());
        let (started, gate, ran) = (Gate::shared(), Gate::shared(), Count::shared());
        let (own, pass, count) = (pool.clone(), gate.clone(), ran.clone());
        let waits = pool.task().name("waits").spawn(move || {
            let open = started.clone();
            let other = own.spawn(move || (open.open(), pass.pass()).1);
            started.pass();
            // Somebody to help: it spawns itself anew.
            follow(&own, &count);
            other.join().unwrap();
        });
        let stall = by(&log, &StallCause::Task(None));
        assert_eq!(stall.task(), Some("waits"));
        let before = ran.get();
        until(|| ran.get() > before + 10);
        gate.open();
        waits.join().unwrap();
        pool.close();
    });
}

/// Spawns a task that spawns the next, until the pool is closed.
fn follow(pool: &Arc<ThreadPool>, ran: &Arc<Count>) {
    let (own, count) = (pool.clone(), ran.clone());
    drop(pool.try_spawn(move || {
        count.add();
        follow(&own, &count);
    }));
}
