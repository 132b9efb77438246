//! What the tests share: a hang that becomes a failure, gates, counts, pools.

use std::any::Any;
use std::future::Future;
use std::panic::{self, AssertUnwindSafe};
use std::pin::{Pin, pin};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use heist::{JoinHandle, ThreadBuilder, ThreadPool, ThreadPoolBuilder};

/// What takes longer than this hangs. A sanitizer makes some tests take a minute on a busy machine.
static PATIENCE: LazyLock<Duration> = LazyLock::new(|| {
    let minutes = std::env::var("HEIST_TEST_MINUTES").map_or(1, |n| n.parse().expect("a number"));
    Duration::from_secs(60 * minutes)
});

/// Set in the process that `alone` starts.
const ALONE: &str = "HEIST_TEST_ALONE";

/// The index of each priority in `Metrics::lanes`.
pub(crate) const HIGH: usize = 0;
pub(crate) const NORMAL: usize = 1;
pub(crate) const LOW: usize = 2;

/// Runs `body` on a thread of its own, so that a hang is a failure.
pub(crate) fn within_a_minute(body: impl FnOnce() + Send + 'static) {
    let name = thread::current().name().unwrap_or("test").to_owned();
    let (done, outcome) = mpsc::channel::<()>();
    let runner = thread::Builder::new().name(name.clone()).spawn(move || {
        let _done = done;
        body();
    });
    let runner = runner.expect("a thread for the test");
    if outcome.recv_timeout(*PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
        panic!("{name} hangs: no end after {:?}", *PATIENCE);
    }
    if let Err(payload) = runner.join() {
        panic::resume_unwind(payload);
    }
}

/// Runs `body` in a process that runs nothing but the test called `test`.
///
/// For what belongs to a process (the global pool, the number of threads, the
/// memory in use) and for what would take the process down with it.
pub(crate) fn alone(test: &str, body: impl FnOnce() + Send + 'static) {
    if std::env::var_os(ALONE).is_some() {
        return within_a_minute(body);
    }
    let this = std::env::current_exe().expect("the path of this test binary");
    let child = Command::new(this)
        .args(["--exact", test])
        .env(ALONE, "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a process for the test");
    let output = child.wait_with_output().expect("the end of the process");
    let said = String::from_utf8_lossy(&output.stdout);
    let cried = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{test}: {}\n{said}\n{cried}", output.status);
    assert!(said.contains("1 passed"), "no test is called {test}\n{said}");
}

/// Waits for `condition`, looking again and again.
#[track_caller]
pub(crate) fn until(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < *PATIENCE, "what was waited for never came");
        thread::park_timeout(Duration::from_micros(50));
    }
}

/// A builder whose tasks stay queued for as long as its workers are busy.
pub(crate) fn builder(threads: usize) -> ThreadPoolBuilder {
    ThreadPool::builder().num_threads(threads).door_patience(None)
}

/// A pool whose tasks stay queued for as long as its workers are busy.
pub(crate) fn pool(threads: usize) -> ThreadPool {
    builder(threads).build().expect("a pool")
}

/// A pool without guests, whose worker `unrun` is not run: what would start it is kept.
pub(crate) fn pool_without(threads: usize, unrun: usize) -> (ThreadPool, ThreadBuilder) {
    let (keep, kept) = mpsc::channel();
    let start = move |worker: ThreadBuilder| {
        if worker.index() == unrun {
            keep.send(worker).expect("it is kept below");
        } else {
            thread::Builder::new().spawn(|| worker.run())?;
        }
        Ok(())
    };
    let pool = builder(threads).max_guests(0).spawn_handler(start).build().expect("a pool");
    (pool, kept.recv().expect("a worker"))
}

/// Runs `body` from each place a fork can come from: a guest, a worker, and a
/// caller who finds no guest slot.
pub(crate) fn everywhere(body: impl Fn(&ThreadPool) + Sync) {
    for threads in [1, 2, 4] {
        let open = pool(threads);
        body(&open);
        open.install(|| body(&open));
        let full = builder(threads).max_guests(0).build().expect("a pool");
        body(&full);
    }
}

/// Every worker is there, and every verb works.
#[track_caller]
pub(crate) fn assert_whole(pool: &ThreadPool) {
    let everyone: Vec<usize> = (0..pool.num_threads()).collect();
    assert_eq!(pool.broadcast(|at| at.index()), everyone);
    assert_eq!(pool.join(|| 1, || 2), (1, 2));
    assert_eq!(pool.map(&[1, 2, 3], |n| n * 2), [2, 4, 6]);
    assert_eq!(pool.spawn(|| 3).join().expect("a result"), 3);
}

/// A count that many threads add to.
///
/// Relaxed on purpose: what a test reads here it must see through the pool's
/// own happens-before edges.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicUsize);

impl Count {
    pub(crate) fn shared() -> Arc<Count> {
        Arc::default()
    }

    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// Adds one to its count when it is dropped.
#[derive(Debug)]
pub(crate) struct Token(pub(crate) Arc<Count>);

impl Drop for Token {
    fn drop(&mut self) {
        self.0.add();
    }
}

/// Panics when it is dropped, unless that would abort the test itself.
#[derive(Debug)]
pub(crate) struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a bomb was dropped");
    }
}

/// Closed at first; opened once, for good.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    pub(crate) fn shared() -> Arc<Gate> {
        Arc::default()
    }

    pub(crate) fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }

    /// Blocks the thread until the gate is open.
    pub(crate) fn pass(&self) {
        let open = self.open.lock().unwrap();
        let (_open, late) = self.opened.wait_timeout_while(open, *PATIENCE, |open| !*open).unwrap();
        assert!(!late.timed_out(), "the gate never opened");
    }
}

/// A place where so many threads wait for each other, without helping; then the
/// next so many.
#[derive(Debug)]
pub(crate) struct Meeting {
    threads: usize,
    arrived: Mutex<usize>,
    changed: Condvar,
}

impl Meeting {
    pub(crate) fn of(threads: usize) -> Meeting {
        Meeting { threads, arrived: Mutex::new(0), changed: Condvar::new() }
    }

    /// Blocks the thread until everybody is here.
    pub(crate) fn wait(&self) {
        let mut arrived = self.arrived.lock().unwrap();
        let all = (*arrived / self.threads + 1) * self.threads;
        *arrived += 1;
        self.changed.notify_all();
        let (_arrived, late) =
            self.changed.wait_timeout_while(arrived, *PATIENCE, |arrived| *arrived < all).unwrap();
        assert!(!late.timed_out(), "somebody never came");
    }
}

/// Workers that do nothing but wait; they go on when this is dropped.
#[derive(Debug)]
pub(crate) struct Held(Arc<Gate>);

impl Held {
    pub(crate) fn release(self) {}
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.open();
    }
}

/// Keeps all workers of `pool` busy: from here on nobody takes a task.
pub(crate) fn hold(pool: &ThreadPool) -> Held {
    hold_some(pool, pool.num_threads())
}

/// Keeps `workers` of the pool's workers busy.
pub(crate) fn hold_some(pool: &ThreadPool, workers: usize) -> Held {
    hold_in(pool, workers, |wait| wait()).0
}

/// So many tasks that each wait in a `section`, and their handles.
pub(crate) fn hold_in(
    pool: &ThreadPool,
    tasks: usize,
    section: fn(&dyn Fn()),
) -> (Held, Vec<JoinHandle<()>>) {
    let held = Held(Gate::shared());
    let arrived = Count::shared();
    let task = |_| {
        let (gate, arrived) = (held.0.clone(), arrived.clone());
        pool.spawn(move || {
            section(&|| {
                arrived.add();
                gate.pass();
            });
        })
    };
    let handles = (0..tasks).map(task).collect();
    until(|| arrived.get() == tasks);
    (held, handles)
}

/// Waits until every worker sleeps.
pub(crate) fn fall_asleep(pool: &ThreadPool) {
    until(|| pool.metrics().workers.iter().all(|worker| worker.parks > worker.wakes));
}

/// How often the pool's workers have gone to sleep, together.
pub(crate) fn parks(pool: &ThreadPool) -> u64 {
    pool.metrics().workers.iter().map(|worker| worker.parks).sum()
}

/// The payload of the panic that `body` ends with.
#[track_caller]
pub(crate) fn payload<R>(body: impl FnOnce() -> R) -> Box<dyn Any + Send> {
    match panic::catch_unwind(AssertUnwindSafe(body)) {
        Ok(_) => panic!("this should have panicked"),
        Err(payload) => payload,
    }
}

/// The message of the panic that `body` ends with.
#[track_caller]
pub(crate) fn message<R>(body: impl FnOnce() -> R) -> String {
    text(&*payload(body))
}

/// What a panic said.
pub(crate) fn text(payload: &(dyn Any + Send)) -> String {
    let said = payload.downcast_ref::<&str>().map(|said| (*said).to_owned());
    said.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "not a message".to_owned())
}

/// Runs a future on this thread.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match poll(future.as_mut(), &waker) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// Polls once.
pub(crate) fn poll<F: Future + ?Sized>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// A waker that writes its number down each time it is woken.
pub(crate) struct Scribe {
    pub(crate) number: usize,
    pub(crate) log: Log<usize>,
}

impl Scribe {
    pub(crate) fn waker(number: usize, log: &Log<usize>) -> Waker {
        Waker::from(Arc::new(Scribe { number, log: log.clone() }))
    }
}

impl Wake for Scribe {
    fn wake(self: Arc<Self>) {
        self.log.write(self.number);
    }
}

/// What happened, in the order it happened.
#[derive(Debug)]
pub(crate) struct Log<T>(Arc<Mutex<Vec<T>>>);

impl<T: Clone> Log<T> {
    pub(crate) fn new() -> Log<T> {
        Log(Arc::default())
    }

    pub(crate) fn write(&self, entry: T) {
        self.0.lock().unwrap().push(entry);
    }

    pub(crate) fn read(&self) -> Vec<T> {
        self.0.lock().unwrap().clone()
    }
}

impl<T> Clone for Log<T> {
    fn clone(&self) -> Log<T> {
        Log(self.0.clone())
    }
}

/// The most memory this process ever held, in bytes.
pub(crate) fn peak_memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("procfs");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("a peak");
    let kilobytes = line.split_whitespace().nth(1).and_then(|number| number.parse::<usize>().ok());
    kilobytes.expect("a number") << 10
}

/// How many threads this process has.
pub(crate) fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").expect("procfs").count()
}

/// How many threads of this process have a name that starts so. The system
/// keeps 15 bytes of a name.
pub(crate) fn threads_named(prefix: &str) -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").expect("procfs");
    let names = tasks.flatten().filter_map(|task| {
        // A thread may end between the listing and the reading.
        std::fs::read_to_string(task.path().join("comm")).ok()
    });
    names.filter(|name| name.starts_with(prefix)).count()
}
