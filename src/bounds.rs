//! What must not compile, each for its own reason: a type that cannot cross threads,
//! or something borrowed for too short a time.
//!
//! Stable Rust only sees that each fails. That it fails with the error named here,
//! and not with a slip of the pen, is seen by a nightly one, or with:
//!
//! ```text
//! RUSTC_BOOTSTRAP=1 cargo test --doc bounds
//! ```

//!
//! `join`: `a` may be handed over:
//! ```compile_fail,E0277
//! # let pool = heist::ThreadPool::new().unwrap();
//! use std::rc::Rc;
//! let rc = Rc::new(1);
//! pool.join(|| *rc, || 2);
//! ```
//!
//! `join`: `b` may be stolen:
//! ```compile_fail,E0277
//! # let pool = heist::ThreadPool::new().unwrap();
//! use std::rc::Rc;
//! let rc = Rc::new(1);
//! pool.join(|| 1, || *rc);
//! ```
//!
//! `join`: so may its result:
//! ```compile_fail,E0277
//! # let pool = heist::ThreadPool::new().unwrap();
//! use std::rc::Rc;
//! pool.join(|| 1, || Rc::new(2));
//! ```
//!
//! `heist::join`: the same:
//! ```compile_fail,E0277
//! use std::rc::Rc;
//! let rc = Rc::new(1);
//! heist::join(|| 1, || *rc);
//! ```
//!
//! `heist::join`: the same of a result:
//! ```compile_fail,E0277
//! use std::rc::Rc;
//! heist::join(|| 1, || Rc::new(2));
//! ```
//!
//! `join`: both at once change nothing together:
//! ```compile_fail,E0499
//! # let pool = heist::ThreadPool::new().unwrap();
//! let mut n = 0;
//! pool.join(|| n += 1, || n += 2);
//! ```
//!
//! `join`: a result cannot borrow from a closure's own frame:
//! ```compile_fail,E0515
//! # let pool = heist::ThreadPool::new().unwrap();
//! pool.join(|| 1, || { let local = 2; &local });
//! ```
//!
//! `scope`: a job may be stolen:
//! ```compile_fail,E0277
//! # let pool = heist::ThreadPool::new().unwrap();
//! use std::rc::Rc;
//! let rc = Rc::new(1);
//! pool.scope(|s| s.spawn(move |_| drop(rc)));
//! ```
//!
//! `scope`: its body may be handed over:
//! ```compile_fail,E0277
//! # let pool = heist::ThreadPool::new().unwrap();
//! use std::rc::Rc;
//! let rc = Rc::new(1);
//! pool.scope(|_| drop(rc));
//! ```
//!
//! `scope`: so may its result:
//! ```compile_fail,E0277
//! # let pool = heist::ThreadPool::new().unwrap();
//! use std::rc::Rc;
//! pool.scope(|_| Rc::new(1));
//! ```
//!
//! `heist::scope`: the same:
//! ```compile_fail,E0277
//! use std::rc::Rc;
//! heist::scope(|_| Rc::new(1));
//! ```
//!
//! `scope`: a job does not borrow from the body, which ends before it:
//! ```compile_fail,E0373
//! # let pool = heist::ThreadPool::new().unwrap();
//! pool.scope(|s| { let local = 1; s.spawn(|_| drop(&local)); });
//! ```
//!
//! `scope`: nor from another job:
//! ```compile_fail,E0597
//! # let pool = heist::ThreadPool::new().unwrap();
//! pool.scope(|s| s.spawn(|s| { let local = 1; let l = &local; s.spawn(move |_| drop(l)); }));
//! ```
//!
//! `scope`: two jobs change nothing together:
//! ```compile_fail,E0499
//! # let pool = heist::ThreadPool::new().unwrap();
//! let mut n = 0;
//! pool.scope(|s| { s.spawn(|_| n += 1); s.spawn(|_| n += 2); });
//! ```
//!
//! `scope`: what a job changes is lent until the scope is over:
//! ```compile_fail,E0506
//! # let pool = heist::ThreadPool::new().unwrap();
//! let mut n = 0;
//! pool.scope(|s| { s.spawn(|_| n += 1); n = 2; });
//! ```
//!
//! `scope`: the scope stays inside:
//! ```compile_fail,E0521
//! # let pool = heist::ThreadPool::new().unwrap();
//! let mut kept = None;
//! pool.scope(|s| kept = Some(s));
//! ```
//!
//! `scope`: and is not copied:
//! ```compile_fail,E0308
//! # let pool = heist::ThreadPool::new().unwrap();
//! pool.scope(|s: &heist::Scope<'_>| { let _: heist::Scope<'_> = s.clone(); });
//! ```
//!
//! `Scope`: not for less long than it says:
//! ```compile_fail
//! fn shorter<'a, 'b: 'a>(s: &'a heist::Scope<'b>) -> &'a heist::Scope<'a> { s }
//! ```
//!
//! `Scope`: nor for longer:
//! ```compile_fail
//! fn longer<'a, 'b>(s: &'a heist::Scope<'b>) -> &'a heist::Scope<'static> { s }
//! ```
//!
//! `scope`: the pool stays meanwhile:
//! ```compile_fail,E0505
//! # let pool = heist::ThreadPool::new().unwrap();
//! pool.scope(|_| drop(pool));
//! ```
//!
//! `in_place_scope`: its jobs may be stolen:
//! ```compile_fail,E0277
//! # let pool = heist::ThreadPool::new().unwrap();
//! use std::rc::Rc;
//! let rc = Rc::new(1);
//! pool.in_place_scope(|s| s.spawn(move |_| drop(rc)));
//! ```
//!
//! `heist::in_place_scope`: the same, also with a handle:
//! ```compile_fail,E0277
//! use std::rc::Rc;
//! let rc = Rc::new(1);
//! heist::in_place_scope(|s| s.spawn_handle(move |_| *rc).join());
//! ```
//!
//! `spawn_handle`: the result comes from there:
//! ```compile_fail,E0277
//! # let pool = heist::ThreadPool::new().unwrap();
//! use std::rc::Rc;
//! pool.scope(|s| drop(s.spawn_handle(|_| Rc::new(1))));
//! ```
//!
//! `spawn_handle`: a handle that leaves the scope keeps borrowed what its job borrowed:
//! ```compile_fail,E0505
//! # let pool = heist::ThreadPool::new().unwrap();
//! let text = String::new();
//! let handle = pool.scope(|s| s.spawn_handle(|_| text.len()));
//! drop(text);
//! drop(handle);
//! ```
//!
//! `spawn_handle`: a joined job does not borrow from the body nevertheless:
//! ```compile_fail,E0373
//! # let pool = heist::ThreadPool::new().unwrap();
//! pool.scope(|s| { let local = 1; s.spawn_handle(|_| local + 1).join() }).unwrap();
//! ```
//!
//! `ScopedJoinHandle`: one result, taken once:
//! ```compile_fail,E0382
//! # let pool = heist::ThreadPool::new().unwrap();
//! pool.scope(|s| {
//!     let handle = s.spawn_handle(|_| 1);
//!     let _ = handle.join();
//!     let _ = handle.join();
//! });
//! ```
//!
//! `spawn`: a task owns what it needs:
//! ```compile_fail,E0373
//! # let pool = heist::ThreadPool::new().unwrap();
//! let local = 1;
//! pool.spawn(|| local + 1);
//! ```
//!
//! `spawn`: or borrows what stays for ever:
//! ```compile_fail,E0597
//! # let pool = heist::ThreadPool::new().unwrap();
//! let local = 1;
//! let l = &local;
//! pool.spawn(move || *l);
//! ```
//!
//! `spawn`: a task runs elsewhere:
//! ```compile_fail,E0277
//! # let pool = heist::ThreadPool::new().unwrap();
//! use std::rc::Rc;
//! let rc = Rc::new(1);
//! pool.spawn(move || *rc);
//! ```
//!
//! `spawn`: and its result comes from there:
//! ```compile_fail,E0277
//! # let pool = heist::ThreadPool::new().unwrap();
//! use std::rc::Rc;
//! pool.spawn(|| Rc::new(1));
//! ```
//!
//! `spawn`: a lock stays on the thread that holds it:
//! ```compile_fail,E0277
//! # let pool = heist::ThreadPool::new().unwrap();
//! static LOCK: std::sync::Mutex<()> = std::sync::Mutex::new(());
//! pool.spawn(|| LOCK.lock());
//! ```
//!
//! `heist::spawn`: the same:
//! ```compile_fail,E0373
//! let local = 1;
//! heist::spawn(|| local + 1);
//! ```
//!
//! `try_spawn`: the same:
//! ```compile_fail,E0277
//! # let pool = heist::ThreadPool::new().unwrap();
//! use std::rc::Rc;
//! let rc = Rc::new(1);
//! let _ = pool.try_spawn(move || *rc);
//! ```
//!
//! `spawn_timeout`: the same:
//! ```compile_fail,E0277
//! # let pool = heist::ThreadPool::new().unwrap();
//! use std::rc::Rc;
//! let rc = Rc::new(1);
//! let _ = pool.spawn_timeout(move || *rc, std::time::Duration::ZERO);
//! ```
//!
//! `spawn_async`: the same:
//! ```compile_fail,E0277
//! # let pool = heist::ThreadPool::new().unwrap();
//! use std::rc::Rc;
//! let rc = Rc::new(1);
//! let _ = pool.spawn_async(move || *rc);
//! ```
//!
//! `spawn_async`: the future does not outlive the pool:
//! ```compile_fail,E0505
//! # let pool = heist::ThreadPool::new().unwrap();
//! let future = pool.spawn_async(|| 1);
//! drop(pool);
//! drop(future);
//! ```
//!
//! `task`: neither does the builder:
//! ```compile_fail,E0505
//! # let pool = heist::ThreadPool::new().unwrap();
//! let task = pool.task();
//! drop(pool);
//! task.spawn(|| 1);
//! ```
//!
//! `task`: a task with options is a task:
//! ```compile_fail,E0277
//! # let pool = heist::ThreadPool::new().unwrap();
//! use std::rc::Rc;
//! let rc = Rc::new(1);
//! pool.task().name("a").spawn(move || *rc);
//! ```
//!
//! `JoinHandle`: one result, taken once:
//! ```compile_fail,E0382
//! # let pool = heist::ThreadPool::new().unwrap();
//! let handle = pool.spawn(|| 1);
//! let _ = handle.join();
//! let _ = handle.join();
//! ```
//!
//! `JoinHandle`: and by one owner:
//! ```compile_fail,E0599
//! # let pool = heist::ThreadPool::new().unwrap();
//! let handle = pool.spawn(|| 1);
//! let _ = handle.clone();
//! ```
//!
//! `install`: the closure runs elsewhere:
//! ```compile_fail,E0277
//! # let pool = heist::ThreadPool::new().unwrap();
//! use std::rc::Rc;
//! let rc = Rc::new(1);
//! pool.install(|| *rc);
//! ```
//!
//! `install`: and its result comes from there:
//! ```compile_fail,E0277
//! # let pool = heist::ThreadPool::new().unwrap();
//! use std::rc::Rc;
//! pool.install(|| Rc::new(1));
//! ```
//!
//! `broadcast`: all workers share the closure:
//! ```compile_fail,E0277
//! # let pool = heist::ThreadPool::new().unwrap();
//! let cell = std::cell::Cell::new(1);
//! pool.broadcast(|_| cell.set(2));
//! ```
//!
//! `broadcast`: and each sends a result:
//! ```compile_fail,E0277
//! # let pool = heist::ThreadPool::new().unwrap();
//! use std::rc::Rc;
//! pool.broadcast(|_| Rc::new(1));
//! ```
//!
//! `for_each`: all threads share the closure:
//! ```compile_fail,E0277
//! # let pool = heist::ThreadPool::new().unwrap();
//! let cell = std::cell::Cell::new(1);
//! pool.for_each(0..9, |n| cell.set(n));
//! ```
//!
//! `for_each`: which changes nothing by itself:
//! ```compile_fail,E0594
//! # let pool = heist::ThreadPool::new().unwrap();
//! let mut sum = 0;
//! pool.for_each(0..9, |n| sum += n);
//! ```
//!
//! `for_each_mut`: items go to other threads:
//! ```compile_fail,E0277
//! # let pool = heist::ThreadPool::new().unwrap();
//! use std::rc::Rc;
//! pool.for_each_mut(&mut [Rc::new(1)], |_, rc| drop(rc.clone()));
//! ```
//!
//! `for_each_chunk_mut`: the same:
//! ```compile_fail,E0277
//! # let pool = heist::ThreadPool::new().unwrap();
//! use std::rc::Rc;
//! pool.for_each_chunk_mut(&mut [Rc::new(1)], 1, |_, _| ());
//! ```
//!
//! `map`: threads share the items:
//! ```compile_fail,E0277
//! # let pool = heist::ThreadPool::new().unwrap();
//! pool.map(&[std::cell::Cell::new(1)], |cell| cell.replace(2));
//! ```
//!
//! `map`: and send results:
//! ```compile_fail,E0277
//! # let pool = heist::ThreadPool::new().unwrap();
//! use std::rc::Rc;
//! pool.map(&[1], |&n| Rc::new(n));
//! ```
//!
//! `map`: which borrow from items that stay:
//! ```compile_fail,E0505
//! # let pool = heist::ThreadPool::new().unwrap();
//! let items = vec![String::new()];
//! let parts = pool.map(&items, |item| item.as_str());
//! drop(items);
//! drop(parts);
//! ```
//!
//! `map_reduce`: threads share the items:
//! ```compile_fail,E0277
//! # let pool = heist::ThreadPool::new().unwrap();
//! pool.map_reduce(&[std::cell::Cell::new(1)], |cell| cell.get(), || 0, |a, b| a + b);
//! ```
//!
//! `map_reduce`: and send results:
//! ```compile_fail,E0277
//! # let pool = heist::ThreadPool::new().unwrap();
//! use std::rc::Rc;
//! pool.map_reduce(&[1], |&n| Rc::new(n), || Rc::new(0), |a, _| a);
//! ```
//!
//! Handlers: all threads share them:
//! ```compile_fail,E0277
//! use std::rc::Rc;
//! let rc = Rc::new(1);
//! heist::ThreadPool::builder().start_handler(move |_| drop(rc.clone()));
//! ```
