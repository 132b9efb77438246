//! Memory that is refused, at every request in turn: the process aborts and says
//! why, as Rust's do, and until then nothing is lost or done twice.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use std::{mem, ptr, slice};

use heist::{CancellationToken, JoinHandle, ThreadPool};

use crate::allocator::{refuse_after, refuse_here_after, refuse_nothing};
use crate::process::{alone, assert_settled, fork, rounds};
use crate::support::{assert_whole, builder};

/// What the tasks of one process did, told to another: how often each ran.
struct Told(&'static [AtomicU32]);

impl Told {
    fn new(tasks: usize) -> Told {
        let bytes = tasks * mem::size_of::<AtomicU32>();
        let (prot, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANON);
        // SAFETY: fresh pages, shared with children by fork.
        let pages = unsafe { libc::mmap(ptr::null_mut(), bytes, prot, flags, -1, 0) };
        assert_ne!(pages, libc::MAP_FAILED);
        // SAFETY: zeros, and so many of them; never unmapped.
        Told(unsafe { slice::from_raw_parts(pages.cast(), tasks) })
    }

    fn runs(&self, task: usize) {
        self.0[task].fetch_add(1, Ordering::Relaxed);
    }

    fn counts(&self) -> Vec<u32> {
        self.0.iter().map(|count| count.swap(0, Ordering::Relaxed)).collect()
    }
}

/// In a child for each: the first request that `body` makes is refused, the second,
/// and so on, until it gets by with what is granted.
fn at_each_request(told: &Told, body: impl Fn(i64)) -> i64 {
    for granted in 0.. {
        let ended = fork(|| body(granted));
        let counts = told.counts();
        assert!(counts.iter().all(|&count| count <= 1), "{granted}: {counts:?}");
        if ended.status.success() {
            assert!(counts.iter().all(|&count| count == 1), "{granted}: {counts:?}");
            return granted;
        }
        ended.aborted("memory allocation of ");
    }
    unreachable!("a body that asks without end")
}

/// More than fit into what queues and deques have room for from the beginning.
const TASKS: usize = 140;

/// `body` with the requests of this thread, or of all, refused after so many.
fn refused(granted: i64, everybody: bool, body: impl FnOnce()) {
    if everybody {
        refuse_after(granted)
    } else {
        refuse_here_after(granted)
    }
    body();
    if !refuse_nothing() {
        // Refused, and yet it came this far: nobody asks in vain without an abort.
        panic!("a request was refused and nobody said so");
    }
}

/// Tries `body`, which runs each of the tasks once, on pools of all sizes, once as a
/// guest and once on a worker.
fn try_everywhere(told: &'static Told, body: impl Fn(&ThreadPool) + Sync) {
    let body = &body;
    for (threads, everybody) in [(1, false), (2, false), (2, true), (4, true)] {
        let asked = at_each_request(told, |granted| {
            let pool = builder(threads).build().unwrap();
            refused(granted, everybody, || body(&pool));
            assert_whole(&pool);
            assert_settled(&pool);
        });
        assert!(asked > 0, "something is asked for");
        at_each_request(told, |granted| {
            let pool = builder(threads).build().unwrap();
            pool.install(|| refused(granted, everybody, || body(&pool)));
            assert_whole(&pool);
            assert_settled(&pool);
        });
    }
}

fn told() -> &'static Told {
    Box::leak(Box::new(Told::new(TASKS)))
}

/// Spawns all tasks with `spawn`, and joins them.
fn join_all(spawn: impl Fn(usize) -> JoinHandle<()>) {
    let tasks: Vec<_> = (0..TASKS).map(spawn).collect();
    tasks.into_iter().for_each(|task| task.join().unwrap());
}

#[test]
fn spawns_without_memory_abort_and_say_so() {
    alone(|| {
        let told = told();
        for _ in 0..rounds(1) {
            try_everywhere(told, |pool| {
                join_all(|task| pool.spawn(move || told.runs(task)));
            });
        }
    });
}

/// Tasks with more to them than a closure: a key, a bulkhead, limits, a future.
#[test]
fn tasks_of_every_kind_without_memory_abort_and_say_so() {
    alone(|| {
        let told = told();
        for _ in 0..rounds(1) {
            try_everywhere(told, |pool| {
                let bulkhead = pool.bulkhead("narrow").limit(2).queue(TASKS).build().unwrap();
                let token = CancellationToken::new();
                let far = Instant::now() + Duration::from_secs(3600);
                join_all(|task| {
                    let run = move || told.runs(task);
                    match task % 5 {
                        0 => pool.spawn_keyed(task % 3, run),
                        1 => pool.spawn_future(async move { told.runs(task) }),
                        2 => bulkhead.spawn(run),
                        3 => pool.task().cancel_token(&token).name(task.to_string()).spawn(run),
                        _ => pool.task().deadline(far).spawn(run),
                    }
                });
            });
        }
    });
}

#[test]
fn scopes_without_memory_abort_and_say_so() {
    alone(|| {
        let told = told();
        for _ in 0..rounds(1) {
            try_everywhere(told, |pool| {
                let large = [0_u64; 32];
                pool.scope(|s| {
                    for task in 0..TASKS {
                        // In a block of the worker's, or in a box.
                        if task % 2 == 0 {
                            s.spawn(move |_| told.runs(task));
                        } else {
                            s.spawn(move |_| told.runs(task + large[task % large.len()] as usize));
                        }
                    }
                });
            });
        }
    });
}

#[test]
fn joins_and_loops_without_memory_abort_and_say_so() {
    fn split(told: &'static Told, from: usize, to: usize) {
        if to - from == 1 {
            return told.runs(from);
        }
        let mid = from.midpoint(to);
        heist::join(|| split(told, from, mid), || split(told, mid, to));
    }
    alone(|| {
        let told = told();
        for _ in 0..rounds(1) {
            try_everywhere(told, |pool| {
                // Forks do not ask for any; what is built from them does.
                pool.join(|| split(told, 0, TASKS / 2), || split(told, TASKS / 2, TASKS));
                assert_eq!(pool.map(&[1; TASKS], |n| n + 1), [2; TASKS]);
                assert_eq!(pool.broadcast(|_| ()).len(), pool.num_threads());
            });
        }
    });
}

#[test]
fn pools_without_memory_are_not_built_and_say_so() {
    alone(|| {
        let told = Told::new(1);
        for (threads, everybody) in [(1, false), (2, false), (2, true), (4, true)] {
            at_each_request(&told, |granted| {
                let mut built = None;
                refused(granted, everybody, || built = Some(builder(threads).build().unwrap()));
                let pool = built.unwrap();
                assert_whole(&pool);
                assert_settled(&pool);
                pool.shutdown();
                told.runs(0);
            });
        }
    });
}

#[test]
fn the_end_of_a_pool_without_memory_is_an_end() {
    alone(|| {
        let told = told();
        for threads in [1, 2, 4] {
            at_each_request(told, |granted| {
                let pool = builder(threads).build().unwrap();
                let tasks = (0..TASKS).map(|task| pool.spawn(move || told.runs(task)));
                tasks.for_each(drop);
                refused(granted, true, || pool.shutdown());
            });
        }
    });
}
