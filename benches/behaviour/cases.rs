//! What happens in each case.

use std::{
    cell::RefCell,
    hint,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, OnceLock, RwLock,
        atomic::{AtomicUsize, Ordering},
        mpsc::channel,
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    Job, Shared, Size,
    process::{is_short, panicked},
};

pub(crate) struct Case {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) size: Size,
    /// On the main thread, until it is over; none if the pool has nothing of the kind.
    pub(crate) run: fn(Shared) -> Option<()>,
    pub(crate) tells_memory: bool,
    /// By its documentation, heist needs `isolated` here.
    pub(crate) needs_isolation: bool,
}

const USUAL: Size = Size { workers: 3, stack: 2 << 20, capacity: 1024 };
const USUAL_CASE: Case = Case {
    id: "",
    name: "",
    size: USUAL,
    run: |_| None,
    tells_memory: false,
    needs_isolation: false,
};

pub(crate) const CASES: [Case; 9] = [
    Case {
        id: "mutex",
        name: "a `Mutex` held across a nested join",
        run: |pool| held(pool, Verb::Join, |f| drop((MUTEX.lock(), f())), || drop(MUTEX.lock())),
        needs_isolation: true,
        ..USUAL_CASE
    },
    Case {
        id: "rwlock",
        name: "a `RwLock` read across a nested join, written by others",
        run: |pool| held(pool, Verb::Join, |f| drop((RW.read(), f())), || drop(RW.write())),
        needs_isolation: true,
        ..USUAL_CASE
    },
    Case {
        id: "once",
        name: "`OnceLock::get_or_init` with a join inside",
        run: |pool| held(pool, Verb::Join, |f| *ONCE.get_or_init(f), || *ONCE.get_or_init(|| ())),
        needs_isolation: true,
        ..USUAL_CASE
    },
    Case {
        id: "refcell",
        name: "a thread-local `RefCell` borrowed across a nested loop",
        run: |pool| {
            let want = || CELL.with(|cell| drop(cell.borrow_mut()));
            held(pool, Verb::Loop, |f| CELL.with(|cell| drop((cell.borrow_mut(), f()))), want)
        },
        needs_isolation: true,
        ..USUAL_CASE
    },
    Case {
        id: "deep",
        name: "10 000 tasks whose waits meet each other, stacks of 256 KiB",
        size: Size { workers: 2, stack: 256 << 10, ..USUAL },
        run: deep,
        ..USUAL_CASE
    },
    Case {
        id: "flood",
        name: "5 million tasks from outside, faster than they run: peak memory",
        size: Size { workers: 2, ..USUAL },
        run: flood,
        tells_memory: true,
        ..USUAL_CASE
    },
    Case {
        id: "full",
        name: "a task that spawns 100 into its own full pool",
        size: Size { workers: 1, capacity: 4, ..USUAL },
        run: full,
        ..USUAL_CASE
    },
    Case {
        id: "handle",
        name: "one worker, whose task spawns another and waits for its handle",
        size: Size { workers: 1, ..USUAL },
        run: handle,
        ..USUAL_CASE
    },
    Case {
        id: "queued",
        name: "one worker, whose task waits at a channel for one queued from outside",
        size: Size { workers: 1, ..USUAL },
        run: queued,
        ..USUAL_CASE
    },
];

static MUTEX: Mutex<()> = Mutex::new(());
static RW: RwLock<()> = RwLock::new(());
static ONCE: OnceLock<()> = OnceLock::new();

thread_local! {
    static CELL: RefCell<()> = const { RefCell::new(()) };
}

/// How long a thread waits for what others may never do.
const A_MOMENT: Duration = Duration::from_millis(200);

#[derive(Clone, Copy)]
enum Verb {
    Join,
    Loop,
}

/// Counts what has happened.
#[derive(Default)]
struct Count(AtomicUsize);

impl Count {
    fn add(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    fn until(&self, many: usize) {
        while self.get() < many {
            thread::sleep(Duration::from_micros(100));
        }
    }

    /// The same, but no longer than `moment`.
    fn until_or(&self, many: usize, moment: Duration) {
        let start = Instant::now();
        while self.get() < many && start.elapsed() < moment {
            thread::yield_now();
        }
    }
}

/// A panic in `job` is what becomes of the case.
fn told(job: impl FnOnce() + Send + 'static) -> Job {
    Box::new(|| {
        if catch_unwind(AssertUnwindSafe(job)).is_err() {
            panicked();
        }
    })
}

/// One task holds something while it waits for its second half, which another thread
/// has taken; meanwhile a third thread has a stranger in its queue that wants the same.
fn held(pool: Shared, verb: Verb, hold: fn(&dyn Fn()), want: fn()) -> Option<()> {
    let [taken, begun, done] = [(); 3].map(|()| Arc::<Count>::default());
    let (taken_too, begun_too, done_too) = (taken.clone(), begun.clone(), done.clone());
    let item = Arc::new(move |index: usize| {
        if index == 0 {
            taken_too.until(1);
        } else {
            taken_too.add();
            begun_too.until_or(1, A_MOMENT);
        }
    });
    let nested = move || match verb {
        Verb::Loop => pool.both(item.clone()),
        Verb::Join => {
            let (a, b) = (item.clone(), item.clone());
            pool.join(told(move || a(0)), told(move || b(1)));
        }
    };
    pool.spawn(told(move || {
        hold(&nested);
        done_too.add();
    }));
    let (begun, done_too) = (begun.clone(), done.clone());
    pool.spawn(told(move || {
        taken.until(1);
        let (begins, ends) = (begun.clone(), done_too.clone());
        pool.spawn(told(move || {
            begins.add();
            want();
            ends.add();
        }));
        begun.until_or(1, A_MOMENT);
        done_too.add();
    }));
    done.until(3);
    Some(())
}

/// Each task waits for its second half, which another thread has taken, and keeps for
/// a moment, or until the next task has begun: who runs that on top of the wait goes one
/// task deeper each time.
fn deep(pool: Shared) -> Option<()> {
    let (begun, done) = (Arc::default(), Arc::default());
    deeper(pool, &begun, &done);
    done.until(10_000);
    Some(())
}

fn deeper(pool: Shared, begun: &Arc<Count>, done: &Arc<Count>) {
    let (begun, done) = (begun.clone(), done.clone());
    pool.spawn(told(move || {
        begun.add();
        let here = begun.get();
        let taken = Arc::<Count>::default();
        let (is_taken, next, next_done) = (taken.clone(), begun.clone(), done.clone());
        let first = move || {
            // Where nobody comes for it, nothing is to be waited for.
            is_taken.until_or(1, Duration::from_millis(2));
            if here < 10_000 {
                deeper(pool, &next, &next_done);
            }
        };
        let second = move || {
            taken.add();
            begun.until_or(here + 1, Duration::from_micros(200));
        };
        pool.join(told(first), told(second));
        done.add();
    }));
}

/// An outside thread spawns as fast as the pool lets it.
fn flood(pool: Shared) -> Option<()> {
    let tasks = if is_short() { 50_000 } else { 5_000_000 };
    let done = Arc::<Count>::default();
    for number in 0..tasks {
        let done = done.clone();
        pool.spawn(Box::new(move || {
            // About a microsecond.
            (0..1000_u64).for_each(|turn| _ = hint::black_box(turn ^ number as u64));
            done.add();
        }));
    }
    done.until(tasks);
    Some(())
}

fn full(pool: Shared) -> Option<()> {
    let (started, go, done) = (Arc::<Count>::default(), Arc::<Count>::default(), Arc::default());
    let (starts, goes, counts) = (started.clone(), go.clone(), Arc::<Count>::clone(&done));
    pool.spawn(Box::new(move || {
        starts.add();
        goes.until(1);
        for _ in 0..100 {
            let done = counts.clone();
            pool.spawn(Box::new(move || done.add()));
        }
    }));
    started.until(1);
    for _ in 0..4 {
        let done = done.clone();
        pool.spawn(Box::new(move || done.add()));
    }
    go.add();
    done.until(104);
    Some(())
}

fn handle(pool: Shared) -> Option<()> {
    let (say, heard) = channel();
    pool.spawn(Box::new(move || {
        let waited = pool.spawn_and_wait(Box::new(|| ()));
        say.send(waited).expect("somebody waits");
    }));
    heard.recv().expect("an answer")
}

fn queued(pool: Shared) -> Option<()> {
    let started = Arc::<Count>::default();
    let (say, heard) = channel();
    let (ends, ended) = channel();
    let starts = started.clone();
    pool.spawn(Box::new(move || {
        starts.add();
        heard.recv().expect("an answer");
        ends.send(()).expect("somebody waits");
    }));
    started.until(1);
    pool.spawn(Box::new(move || say.send(()).expect("somebody waits")));
    ended.recv().ok()
}
