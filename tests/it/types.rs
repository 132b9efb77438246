//! What the types promise to the compiler and to error handling.

use std::error::Error;

use heist::{
    BroadcastContext, BuildError, JoinError, JoinHandle, Metrics, Priority, Scope, ShutdownTimeout,
    ThreadBuilder, ThreadPool, TrySpawnError,
};

use crate::support::{pool, within_a_minute};

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
