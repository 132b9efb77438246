//! What the types promise to the compiler and to error handling.

use std::error::Error;
use std::panic::{RefUnwindSafe, UnwindSafe};

use heist::{
    BroadcastContext, BuildError, Bulkhead, CancellationToken, JoinError, JoinHandle, Metrics,
    Priority, Scope, ScopedJoinHandle, ShutdownTimeout, ThreadBuilder, ThreadPool, TrySpawnError,
};

use crate::support::{pool, until, within_a_minute};

#[test]
fn what_threads_share_is_send_and_sync() {
    fn send<T: Send>() {}
    fn send_and_sync<T: Send + Sync>() {}
    send_and_sync::<ThreadPool>();
    send_and_sync::<JoinHandle<u32>>();
    // The result of a task need not be Sync: one thread gets it.
    send_and_sync::<JoinHandle<std::cell::Cell<u32>>>();
    send_and_sync::<Scope<'_>>();
    send_and_sync::<Metrics>();
    send_and_sync::<Priority>();
    send_and_sync::<BroadcastContext>();
    send::<ThreadBuilder>();
}

#[test]
fn what_panics_leave_whole_goes_into_catch_unwind() {
    fn safe<T: UnwindSafe + RefUnwindSafe>() {}
    safe::<ThreadPool>();
    safe::<Bulkhead>();
    safe::<JoinHandle<std::cell::Cell<u32>>>();
    safe::<ScopedJoinHandle<'_, u32>>();
    safe::<CancellationToken>();
    safe::<Metrics>();
}

#[test]
fn errors_fit_into_a_box_that_crosses_threads() {
    fn fits<E: Error + Send + Sync + 'static>() {}
    fits::<BuildError>();
    fits::<ShutdownTimeout>();
    fits::<TrySpawnError<fn()>>();
    // Although the payload of a panic need not be Sync.
    fits::<JoinError>();
}

#[test]
fn errors_speak_in_one_lower_case_sentence() {
    within_a_minute(|| {
        let pool = pool(1);
        let panicked = pool.spawn(|| panic!("out of cheese")).join().unwrap_err().to_string();
        pool.close();
        let closed = pool.try_spawn(|| ()).unwrap_err().to_string();
        let cancelled = pool.spawn(|| ()).join().unwrap_err().to_string();
        let zero = ThreadPool::builder().num_threads(0).build().unwrap_err().to_string();
        for said in [panicked, closed, cancelled, zero] {
            let first = said.chars().next().expect("an error says something");
            assert!(!first.is_uppercase() && !said.ends_with('.'), "{said:?}");
        }
    });
}

#[test]
fn a_handle_needs_no_pinning() {
    fn unpin<T: Unpin>() {}
    unpin::<JoinHandle<std::marker::PhantomPinned>>();
}

#[test]
fn a_result_may_be_anything_that_is_send() {
    within_a_minute(|| {
        let pool = pool(1);
        let cell = pool.spawn(|| std::cell::Cell::new(5)).join().unwrap();
        assert_eq!(cell.get(), 5);
        let inner = pool.spawn(|| heist::spawn(|| 6)).join().unwrap();
        assert_eq!(inner.join().unwrap(), 6);
        let closure = pool.spawn(|| || 7).join().unwrap();
        assert_eq!(closure(), 7);
    });
}

#[test]
fn whatever_is_public_says_what_it_is_when_it_is_debugged() {
    within_a_minute(|| {
        let pool = pool(2);
        let class = pool.bulkhead("mail").limit(3).build().unwrap();
        let token = CancellationToken::new();
        #[track_caller]
        fn says(value: &dyn std::fmt::Debug, parts: &[&str]) {
            let text = format!("{value:?}");
            assert!(parts.iter().all(|part| text.contains(part)), "{text}");
        }
        says(&pool, &["ThreadPool", "num_threads: 2", "Open", "unfinished: 0"]);
        let builder = ThreadPool::builder().num_threads(7).max_guests(5);
        says(&builder, &["ThreadPoolBuilder", "Some(7)", "max_guests: 5"]);
        says(&class, &["Bulkhead", "mail", "3"]);
        says(&pool.bulkhead("post").limit(4), &["BulkheadBuilder", "post", "4"]);
        says(&pool.task().name("letter"), &["TaskBuilder", "letter"]);
        says(&class.task().name("letter"), &["BulkheadTaskBuilder", "letter"]);
        says(&token, &["CancellationToken", "is_cancelled: false"]);
        says(&token.cancelled(), &["Cancelled", "is_cancelled: false"]);
        let task = pool.task().name("stamp").spawn(|| panic!("on purpose"));
        until(|| task.is_finished());
        says(&task, &["JoinHandle", "stamp", "is_finished: true"]);
        says(&task.join().unwrap_err(), &["JoinError(", "stamp", "on purpose"]);
        pool.scope(|s| {
            says(s, &["Scope"]);
            let job = s.spawn_handle(|_| 5);
            says(&job, &["ScopedJoinHandle"]);
            assert_eq!(job.join().unwrap(), 5);
        });
        let info = pool.task().name("parcel").spawn(|| format!("{:?}", heist::current_task()));
        let info = info.join().unwrap();
        assert!(info.contains("TaskInfo") && info.contains("parcel"), "{info}");
    });
}
