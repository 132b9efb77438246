//! Pools at random, tasks at random, and what must be true of both.

use std::any::Any;
use std::collections::HashSet;
use std::future::Future;
use std::panic;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use heist::{JoinError, JoinHandle, Priority, Stall, StallCause, ThreadPool};

use crate::books::{Books, Ticket, add};
use crate::rounds::{Dice, Score};
use crate::watchdog::{Pool, die};

/// More workers than processors, most of the time.
pub(crate) const WORKERS: [usize; 5] = [1, 2, 3, 8, 16];

/// Far more: each has a few moments of a processor in a second.
const CROWD: usize = 64;

/// The threads of a pool that come and go.
pub(crate) struct Crew {
    pub(crate) workers: usize,
    started: AtomicUsize,
    exited: AtomicUsize,
    /// A shutdown has waited for the pool's end: nobody tells of stalls any more.
    over: AtomicBool,
    /// The tasks that have been told of for holding their threads.
    held: Mutex<HashSet<usize>>,
}

/// A pool of any kind, with room for `capacity` tasks in a lane.
pub(crate) fn build(
    dice: &Dice,
    score: &mut Score,
    capacity: usize,
    books: &Arc<Books>,
) -> (Pool, Arc<Crew>) {
    let workers = if dice.one_in(16) { CROWD } else { dice.pick(&WORKERS) };
    let zero = || AtomicUsize::new(0);
    let (over, held) = (AtomicBool::new(false), Mutex::default());
    let crew = Arc::new(Crew { workers, started: zero(), exited: zero(), over, held });
    let (start, exit, caught) = (crew.clone(), crew.clone(), books.clone());
    score.pools += 1;
    let name = format!("{}w{workers}", score.pools);
    let thread = name.clone();
    let mut builder = ThreadPool::builder()
        .num_threads(workers)
        .injector_capacity(capacity)
        .max_guests(dice.pick(&[0, 1, 2, 8]))
        .idle_spin(dice.pick(&[Duration::ZERO, Duration::from_millis(1)]))
        .door_patience(dice.pick(&[None, Some(Duration::from_micros(100))]))
        .max_stand_ins(dice.pick(&[0, 1, 4, 128]))
        .thread_name(move |index| format!("{thread}-{index}"))
        .start_handler(move |_| add(&start.started))
        .exit_handler(move |_| add(&exit.exited))
        .panic_handler(move |payload| caught.catch(&*payload));
    if dice.one_in(4) {
        builder = builder.follow_cpu_quota(Duration::from_micros(100));
    }
    if dice.one_in(3) {
        let (after, crew, books) = (Duration::from_micros(50), crew.clone(), books.clone());
        builder = builder.stall_handler(after, move |stall| crew.hear(stall, after, &books));
    }
    (Pool::watched(&name, builder.build().expect("a pool")), crew)
}

impl Crew {
    /// After a shutdown that has waited: all threads have come and gone, the timer's, too.
    pub(crate) fn assert_over(&self) {
        self.assert_gone();
        self.over.store(true, SeqCst);
    }

    fn assert_gone(&self) {
        let counts = [&self.started, &self.exited].map(|count| count.load(SeqCst));
        assert_eq!(counts, [self.workers; 2], "threads started and exited");
    }

    /// On the pool's timer: a failed check here ends the process, see `Books::catch`.
    fn hear(&self, stall: &Stall, after: Duration, books: &Books) {
        assert!(!self.over.load(SeqCst), "told after the pool's end: {stall}");
        assert!(stall.elapsed() >= after, "{stall}");
        assert!(stall.worker().is_none_or(|worker| worker < self.workers), "{stall}");
        // The names are numbers, of tasks that there are.
        let number = |name: &str| name.parse().ok().filter(|&number| number < books.issued());
        let number = |name| number(name).unwrap_or_else(|| panic!("{stall}"));
        match (stall.task().map(number), stall.cause()) {
            (Some(task), StallCause::Running) => {
                assert!(self.held.lock().unwrap().insert(task), "{stall}, told twice");
            }
            (_, StallCause::Task(Some(name))) => _ = number(name),
            _ => (),
        }
    }

    /// Waits until the last thread has gone by itself. The timer's may still be about to tell
    /// of a stall: nobody joins that.
    pub(crate) fn await_gone(&self) {
        until(|| self.exited.load(SeqCst) == self.workers);
        self.assert_gone();
    }
}

/// Looks until it is so; the watchdog has the clock.
pub(crate) fn until(condition: impl Fn() -> bool) {
    while !condition() {
        thread::yield_now();
    }
}

impl Books {
    /// A panic reached somebody: it must be a task's own.
    fn catch(&self, payload: &(dyn Any + Send)) {
        if payload.downcast_ref::<usize>().is_none() {
            // A failed check in a task whose handle is gone.
            die(format_args!("{:?}", payload.downcast_ref::<String>()));
        }
        add(&self.caught);
    }

    /// A spawn gave a handle: the task is due, unless the pool was closed.
    pub(crate) fn book(&self, number: usize, handle: JoinHandle<usize>) -> Option<Spawned> {
        // In this order: what has finished by running has run.
        if handle.is_finished() && !self.has_run(number) {
            assert!(self.is_closed(), "task {number} lost before the pool was closed");
            assert!(handle.join().unwrap_err().is_cancelled());
            self.is_refused();
            return None;
        }
        self.is_due(number);
        Some((number, handle))
    }

    /// Checks what a handle says, and whether it may.
    pub(crate) fn settle(&self, number: usize, result: Result<usize, JoinError>) {
        match result {
            Ok(result) => assert_eq!(result, number, "the task's own result"),
            Err(error) if error.is_panic() => {
                let payload = error.into_panic();
                let from = payload.downcast_ref::<usize>();
                assert_eq!(from, Some(&number), "{:?}", payload.downcast_ref::<String>());
                add(&self.caught);
            }
            Err(_) => {
                assert!(!self.has_run(number), "task {number} ran though cancelled");
                return assert!(self.may_be_unrun(number), "task {number} was lost");
            }
        }
        assert!(self.has_run(number), "task {number} has a result and did not run");
    }

    /// Waits until `pool` is quiet: its counts add up, to what we counted.
    pub(crate) fn balance(&self, pool: &ThreadPool) {
        until(|| {
            // One snapshot for both: it counts what has ended before what was
            // accepted, so that they are equal only if nothing is on its way.
            let now = pool.metrics();
            let ended = now.tasks_completed() + now.tasks_panicked() + now.tasks_cancelled();
            let answered = now.tasks_spawned() + now.tasks_rejected();
            ended == now.tasks_spawned() && answered == self.tried.load(SeqCst) as u64
        });
        let now = pool.metrics();
        let [refused, cancelled, threw] =
            [&self.refused, &self.cancelled, &self.threw].map(|count| count.load(SeqCst) as u64);
        assert_eq!(now.tasks_completed() + now.tasks_panicked(), self.ran() as u64, "{now}");
        assert_eq!(now.tasks_panicked(), threw, "{now}");
        assert_eq!(now.tasks_cancelled(), cancelled, "{now}");
        assert_eq!(now.tasks_rejected(), refused, "{now}");
        assert_eq!(self.owed(), 0, "{now}");
    }
}

/// A task of any kind: it returns its number, or throws it.
pub(crate) fn task(
    books: &Arc<Books>,
    dice: &Dice,
) -> (usize, impl FnOnce() -> usize + Send + use<>) {
    let ticket = books.issue();
    let (number, kind, dice) = (ticket.number(), dice.below(9), dice.fork());
    let task = move || {
        ticket.run();
        dice.dawdle();
        match kind {
            0 => have_children(&ticket.books, &dice),
            1 => {
                add(&ticket.books.threw);
                panic::resume_unwind(Box::new(number));
            }
            2 => {
                let depth = dice.below(6);
                assert_eq!(leaves(depth), 1 << depth);
            }
            3 => {
                let sum = AtomicUsize::new(0);
                heist::scope(|s| (0..3).for_each(|_| s.spawn(|_| add(&sum))));
                assert_eq!(sum.into_inner(), 3);
            }
            4 => heist::blocking(|| {
                dice.dawdle();
                if dice.one_in(2) {
                    have_children(&ticket.books, &dice);
                }
            }),
            _ => (),
        }
        number
    };
    (number, task)
}

/// Spawns tasks from inside the pool; joins them or not.
fn have_children(books: &Arc<Books>, dice: &Dice) {
    let spawn = |ticket: Ticket| {
        add(&books.tried);
        let number = ticket.number();
        books.book(number, heist::spawn(move || ticket.run()))
    };
    let children: Vec<_> = (0..dice.below(4)).map(|_| spawn(books.issue())).collect();
    if dice.one_in(2) {
        for (number, child) in children.into_iter().flatten() {
            books.settle(number, child.join());
        }
    }
}

/// Counts the leaves of a tree of forks.
pub(crate) fn leaves(depth: usize) -> usize {
    if depth == 0 {
        return 1;
    }
    let (a, b) = heist::join(|| leaves(depth - 1), || leaves(depth - 1));
    a + b
}

/// Spawns a task of any kind from outside, in any of the four ways; its number
/// and handle, if it is accepted.
pub(crate) fn spawn(pool: &ThreadPool, books: &Arc<Books>, dice: &Dice) -> Option<Spawned> {
    let (number, task) = task(books, dice);
    let priority = dice.pick(&[Priority::High, Priority::Normal, Priority::Low]);
    if dice.one_in(8) {
        // Smaller or larger, in the middle of it all.
        let active = 1 + dice.below(pool.num_threads());
        pool.set_active_threads(active).expect("in range");
    }
    let mut builder = pool.task().priority(priority);
    if dice.one_in(2) {
        builder = builder.name(number.to_string());
    }
    add(&books.tried);
    let spawned = match dice.below(4) {
        0 => builder.spawn_timeout(task, dice.micros(300)),
        1 => builder.try_spawn(task),
        2 => block_on(builder.spawn_async(task)),
        _ => return books.book(number, builder.spawn(task)),
    };
    match spawned {
        Ok(handle) => books.book(number, handle),
        Err(refused) => {
            assert!(refused.is_full() || books.is_closed(), "closed by nobody");
            add(&books.refused);
            let task = refused.into_inner();
            assert!(!books.has_run(number), "task {number} came back and has run");
            drop(task);
            None
        }
    }
}

pub(crate) type Spawned = (usize, JoinHandle<usize>);

/// Does with a handle whatever can be done; settles it, or gives it back for later.
pub(crate) fn treat(books: &Books, dice: &Dice, (number, handle): Spawned) -> Option<Spawned> {
    if dice.one_in(6) && handle.cancel() {
        books.is_cancelled(number);
        assert!(handle.is_finished(), "cancelled at once");
    }
    match dice.below(6) {
        0 => drop(handle),
        1 => books.settle(number, handle.join()),
        2 => match handle.join_timeout(dice.micros(100)) {
            Ok(result) => books.settle(number, result),
            Err(handle) => return Some((number, handle)),
        },
        3 => books.settle(number, block_on(handle)),
        _ => return Some((number, handle)),
    }
    None
}

/// Runs a future on this thread.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
