//! Whole pools, small enough for Miri. Under it each test runs on many schedules;
//! without it they are tests like any other.

#[path = "miri/beside.rs"]
mod beside;

use std::cell::Cell;
use std::future::Future;
use std::panic::{self, AssertUnwindSafe};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use heist::{CancellationToken, ThreadPool, ThreadPoolBuilder};

fn builder(workers: usize) -> ThreadPoolBuilder {
    // Miri's clock goes by what it has interpreted: a spin is a long time.
    let builder = ThreadPool::builder().num_threads(workers).max_guests(1);
    builder.idle_spin(Duration::ZERO).door_patience(None).max_stand_ins(0).injector_capacity(2)
}

fn pool(workers: usize) -> ThreadPool {
    builder(workers).build().expect("a pool")
}

/// Adds one to a count when it is dropped.
struct Token(Arc<AtomicUsize>);

impl Drop for Token {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_pool_is_built_and_dropped() {
    drop(pool(2));
}

#[test]
fn a_guest_joins_and_borrows() {
    let pool = pool(1);
    let mut halves = [Box::new(1), Box::new(2)];
    let [left, right] = &mut halves;
    pool.join(|| **left += 1, || **right += 1);
    assert_eq!(halves, [Box::new(2), Box::new(3)]);
}

#[test]
fn guests_take_seats_in_turns() {
    let pool = builder(1).max_guests(2).build().expect("a pool");
    thread::scope(|outside| {
        for _ in 0..3 {
            outside.spawn(|| {
                for _ in 0..3 {
                    let (a, b) = pool.join(|| Box::new(1), || Box::new(2));
                    assert_eq!(*a + *b, 3);
                }
            });
        }
    });
}

#[test]
fn workers_join_trees() {
    fn tree(pool: &ThreadPool, height: u32) -> Box<u32> {
        if height == 0 {
            return Box::new(1);
        }
        let (a, b) = pool.join(|| tree(pool, height - 1), || tree(pool, height - 1));
        Box::new(*a + *b)
    }
    let pool = pool(2);
    assert_eq!(*pool.install(|| tree(&pool, 3)), 8);
}

#[test]
fn a_stolen_panic_comes_home() {
    let pool = pool(1);
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| {
        pool.join(|| (), || panic::resume_unwind(Box::new("b")));
    }));
    assert_eq!(outcome.unwrap_err().downcast_ref(), Some(&"b"));
}

#[test]
fn a_scope_borrows_what_it_outlives() {
    let pool = pool(2);
    let mut numbers = [1, 2, 3];
    pool.scope(|scope| {
        for number in &mut numbers {
            scope.spawn(move |scope| {
                *number += 1;
                scope.spawn(|_| *number *= 2);
            });
        }
    });
    assert_eq!(numbers, [4, 6, 8]);
}

#[test]
fn loops_write_and_map() {
    let pool = pool(1);
    let mut numbers = [1, 2, 3, 4];
    pool.for_each_mut(&mut numbers, |_, number| *number += 1);
    let texts = pool.map(&numbers, |number| number.to_string());
    assert_eq!(texts, ["2", "3", "4", "5"]);
}

#[test]
fn tasks_are_joined_in_any_order() {
    let pool = pool(2);
    let handles: Vec<_> = (0..4).map(|n| pool.spawn(move || Box::new(n))).collect();
    for (n, handle) in (0..4).zip(handles).rev() {
        assert_eq!(handle.join().unwrap(), Box::new(n));
    }
}

#[test]
fn a_task_joins_its_own_tasks_on_one_worker() {
    let pool = Arc::new(pool(1));
    let inner = Arc::clone(&pool);
    let outer = pool.spawn(move || {
        let handles = [1, 2, 3].map(|n| inner.spawn(move || n));
        handles.into_iter().map(|handle| handle.join().unwrap()).sum::<i32>()
    });
    assert_eq!(outer.join().unwrap(), 6);
}

#[test]
fn each_task_is_run_or_cancelled_and_dropped_once() {
    let drops = Arc::new(AtomicUsize::new(0));
    let pool = pool(1);
    let handles = [(); 3].map(|()| {
        let token = Token(Arc::clone(&drops));
        pool.spawn(move || token)
    });
    for handle in handles {
        let cancelled = handle.cancel();
        assert_eq!(handle.join().is_err(), cancelled);
    }
    assert_eq!(drops.load(Ordering::Relaxed), 3);
    let counts = pool.metrics();
    drop(pool);
    assert_eq!(counts.tasks_spawned(), 3);
}

#[test]
fn a_pool_that_ends_runs_what_it_accepted() {
    let drops = Arc::new(AtomicUsize::new(0));
    let pool = pool(1);
    for _ in 0..3 {
        let token = Token(Arc::clone(&drops));
        drop(pool.spawn(move || drop(token)));
    }
    pool.shutdown();
    assert_eq!(drops.load(Ordering::Relaxed), 3);
}

#[test]
fn what_is_not_run_is_dropped_and_its_handle_says_so() {
    let drops = Arc::new(AtomicUsize::new(0));
    let pool = pool(1);
    let handles = [(); 2].map(|()| {
        let token = Token(Arc::clone(&drops));
        pool.spawn(move || drop(token))
    });
    pool.shutdown_now();
    assert_eq!(drops.load(Ordering::Relaxed), 2);
    for handle in handles {
        assert!(handle.is_finished());
        let _ = handle.join();
    }
}

#[test]
fn a_handle_is_awaited() {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let pool = pool(1);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut handle = pin!(pool.spawn(|| String::from("awaited")));
    let result = loop {
        match handle.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(result) => break result,
            Poll::Pending => thread::park(),
        }
    };
    assert_eq!(result.unwrap(), "awaited");
}

#[test]
fn handles_outlive_their_pool() {
    let pool = pool(2);
    let handles = [1, 2].map(|n| pool.spawn(move || Box::new(n)));
    drop(pool);
    assert_eq!(handles.map(|handle| *handle.join().unwrap()), [1, 2]);
}

#[test]
fn every_worker_hears_a_broadcast() {
    thread_local! {
        static HEARD: Cell<usize> = const { Cell::new(0) };
    }
    let pool = pool(2);
    let heard = pool.broadcast(|at| (at.index(), HEARD.replace(1)));
    assert_eq!(heard, [(0, 0), (1, 0)]);
}

#[test]
fn without_a_seat_a_closure_is_lent_to_a_worker() {
    let pool = builder(1).max_guests(0).build().expect("a pool");
    let mut text = String::from("lent");
    let (len, ()) = pool.join(|| 4, || text.push('!'));
    assert_eq!((len, text.as_str()), (4, "lent!"));
}

#[test]
fn two_pools_call_each_other() {
    let (one, other) = (pool(1), pool(1));
    let number = one.install(|| other.install(|| one.join(|| 1, || 2)));
    assert_eq!(number, (1, 2));
}

#[test]
fn a_full_lane_takes_in_what_comes_from_two_threads() {
    let pool = pool(1);
    let sum = thread::scope(|threads| {
        let spawn = || [1, 2, 3].map(|n| pool.spawn(move || n));
        let others = threads.spawn(spawn);
        let ours = spawn();
        let all = others.join().unwrap().into_iter().chain(ours);
        all.map(|handle| handle.join().unwrap()).sum::<i32>()
    });
    assert_eq!(sum, 12);
}

#[test]
fn a_bulkhead_lets_one_in_after_the_other() {
    let pool = pool(2);
    let class = pool.bulkhead("class").limit(1).queue(3).build().expect("a bulkhead");
    let dropped = Arc::new(AtomicUsize::new(0));
    let tasks = [1, 2, 3].map(|n| {
        let token = Token(dropped.clone());
        class.spawn(move || (Box::new(n), drop(token)).0)
    });
    tasks[2].cancel();
    let own = class.clone();
    assert_eq!(pool.install(move || *own.spawn(|| Box::new(4)).join().unwrap()), 4);
    let [first, second, _] = tasks;
    assert_eq!((*first.join().unwrap(), *second.join().unwrap()), (1, 2));
    drop(pool);
    assert_eq!(dropped.load(Ordering::Relaxed), 3);
}

#[test]
fn tasks_of_a_key_run_in_their_order() {
    let pool = pool(2);
    let log = Arc::new(std::sync::Mutex::new(Vec::new()));
    for n in 0..3 {
        let log = log.clone();
        drop(pool.spawn_keyed("key", move || log.lock().unwrap().push(Box::new(n))));
    }
    pool.install(|| pool.spawn_keyed("key", || ()).join().unwrap());
    assert!(log.lock().unwrap().iter().map(|n| **n).eq(0..3));
}

#[test]
fn a_future_is_woken_cancelled_and_dropped() {
    let pool = pool(2);
    let dropped = Arc::new(AtomicUsize::new(0));
    let (first, token) = (pool.spawn(|| Box::new(1)), Token(dropped.clone()));
    let second = pool.spawn_future(async move { *first.await.unwrap() + 1 });
    let never = pool.spawn_future(async move {
        let _token = token;
        std::future::pending::<()>().await;
    });
    assert_eq!(second.join().unwrap(), 2);
    assert!(never.cancel());
    drop(pool);
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
}

#[test]
fn handles_of_a_scope_are_joined_dropped_and_kept() {
    let pool = pool(2);
    let dropped = Arc::new(AtomicUsize::new(0));
    let texts = [1, 2, 3].map(|n| n.to_string());
    let mut kept = None;
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| {
        pool.scope(|scope| {
            let [first, second, third] = &texts;
            let first = scope.spawn_handle(move |_| first);
            let both = scope.spawn_handle(move |_| (first.join().unwrap(), second));
            let token = Token(dropped.clone());
            drop(scope.spawn_handle(move |_| token));
            kept = Some(scope.spawn_handle(move |_| third));
            let panics = scope.spawn_handle(|_| panic::resume_unwind(Box::new("joined")));
            let _: Result<(), _> = panics.join();
            drop(scope.spawn_handle(|_| panic::resume_unwind(Box::new("not joined"))));
            assert_eq!(both.join().unwrap(), (&texts[0], &texts[1]));
        });
    }));
    assert_eq!(outcome.unwrap_err().downcast_ref(), Some(&"not joined"));
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
    assert_eq!(kept.unwrap().join().unwrap(), "3");
}

#[test]
fn a_scope_without_a_seat_has_its_body_in_place() {
    let pool = builder(2).max_guests(0).build().expect("a pool");
    let (calls, mut numbers) = (Cell::new(0), [1, 2, 3]);
    pool.in_place_scope(|scope| {
        for number in &mut numbers {
            calls.set(calls.get() + 1);
            scope.spawn(move |scope| scope.spawn(|_| *number += 1));
        }
        assert_eq!(*scope.spawn_handle(|_| Box::new(7)).join().unwrap(), 7);
    });
    assert_eq!((calls.get(), numbers), (3, [2, 3, 4]));
}

#[test]
fn a_stand_in_works_while_the_worker_blocks() {
    let pool = builder(1).max_stand_ins(1).build().expect("a pool");
    let (say, heard) = mpsc::channel();
    let waits = pool.spawn(move || heist::blocking(|| heard.recv()));
    pool.spawn(move || say.send(Box::new(7))).join().unwrap().unwrap();
    assert_eq!(waits.join().unwrap(), Ok(Box::new(7)));
}

#[test]
fn a_lock_is_held_across_a_join_in_a_section() {
    let pool = pool(2);
    let lock = Mutex::new(Box::new(0));
    pool.scope(|s| {
        for _ in 0..3 {
            s.spawn(|_| {
                heist::isolated(|| {
                    let mut held = lock.lock().unwrap();
                    let (a, b) = heist::join(|| Box::new(1), || Box::new(2));
                    **held += *a + *b;
                });
            });
        }
    });
    assert_eq!(**lock.lock().unwrap(), 9);
}

#[test]
fn tokens_deadlines_and_time_outs_end_tasks() {
    let pool = pool(1);
    let token = CancellationToken::new();
    let waits = pool.task().cancel_token(&token).spawn(|| {
        while !heist::is_cancelled() {
            thread::yield_now();
        }
    });
    let late = pool.task().deadline(Instant::now()).spawn(|| Box::new(1));
    token.cancel();
    waits.join().unwrap_or_else(|error| assert!(error.is_cancelled()));
    assert!(late.join().unwrap_err().is_deadline());
    let overruns = pool.task().timeout(Duration::from_micros(1)).spawn(|| {
        while !heist::is_cancelled() {
            thread::yield_now();
        }
        Box::new(2)
    });
    assert!(overruns.join().unwrap_err().is_timeout());
}

#[test]
fn a_pool_changes_its_size_at_work() {
    let pool = pool(2);
    let tasks = [1, 2, 1].map(|active| {
        pool.set_active_threads(active).expect("in range");
        pool.spawn(move || Box::new(active))
    });
    assert_eq!(tasks.map(|task| *task.join().unwrap()), [1, 2, 1]);
}
