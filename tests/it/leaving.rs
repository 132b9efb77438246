//! The end of a pool, and what its threads are still at when their tasks are done.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use heist::{BuildError, ThreadPool};

use crate::support::{Gate, builder, pool, until, within_a_minute};

/// What a detached task results in: its destructor says so, and waits.
struct Lingers(Sender<()>, Receiver<()>);

impl Drop for Lingers {
    fn drop(&mut self) {
        self.0.send(()).unwrap();
        let _ = self.1.recv();
    }
}

/// A pool of one worker, whose stand-in is in the destructor of a task's result, until what is
/// given back is dropped.
fn with_a_stand_in_that_lingers(pool: ThreadPool) -> (ThreadPool, Sender<()>) {
    let (inside, back) = (Gate::shared(), Gate::shared());
    let (arrive, pass) = (inside.clone(), back.clone());
    let away = pool.spawn(move || {
        heist::blocking(|| {
            arrive.open();
            pass.pass();
        });
    });
    inside.pass();
    let ((say, lingers), (open, gate)) = (channel(), channel());
    let detached = Gate::shared();
    let wait = detached.clone();
    drop(pool.spawn(move || {
        wait.pass();
        Lingers(say, gate)
    }));
    detached.open();
    lingers.recv().unwrap();
    back.open();
    away.join().unwrap();
    (pool, open)
}

#[test]
fn a_shutdown_with_a_time_waits_no_longer_for_a_stand_in_that_lingers() {
    within_a_minute(|| {
        let (pool, open) = with_a_stand_in_that_lingers(pool(1));
        // Long enough for the worker, which has nothing to do.
        let late = pool.shutdown_timeout(Duration::from_millis(200)).unwrap_err();
        assert_eq!(late.unfinished(), 0, "each task is done");
        drop(open);
    });
}

#[test]
fn a_shutdown_without_one_waits_for_it() {
    within_a_minute(|| {
        let (pool, open) = with_a_stand_in_that_lingers(pool(1));
        let (say, told) = channel::<()>();
        let ends = std::thread::spawn(move || {
            pool.shutdown();
            drop(say);
        });
        assert!(told.try_recv().is_err_and(|error| error == std::sync::mpsc::TryRecvError::Empty));
        drop(open);
        ends.join().unwrap();
    });
}

thread_local! {
    static AT_THE_END: RefCell<Option<AtTheEnd>> = const { RefCell::new(None) };
}

/// Calls what is in it when its thread has done all else.
struct AtTheEnd(Box<dyn Fn()>);

impl Drop for AtTheEnd {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[test]
fn a_worker_that_waits_for_anothers_stand_in_serves_its_own_pool() {
    within_a_minute(|| {
        let outer = Arc::new(pool(1));
        let (send, gate) = channel::<Sender<()>>();
        let gate = Arc::new(std::sync::Mutex::new(gate));
        let own = outer.clone();
        // The worker has left by then: only what waits for the stand-in is waited for.
        let exits = move |_| {
            let (own, gate) = (own.clone(), gate.clone());
            let open = move || {
                let gate = gate.clone();
                drop(own.spawn(move || drop(gate.lock().unwrap().recv())));
            };
            AT_THE_END.with(|end| *end.borrow_mut() = Some(AtTheEnd(Box::new(open))));
        };
        outer.install(|| {
            let inner = builder(1).exit_handler(exits).build().unwrap();
            let (inner, open) = with_a_stand_in_that_lingers(inner);
            send.send(open).unwrap();
            inner.shutdown();
        });
    });
}

/// The other thread cannot have such a name.
fn build_half(start: impl Fn(usize) + Send + Sync + 'static) -> Result<ThreadPool, BuildError> {
    let begun = Gate::shared();
    let begin = begun.clone();
    let name = move |index| {
        if index == 0 {
            return "fine".into();
        }
        begun.pass();
        "\0".into()
    };
    let start = move |index| {
        begin.open();
        start(index);
    };
    builder(2).start_handler(start).thread_name(name).build()
}

#[test]
fn a_build_that_fails_on_a_worker_of_another_pool_serves_that() {
    within_a_minute(|| {
        let outer = Arc::new(pool(1));
        let own = outer.clone();
        let error = outer.install(move || build_half(move |_| own.install(|| ())).unwrap_err());
        assert!(error.to_string().contains("name"), "{error}");
        until(|| Arc::strong_count(&outer) == 1);
    });
}
