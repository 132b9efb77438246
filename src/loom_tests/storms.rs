//! Storms: closures that come by all verbs while the pool is closed or ends, panics wherever
//! there may be one, pools that end while others use them, or in their own tasks. Too large for
//! every schedule, so shuttle tries random ones.

use std::{panic::resume_unwind, time::Duration};

use super::{
    crowds::{Tally, settle},
    explore::sample,
    house::{block_on, builder, gate, pool},
};
use crate::{
    Bulkhead, JoinHandle, ThreadPool,
    registry::Phase,
    sync::{Arc, AtomicUsize, Mutex, Ordering, thread},
    unwind,
};

/// How a closure comes from outside.
#[derive(Clone, Copy)]
enum Verb {
    Spawn,
    Try,
    Timeout,
    Async,
}

const VERBS: [Verb; 4] = [Verb::Spawn, Verb::Try, Verb::Timeout, Verb::Async];

/// The same closures for whatever has these four verbs.
macro_rules! bring {
    ($to:expr, $verb:expr, $job:expr) => {{
        let (to, job) = ($to, $job);
        let answer = match $verb {
            Verb::Spawn => Ok(to.spawn(job)),
            Verb::Try => to.try_spawn(job),
            Verb::Timeout => to.spawn_timeout(job, Duration::MAX),
            Verb::Async => block_on(to.spawn_async(job)),
        };
        answer.map_err(|refused| refused.into_inner()()).ok()
    }};
}

/// One closure that was brought, and how often it has run; without a handle it came back, and
/// was run by who had brought it.
struct Brought {
    runs: Arc<AtomicUsize>,
    handle: Option<JoinHandle<()>>,
}

impl Brought {
    fn by(bring: impl FnOnce(Box<dyn FnOnce() + Send>) -> Option<JoinHandle<()>>) -> Self {
        let runs = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&runs);
        let handle = bring(Box::new(move || _ = counter.fetch_add(1, Ordering::SeqCst)));
        Brought { runs, handle }
    }

    /// Has it run as a task? It has run once in any case, or its handle says that it never will.
    fn was_accepted(self) -> bool {
        let came_back = self.handle.is_none();
        let runs = self.handle.map(JoinHandle::join).map_or(1, |outcome| match outcome {
            Ok(()) => 1,
            Err(error) => {
                assert!(error.is_cancelled());
                0
            }
        });
        assert_eq!(self.runs.load(Ordering::SeqCst), runs);
        !came_back && runs == 1
    }
}

/// So many threads bring a closure by each of `verbs`, every one beginning with another.
fn storm<P: Send + Sync + 'static>(
    threads: usize,
    to: &Arc<P>,
    bring: impl Fn(&P, Verb) -> Brought + Copy + Send + 'static,
) -> Vec<thread::JoinHandle<Vec<Brought>>> {
    let spawner = |first| {
        let to = Arc::clone(to);
        thread::spawn(move || (first..first + 2).map(|n| bring(&to, VERBS[n % 4])).collect())
    };
    (0..threads).map(spawner).collect()
}

/// Waits until all threads are back from it.
fn end_of(storm: Vec<thread::JoinHandle<Vec<Brought>>>) -> Vec<Brought> {
    storm.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
}

/// How many were accepted and have run, and how many were not.
fn count(brought: Vec<Brought>) -> (usize, usize) {
    let brought = brought.into_iter().map(Brought::was_accepted);
    let (accepted, others): (Vec<_>, Vec<_>) = brought.partition(|&accepted| accepted);
    (accepted.len(), others.len())
}

#[test]
fn loom_storm_each_closure_runs_or_comes_back_while_a_pool_is_closed() {
    sample(|| {
        let pool = Arc::new(builder(2, 0).injector_capacity(1).build().unwrap());
        let bring = |pool: &ThreadPool, verb| Brought::by(|job| bring!(pool, verb, job));
        let storm = storm(4, &pool, bring);
        pool.close();
        let (accepted, others) = count(end_of(storm));
        // What was accepted has run: nobody was sent away once he was in.
        let metrics = pool.metrics();
        let counts = [metrics.tasks_spawned(), metrics.tasks_rejected()];
        assert_eq!(counts, [accepted, others].map(|count| count as u64));
        drop(pool);
    });
}

/// Closures come to a bulkhead, which outlives its pool, while that ends; `end` says how many
/// were dropped.
fn end_beside(end: fn(ThreadPool) -> usize) {
    let pool = builder(3, 0).injector_capacity(1).build().unwrap();
    let class = Arc::new(pool.bulkhead("class").limit(2).queue(1).build().unwrap());
    let bring = |class: &Bulkhead, verb| Brought::by(|job| bring!(class, verb, job));
    let storm = storm(3, &class, bring);
    let dropped = end(pool);
    let (accepted, others) = count(end_of(storm));
    let metrics = class.metrics();
    assert_eq!(metrics.completed, accepted as u64);
    assert_eq!(metrics.accepted, (accepted + dropped) as u64);
    assert_eq!(metrics.rejected, (others - dropped) as u64);
}

#[test]
fn loom_storm_each_closure_runs_or_comes_back_while_a_pool_is_shut_down() {
    sample(|| end_beside(|pool| (pool.shutdown(), 0).1));
}

#[test]
fn loom_storm_each_closure_runs_or_comes_back_while_a_pool_discards() {
    sample(|| end_beside(ThreadPool::shutdown_now));
}

/// What panics throw: how many there were, and how many are gone.
#[derive(Clone, Default)]
struct Throws(Arc<[AtomicUsize; 2]>);

struct Payload(Throws);

impl Throws {
    fn throw(&self) {
        self.0[0].fetch_add(1, Ordering::SeqCst);
        // Without the hook, which would print.
        resume_unwind(Box::new(Payload(self.clone())));
    }

    fn catch(&self, f: impl FnOnce()) {
        assert!(unwind::catch(f).unwrap_err().is::<Payload>());
    }
}

impl Drop for Payload {
    fn drop(&mut self) {
        self.0.0[1].fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn loom_storm_each_panic_reaches_one_place_and_the_pool_lives_on() {
    sample(|| {
        let (throws, heard) = (Throws::default(), Arc::new(AtomicUsize::new(0)));
        let hears = Arc::clone(&heard);
        let pool = builder(2, 1).injector_capacity(8).panic_handler(move |payload| {
            assert!(payload.is::<Payload>());
            hears.fetch_add(1, Ordering::SeqCst);
        });
        let pool = pool.build().unwrap();
        let spawn = |f: fn(&Throws)| {
            let throws = throws.clone();
            pool.spawn(move || f(&throws))
        };
        drop([spawn(Throws::throw), spawn(Throws::throw)]);
        let joined = [
            spawn(Throws::throw),
            spawn(|throws| _ = crate::join(|| throws.throw(), || throws.throw())),
            spawn(|throws| crate::scope(|s| (0..2).for_each(|_| s.spawn(|_| throws.throw())))),
        ];
        // Here as a guest, each half and each job once.
        throws.catch(|| _ = pool.join(|| throws.throw(), || throws.throw()));
        throws.catch(|| {
            pool.scope(|s| {
                s.spawn(|_| throws.throw());
                s.spawn(|s| s.spawn(|_| throws.throw()));
                let caught = s.spawn_handle(|_| throws.throw());
                assert!(caught.join().unwrap_err().is_panic());
            });
        });
        for task in joined {
            assert!(task.join().unwrap_err().into_panic().is::<Payload>());
        }
        assert_eq!(pool.spawn(|| 7).join().unwrap(), 7);
        assert_eq!(pool.broadcast(|at| at.index()), [0, 1]);
        pool.shutdown();
        assert_eq!(heard.load(Ordering::SeqCst), 2);
        let counts = [0, 1].map(|at: usize| throws.0[at].load(Ordering::SeqCst));
        assert_eq!(counts, [12; 2], "thrown, and gone");
    });
}

#[test]
fn loom_storm_of_two_pools_in_each_other_one_is_dropped() {
    sample(|| {
        // With one worker here, which may be what ends the other pool, and is needed there.
        let [home, other] = [1, 2].map(|workers| Arc::new(pool(workers, 1)));
        let (there, away) = (Arc::clone(&other), Arc::clone(&home));
        let back = other.spawn(move || (away.install(|| 1), away.join(|| 2, || 3)));
        let calls: [fn(&ThreadPool) -> usize; 4] = [
            |pool| pool.install(|| crate::join(|| 1, || 2).1),
            |pool| pool.join(|| 1, || 2).1,
            |pool| pool.spawn(|| 2).join().unwrap(),
            |pool| pool.scope(|s| s.spawn_handle(|_| 2).join().unwrap()),
        ];
        let tasks = calls.map(|call| {
            let there = Arc::clone(&there);
            // The last of them ends the other pool, on a worker of this one.
            home.spawn(move || call(&there))
        });
        drop((there, other));
        assert_eq!(tasks.map(|task| task.join().unwrap()), [2; 4]);
        assert_eq!(back.join().unwrap(), (1, (2, 3)));
        assert_eq!(home.join(|| 1, || 2), (1, 2));
    });
}

/// One of a pool's own tasks ends it, with others before and behind it; `end` says how many
/// were dropped so far, or that none may be.
fn end_inside(end: fn(ThreadPool) -> Option<usize>) {
    let (open, wait) = gate();
    let (left, all_left) = gate();
    let last = Mutex::new((2, Some(left)));
    let pool = builder(2, 0).injector_capacity(8).exit_handler(move |_| {
        let mut last = last.lock();
        last.0 -= 1;
        if last.0 == 0 {
            last.1.take().expect("the last")();
        }
    });
    let pool = pool.build().unwrap();
    let class = pool.bulkhead("class").limit(1).queue(2).build().unwrap();
    let tally = Arc::new(Tally::default());
    let enter = || {
        let tally = Arc::clone(&tally);
        move || tally.enter(usize::MAX)
    };
    let house = Arc::new(Mutex::new(None::<ThreadPool>));
    let mut tasks = vec![pool.spawn(enter())];
    let ender = {
        let (house, child, late) = (Arc::clone(&house), enter(), enter());
        pool.spawn(move || {
            wait();
            let child = crate::spawn(child);
            let dropped = end(house.lock().take().expect("left before the gate was opened"));
            assert!(crate::spawn(late).join().unwrap_err().is_cancelled(), "it is closed");
            (dropped, child)
        })
    };
    tasks.extend((0..2).map(|_| pool.spawn(enter())));
    tasks.extend((0..2).map(|_| class.spawn(enter())));
    *house.lock() = Some(pool);
    open();
    all_left();
    let (dropped, child) = ender.join().unwrap();
    tasks.push(child);
    let all = tasks.len();
    let ran = settle(tasks);
    assert_eq!(ran, tally.ran());
    match dropped {
        // Of those in deques others may have been dropped later.
        Some(dropped) => assert!(dropped <= all - ran, "{dropped} dropped, {ran} of {all} ran"),
        None => assert_eq!(ran, all),
    }
}

#[test]
fn loom_storm_a_task_drops_its_own_pool_with_others_queued() {
    sample(|| end_inside(|pool| (drop(pool), None).1));
}

#[test]
fn loom_storm_a_task_shuts_its_own_pool_down_with_others_queued() {
    sample(|| end_inside(|pool| (pool.shutdown(), None).1));
    sample(|| {
        end_inside(|pool| {
            let late = pool.shutdown_timeout(Duration::MAX).unwrap_err();
            assert!(late.unfinished() > 0, "this one runs");
            None
        });
    });
}

#[test]
fn loom_storm_a_task_discards_its_own_pool_with_others_queued() {
    sample(|| end_inside(|pool| Some(pool.shutdown_now())));
}

/// All workers at gates, and a task in front of them.
fn fill(pool: &ThreadPool) -> (Vec<impl FnOnce() + Send + use<>>, Vec<JoinHandle<()>>) {
    let (gates, waits): (Vec<_>, Vec<_>) = (0..2).map(|_| gate()).unzip();
    (gates, waits.into_iter().map(|wait| pool.spawn(wait)).collect())
}

#[test]
fn loom_storm_who_waits_for_room_in_a_lane_hears_that_the_pool_discards() {
    sample(|| {
        let pool = Arc::new(builder(2, 0).injector_capacity(1).build().unwrap());
        let (gates, busy) = fill(&pool);
        let bring = |pool: &ThreadPool, verb| Brought::by(|job| bring!(pool, verb, job));
        let storm = storm(2, &pool, bring);
        // As `shutdown_now` begins, with whom others still borrow the pool from.
        pool.registry().advance(Phase::Discarding);
        pool.registry().discard();
        // Nobody makes room: the workers are busy until all have heard.
        let brought = end_of(storm);
        gates.into_iter().for_each(|open| open());
        Arc::into_inner(pool).expect("all are back").shutdown_now();
        count(brought);
        settle(busy);
    });
}

#[test]
fn loom_storm_who_waits_for_room_in_a_bulkhead_hears_that_the_pool_discards() {
    sample(|| {
        let pool = builder(2, 0).injector_capacity(4).build().unwrap();
        let class = Arc::new(pool.bulkhead("class").limit(1).queue(1).build().unwrap());
        let (gates, busy) = fill(&pool);
        let bring = |class: &Bulkhead, verb| Brought::by(|job| bring!(class, verb, job));
        let storm = storm(2, &class, bring);
        let opener = thread::spawn(move || {
            let brought = end_of(storm);
            gates.into_iter().for_each(|open| open());
            brought
        });
        pool.shutdown_now();
        count(opener.join().unwrap());
        settle(busy);
    });
}
