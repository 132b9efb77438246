//! Building a pool: what is asked for is there, and what cannot be is refused.

use std::error::Error;
use std::hint::black_box;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use heist::{BuildError, ThreadPool};

use crate::support::{
    Count, Log, alone, assert_whole, builder, text, threads_named, until, within_a_minute,
};

/// An error that a person can act on: it names the field, what was given and
/// what would do.
#[track_caller]
fn assert_names(error: &BuildError, field: &str, value: &str, allowed: &str) {
    let said = error.to_string();
    for part in [field, value, allowed] {
        assert!(said.contains(part), "{part:?} is not in {said:?}");
    }
    assert!(!said.ends_with('.'), "{said:?}");
}

#[test]
fn zero_threads_are_an_error_that_says_what_is_allowed() {
    let error = ThreadPool::builder().num_threads(0).build().unwrap_err();
    assert_names(&error, "num_threads", "0", "1");
}

#[test]
fn a_lane_without_room_is_an_error_that_says_what_is_allowed() {
    let error = ThreadPool::builder().injector_capacity(0).build().unwrap_err();
    assert_names(&error, "injector_capacity", "0", "1");
}

#[test]
fn an_absurd_number_is_an_error_and_no_abort() {
    alone("build::an_absurd_number_is_an_error_and_no_abort", || {
        let error = ThreadPool::builder().num_threads(usize::MAX).build().unwrap_err();
        assert_names(&error, "num_threads", &usize::MAX.to_string(), "");
        let error = ThreadPool::builder().max_guests(usize::MAX).build().unwrap_err();
        assert_names(&error, "max_guests", &usize::MAX.to_string(), "");
        // These two cost nothing until they are used.
        if let Ok(pool) = builder(1).injector_capacity(usize::MAX).build() {
            assert_whole(&pool);
        }
        assert!(builder(1).stack_size(usize::MAX).build().is_err());
    });
}

#[test]
fn times_as_long_as_they_get_do_no_harm() {
    within_a_minute(|| {
        let builder = ThreadPool::builder().num_threads(2).door_patience(Some(Duration::MAX));
        assert_whole(&builder.idle_spin(Duration::MAX).build().unwrap());
        let builder =
            ThreadPool::builder().num_threads(2).door_patience(Some(Duration::from_nanos(1)));
        assert_whole(&builder.idle_spin(Duration::ZERO).build().unwrap());
    });
}

#[test]
fn a_pool_has_as_many_threads_as_were_asked_for() {
    within_a_minute(|| {
        for threads in [1, 2, 3, 8, 40] {
            let pool = builder(threads).build().unwrap();
            assert_eq!(pool.num_threads(), threads);
            assert_whole(&pool);
        }
    });
}

#[test]
fn a_pool_of_defaults_works() {
    within_a_minute(|| {
        let pool = ThreadPool::new().unwrap();
        assert!(pool.num_threads() >= 1);
        assert_whole(&pool);
    });
}

#[test]
fn workers_bear_the_names_they_were_given() {
    within_a_minute(|| {
        let pool = builder(3).thread_name(|index| format!("named-{index}")).build().unwrap();
        let names = pool.broadcast(|_| thread::current().name().map(str::to_owned));
        assert_eq!(names, ["named-0", "named-1", "named-2"].map(|name| Some(name.to_owned())));
    });
}

#[test]
fn workers_have_the_stack_they_were_given() {
    fn eat(kilobytes: usize) -> usize {
        let here = black_box([kilobytes as u8; 1024]);
        if kilobytes == 0 { 0 } else { eat(kilobytes - 1) + usize::from(here[7] == here[8]) }
    }
    within_a_minute(|| {
        let pool = builder(1).stack_size(64 << 20).build().unwrap();
        assert_eq!(pool.install(|| eat(20 << 10)), 20 << 10);
    });
}

#[test]
fn handlers_run_once_a_worker_and_the_last_before_shutdown_returns() {
    within_a_minute(|| {
        let (started, exited) = (Log::new(), Log::new());
        let (start, exit) = (started.clone(), exited.clone());
        let pool = builder(4)
            .start_handler(move |index| start.write(index))
            .exit_handler(move |index| exit.write(index))
            .build()
            .unwrap();
        pool.broadcast(|_| ());
        let mut indices = started.read();
        indices.sort();
        assert_eq!(indices, [0, 1, 2, 3]);
        assert_eq!(exited.read(), []);
        pool.shutdown();
        let mut indices = exited.read();
        indices.sort();
        assert_eq!(indices, [0, 1, 2, 3]);
    });
}

#[test]
fn panics_of_start_and_exit_handlers_go_to_the_panic_handler() {
    within_a_minute(|| {
        let heard = Log::new();
        let hear = heard.clone();
        let pool = builder(2)
            .start_handler(|index| panic!("start {index}"))
            .exit_handler(|index| panic!("exit {index}"))
            .panic_handler(move |payload| hear.write(text(&*payload)))
            .build()
            .unwrap();
        assert_whole(&pool);
        pool.shutdown();
        let mut heard = heard.read();
        heard.sort();
        assert_eq!(heard, ["exit 0", "exit 1", "start 0", "start 1"]);
    });
}

#[test]
fn a_worker_outlives_handlers_that_panic_unheard() {
    alone("build::a_worker_outlives_handlers_that_panic_unheard", || {
        let pool = builder(2)
            .start_handler(|_| panic!("start"))
            .exit_handler(|_| panic!("exit"))
            .build()
            .unwrap();
        assert_whole(&pool);
        pool.shutdown();
        let pool = builder(2)
            .start_handler(|_| panic!("start"))
            .exit_handler(|_| panic!("exit"))
            .panic_handler(|_| panic!("the panic handler, too"))
            .build()
            .unwrap();
        assert_whole(&pool);
        pool.shutdown();
    });
}

#[test]
fn a_spawn_handler_starts_the_threads_itself() {
    within_a_minute(|| {
        let threads = Arc::new(Mutex::new(Vec::new()));
        let (mine, log) = (threads.clone(), Log::new());
        let seen = log.clone();
        let pool = builder(3)
            .thread_name(|index| format!("mine-{index}"))
            .stack_size(1 << 20)
            .spawn_handler(move |worker| {
                seen.write((worker.index(), worker.name().map(str::to_owned), worker.stack_size()));
                mine.lock().unwrap().push(thread::Builder::new().spawn(move || worker.run())?);
                Ok(())
            })
            .build()
            .unwrap();
        assert_whole(&pool);
        let asked = |index| (index, Some(format!("mine-{index}")), Some(1 << 20));
        assert_eq!(log.read(), [asked(0), asked(1), asked(2)]);
        pool.shutdown();
        for thread in threads.lock().unwrap().drain(..) {
            thread.join().expect("run returns when the pool has shut down");
        }
    });
}

#[test]
fn a_thread_that_is_refused_is_told_and_the_others_are_stopped() {
    const THREADS: usize = 5;
    within_a_minute(|| {
        for refused in 0..THREADS {
            let [started, exited, running, ended] = [(); 4].map(|()| Count::shared());
            let (start, exit) = (started.clone(), exited.clone());
            let (run, end) = (running.clone(), ended.clone());
            let result = builder(THREADS)
                .start_handler(move |_| start.add())
                .exit_handler(move |_| exit.add())
                .spawn_handler(move |worker| {
                    if worker.index() == refused {
                        return Err(io::Error::other("the house is full"));
                    }
                    let (run, end) = (run.clone(), end.clone());
                    let body = move || {
                        run.add();
                        worker.run();
                        end.add();
                    };
                    thread::Builder::new().spawn(body).map(drop)
                })
                .build();
            let error = result.unwrap_err();
            let said = error.to_string();
            let named =
                [refused, refused + 1].iter().any(|which| said.contains(&which.to_string()));
            assert!(named && said.contains(&THREADS.to_string()), "{said:?} of {refused}");
            let source = error.source().map(ToString::to_string).unwrap_or_default();
            assert!(format!("{said} {source}").contains("the house is full"), "{said:?}");
            assert_eq!(started.get(), exited.get());
            assert!(started.get() <= refused);
            until(|| running.get() == refused && ended.get() == refused);
        }
    });
}

#[test]
fn a_thread_that_is_never_run_is_an_error_and_no_hang() {
    within_a_minute(|| {
        for forgotten in 0..3 {
            let started = Count::shared();
            let start = started.clone();
            let result = builder(3)
                .start_handler(move |_| start.add())
                .spawn_handler(move |worker| {
                    if worker.index() != forgotten {
                        thread::Builder::new().spawn(move || worker.run())?;
                    }
                    Ok(())
                })
                .build();
            assert!(result.is_err());
            assert!(started.get() < 3);
        }
    });
}

#[test]
fn a_thread_that_the_system_refuses_leaves_no_other_behind() {
    within_a_minute(|| {
        // No address space is this large.
        let builder = builder(3).thread_name(|index| format!("vast-{index}"));
        let error = builder.stack_size(1 << 60).build().unwrap_err();
        assert!(!error.to_string().is_empty());
        until(|| threads_named("vast-") == 0);
    });
}

#[test]
fn a_name_that_cannot_be_made_leaves_no_thread_behind() {
    within_a_minute(|| {
        for culprit in 0..3 {
            let builder = builder(3).thread_name(move |index| {
                assert!(index != culprit, "no name comes to mind");
                format!("anon-{index}")
            });
            let built = catch_unwind(AssertUnwindSafe(|| builder.build()));
            assert!(!matches!(built, Ok(Ok(_))), "a pool without all its names");
            drop(built);
            until(|| threads_named("anon-") == 0);
        }
    });
}

#[test]
fn a_name_with_a_nul_in_it_is_refused() {
    within_a_minute(|| {
        let name = |index| if index == 0 { "nul-0".into() } else { "nul\0".to_string() };
        let refused = builder(2).thread_name(name).build().unwrap_err();
        assert!(refused.is_config());
        let says = r#"thread_name is "nul\0", allowed is a name without a NUL character"#;
        assert_eq!(refused.to_string(), says);
        until(|| threads_named("nul-") == 0);
    });
}
