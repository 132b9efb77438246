//! Destructors of closures that are dropped unrun, which wait for what the same thread has yet
//! to drop.

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use heist::{CancellationToken, JoinError, JoinHandle, Priority, ThreadPool};

use crate::support::{Gate, Held, builder, hold, within_a_minute};

/// Joins a task when it is dropped, and says how that went.
struct JoinOnDrop(Option<JoinHandle<()>>, mpsc::Sender<JoinError>);

impl Drop for JoinOnDrop {
    fn drop(&mut self) {
        let joined = self.0.take().map(JoinHandle::join);
        self.1.send(joined.unwrap().unwrap_err()).unwrap();
    }
}

/// A closure that must not run. Dropped, it joins `task`, and then lets the workers go.
fn joins(
    task: JoinHandle<()>,
    held: Held,
) -> (impl FnOnce() + Send + 'static, mpsc::Receiver<JoinError>) {
    let (say, said) = mpsc::channel();
    let owed = (JoinOnDrop(Some(task), say), held);
    let closure = move || {
        let _owed = owed;
        unreachable!("it is dropped unrun");
    };
    (closure, said)
}

fn one_worker() -> ThreadPool {
    builder(1).door_patience(None).build().unwrap()
}

/// A future that a worker has polled once, and that nobody wakes.
fn at_rest(
    spawn: impl FnOnce(Pin<Box<dyn Future<Output = ()> + Send>>) -> JoinHandle<()>,
) -> JoinHandle<()> {
    let polled = Gate::shared();
    let says = polled.clone();
    let task = spawn(Box::pin(async move {
        says.open();
        pending::<()>().await;
    }));
    polled.pass();
    task
}

/// Drops a closure that joins `task`, and then that.
fn shut_down_now(pool: ThreadPool, task: JoinHandle<()>, held: Held) {
    let (closure, said) = joins(task, held);
    drop(pool.task().priority(Priority::High).spawn(closure));
    assert_eq!(pool.shutdown_now(), 2);
    assert!(said.recv().unwrap().is_cancelled());
}

#[test]
fn a_closure_that_shutdown_now_drops_may_join_a_task_that_it_drops_later() {
    within_a_minute(|| {
        let spawns: [fn(&ThreadPool) -> JoinHandle<()>; 3] = [
            |pool| pool.task().priority(Priority::Low).spawn(|| ()),
            |pool| pool.spawn_keyed("key", || ()),
            |pool| pool.bulkhead("class").build().unwrap().spawn(|| ()),
        ];
        for spawn in spawns {
            let pool = one_worker();
            let held = hold(&pool);
            let task = spawn(&pool);
            shut_down_now(pool, task, held);
        }
    });
}

#[test]
fn a_closure_that_shutdown_now_drops_may_join_a_future_at_rest() {
    within_a_minute(|| {
        let pool = one_worker();
        let future = at_rest(|future| pool.spawn_future(future));
        let held = hold(&pool);
        shut_down_now(pool, future, held);
    });
}

#[test]
fn a_closure_that_a_token_drops_may_join_a_future_of_a_token_below() {
    within_a_minute(|| {
        let pool = one_worker();
        let token = CancellationToken::new();
        let below = token.child_token();
        let future = at_rest(|future| pool.task().cancel_token(&below).spawn_future(future));
        let (closure, said) = joins(future, hold(&pool));
        drop(pool.task().cancel_token(&token).spawn(closure));
        token.cancel();
        assert!(said.recv().unwrap().is_cancelled());
    });
}

/// Locks when it is dropped.
struct LockOnDrop(Arc<Mutex<()>>);

impl Drop for LockOnDrop {
    fn drop(&mut self) {
        drop(self.0.lock().unwrap());
    }
}

/// Passes a gate when it is dropped.
struct PassOnDrop(Arc<Gate>, Arc<Gate>);

impl Drop for PassOnDrop {
    fn drop(&mut self) {
        self.0.open();
        self.1.pass();
    }
}

#[test]
fn who_joins_a_task_that_another_thread_is_to_drop_may_hold_what_its_destructor_locks() {
    within_a_minute(|| {
        let pool = one_worker();
        let held = hold(&pool);
        let token = CancellationToken::new();
        let spawn =
            |closure: Box<dyn FnOnce() + Send>| pool.task().cancel_token(&token).spawn(closure);
        let (begun, gate, lock) = (Gate::shared(), Gate::shared(), Arc::new(Mutex::new(())));
        let joining = Gate::default();
        let first = PassOnDrop(begun.clone(), gate.clone());
        drop(spawn(Box::new(move || drop(first))));
        let locks = LockOnDrop(lock.clone());
        let second = spawn(Box::new(move || drop(locks)));
        thread::scope(|threads| {
            threads.spawn(|| token.cancel());
            begun.pass();
            // The token is cancelled, and its thread has yet to come to the second.
            threads.spawn(|| {
                let _locked = lock.lock().unwrap();
                joining.open();
                assert!(second.join().unwrap_err().is_cancelled());
            });
            joining.pass();
            (0..200).for_each(|_| thread::yield_now());
            gate.open();
        });
        drop(held);
    });
}
