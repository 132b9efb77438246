//! What the tasks of a case share with its driver: gates, and what happened.

use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use heist::{JoinHandle, ThreadPool};

use crate::state::{Body, Expected};

/// What takes longer than this hangs.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) threads: usize,
    pub(crate) capacity: usize,
    pub(crate) guests: usize,
}

#[derive(Default)]
pub(crate) struct World {
    seen: Mutex<Seen>,
    changed: Condvar,
    /// What tasks captured, made and dropped.
    made: AtomicUsize,
    dropped: AtomicUsize,
    pub(crate) threads_started: AtomicUsize,
    pub(crate) threads_exited: AtomicUsize,
    pub(crate) panics_handled: AtomicUsize,
}

#[derive(Default)]
struct Seen {
    open: Vec<bool>,
    all_open: bool,
    dropped: Vec<bool>,
    /// And the worker that each is on.
    started: Vec<(usize, Option<usize>)>,
    /// Handles that parents left for the driver.
    children: Vec<(usize, JoinHandle<usize>)>,
}

/// What a task captures.
struct Token {
    number: usize,
    world: Arc<World>,
}

impl Drop for Token {
    fn drop(&mut self) {
        let twice = std::mem::replace(at(&mut self.world.seen().dropped, self.number), true);
        self.world.dropped.fetch_add(1 + 1000 * usize::from(twice), SeqCst);
        self.world.changed.notify_all();
    }
}

fn at(list: &mut Vec<bool>, index: usize) -> &mut bool {
    list.resize(list.len().max(index + 1), false);
    &mut list[index]
}

pub(crate) fn pool(setup: Setup, world: &Arc<World>) -> ThreadPool {
    let [start, exit, handle] = [(); 3].map(|()| world.clone());
    let builder = ThreadPool::builder()
        .num_threads(setup.threads)
        .injector_capacity(setup.capacity)
        .max_guests(setup.guests)
        // No stand-in: the model knows how many tasks can run.
        .door_patience(None)
        .start_handler(move |_| _ = start.threads_started.fetch_add(1, SeqCst))
        .exit_handler(move |_| _ = exit.threads_exited.fetch_add(1, SeqCst))
        .panic_handler(move |_| _ = handle.panics_handled.fetch_add(1, SeqCst));
    builder.build().expect("a pool")
}

impl World {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A task that waits at its gate, and then does what `body` says.
    pub(crate) fn task(
        self: &Arc<World>,
        number: usize,
        body: Body,
    ) -> impl FnOnce() -> usize + Send + 'static {
        self.made.fetch_add(1, SeqCst);
        let token = Token { number, world: self.clone() };
        move || {
            let world = &token.world;
            world.pass(number);
            match body {
                Body::Plain => (),
                Body::Panic => panic::resume_unwind(Box::new(number)),
                Body::Forks => assert_eq!(heist::join(|| 1, || heist::join(|| 2, || 3)).1, (2, 3)),
                Body::Parent(children) => {
                    for child in number + 1..=number + children {
                        let handle = heist::spawn(world.task(child, Body::Plain));
                        world.seen().children.push((child, handle));
                    }
                }
            }
            number
        }
    }

    fn pass(&self, number: usize) {
        let mut seen = self.seen();
        seen.started.push((number, heist::current_thread_index()));
        self.changed.notify_all();
        while !seen.all_open && !*at(&mut seen.open, number) {
            seen = self.changed.wait(seen).unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(crate) fn open(&self, number: usize) {
        *at(&mut self.seen().open, number) = true;
        self.changed.notify_all();
    }

    pub(crate) fn open_all(&self) {
        self.seen().all_open = true;
        self.changed.notify_all();
    }

    /// The tasks that have started, in that order, and where, when there are so many.
    pub(crate) fn await_started(&self, tasks: usize) -> Vec<(usize, Option<usize>)> {
        let seen = self.seen();
        let (seen, late) = self
            .changed
            .wait_timeout_while(seen, PATIENCE, |seen| seen.started.len() < tasks)
            .unwrap_or_else(PoisonError::into_inner);
        assert!(!late.timed_out(), "{:?} of {tasks} tasks have started", seen.started);
        seen.started.clone()
    }

    pub(crate) fn has_started(&self, number: usize) -> bool {
        self.seen().started.iter().any(|&(started, _)| started == number)
    }

    /// Waits until what the task captured is dropped.
    pub(crate) fn await_dropped(&self, number: usize) {
        let seen = self.seen();
        let (_seen, late) = self
            .changed
            .wait_timeout_while(seen, PATIENCE, |seen| !*at(&mut seen.dropped, number))
            .unwrap_or_else(PoisonError::into_inner);
        assert!(!late.timed_out(), "task {number} was not dropped");
    }

    pub(crate) fn dropped(&self) -> usize {
        self.dropped.load(SeqCst)
    }

    pub(crate) fn tokens(&self) -> usize {
        self.made.load(SeqCst)
    }

    pub(crate) fn take_children(&self) -> Vec<(usize, JoinHandle<usize>)> {
        std::mem::take(&mut self.seen().children)
    }

    /// Waits until none of these workers looks for work.
    pub(crate) fn await_rest(&self, pool: &ThreadPool, workers: &[usize]) {
        let at_rest = || {
            let before = pool.metrics();
            let now = pool.metrics().since(&before);
            let still = |&at: &usize| now.workers[at].busy + now.workers[at].searching;
            workers.iter().map(still).sum::<Duration>().is_zero()
        };
        until(at_rest, || format!("{workers:?} are not at rest"));
    }

    /// Waits until the pool's counts are those of the model.
    pub(crate) fn await_counts(&self, pool: &ThreadPool, expected: &Expected) {
        let counts = || {
            let now = pool.metrics();
            Expected {
                lanes: now
                    .lanes
                    .each_ref()
                    .map(|lane| [lane.accepted, lane.rejected, lane.depth as u64]),
                spawned: now.tasks_spawned(),
                completed: now.tasks_completed(),
                panicked: now.tasks_panicked(),
                cancelled: now.tasks_cancelled(),
                handled: self.panics_handled.load(SeqCst) as u64,
                dropped: self.dropped() as u64,
            }
        };
        until(|| counts() == *expected, || format!("{:?}\ninstead of {expected:?}", counts()));
    }
}

/// Looks until it is so; says what is there instead if it never is.
#[track_caller]
pub(crate) fn until(condition: impl Fn() -> bool, instead: impl Fn() -> String) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "never came about: {}", instead());
        thread::yield_now();
    }
}

/// Opens all gates when the driver leaves, also by a panic: a pool that is
/// dropped waits for its tasks.
pub(crate) struct OpenAll(pub(crate) Arc<World>);

impl Drop for OpenAll {
    fn drop(&mut self) {
        self.0.open_all();
    }
}

/// The same if the driver leaves by a panic: somebody may be waiting for room.
pub(crate) struct OpenIfPanics<'a>(pub(crate) &'a World);

impl Drop for OpenIfPanics<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.open_all();
        }
    }
}
