//! Bulkheads and keys beside a model of them. There are workers for all that may run,
//! so the model knows at any moment what does: of a bulkhead the oldest, up to its
//! limit; of a key the oldest.

use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use heist::{Bulkhead, JoinHandle, ThreadPool};
use proptest::prelude::*;
use proptest::sample::Index;

/// What takes longer than this hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// Limits and queues of the bulkheads.
const CLASSES: [(usize, usize); 3] = [(1, 0), (1, 2), (2, 3)];
const KEYS: usize = 2;
/// One for each that may run, and none for one that may not.
const WORKERS: usize = 4 + KEYS;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Home {
    Class(usize),
    Key(usize),
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Spawn(Home, Ends),
    /// A running task goes on to its end.
    Open(Index),
    Cancel(Index),
    Close,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    Well,
    InPanic,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Waiting,
    Running,
    Ended,
    Cancelled,
}

struct Task {
    home: Home,
    ends: Ends,
    stage: Stage,
    started: Arc<AtomicBool>,
    gate: Option<mpsc::Sender<()>>,
    handle: Option<JoinHandle<()>>,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    accepted: u64,
    rejected: u64,
    completed: u64,
    panicked: u64,
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let home = || {
        prop_oneof![
            2 => (0..CLASSES.len()).prop_map(Home::Class),
            1 => (0..KEYS).prop_map(Home::Key),
        ]
    };
    let ends = || prop_oneof![3 => Just(Ends::Well), 1 => Just(Ends::InPanic)];
    let step = prop_oneof![
        8 => (home(), ends()).prop_map(|(home, ends)| Step::Spawn(home, ends)),
        5 => any::<Index>().prop_map(Step::Open),
        2 => any::<Index>().prop_map(Step::Cancel),
    ];
    let close = prop_oneof![3 => Just(None), 1 => any::<Index>().prop_map(Some)];
    (prop::collection::vec(step, 0..40), close).prop_map(|(mut steps, close)| {
        if let Some(at) = close {
            steps.insert(at.index(steps.len() + 1), Step::Close);
        }
        steps
    })
}

struct World {
    pool: ThreadPool,
    classes: Vec<Bulkhead>,
    tasks: Vec<Task>,
    counts: [Counts; CLASSES.len()],
    closed: bool,
}

pub(crate) fn drive(steps: Vec<Step>) {
    let pool = ThreadPool::builder().num_threads(WORKERS).door_patience(None).build().unwrap();
    let class = |(limit, queue)| pool.bulkhead("class").limit(limit).queue(queue).build().unwrap();
    let classes = CLASSES.map(class).into();
    let counts = Default::default();
    let mut world = World { pool, classes, tasks: Vec::new(), counts, closed: false };
    for step in steps {
        match step {
            Step::Spawn(home, ends) => world.spawn(home, ends),
            Step::Open(which) => {
                let running = world.with(Stage::Running);
                if !running.is_empty() {
                    world.open(*which.get(&running));
                }
            }
            Step::Cancel(which) => world.cancel(which),
            Step::Close => {
                world.pool.close();
                world.closed = true;
            }
        }
        world.settle();
    }
    while let Some(&running) = world.with(Stage::Running).first() {
        world.open(running);
        world.settle();
    }
    assert_eq!(world.with(Stage::Waiting), [0; 0]);
    let metrics = world.pool.metrics();
    let ended = metrics.tasks_completed() + metrics.tasks_panicked() + metrics.tasks_cancelled();
    assert_eq!((metrics.tasks_spawned(), ended), (world.tasks.len() as u64, ended));
    assert_eq!(ended, world.tasks.len() as u64);
    world.pool.shutdown();
}

impl World {
    fn with(&self, stage: Stage) -> Vec<usize> {
        (0..self.tasks.len()).filter(|&task| self.tasks[task].stage == stage).collect()
    }

    fn of(&self, home: Home, stage: Stage) -> Vec<usize> {
        self.with(stage).into_iter().filter(|&task| self.tasks[task].home == home).collect()
    }

    fn spawn(&mut self, home: Home, ends: Ends) {
        let started = Arc::new(AtomicBool::new(false));
        let (gate, opened) = mpsc::channel::<()>();
        let start = started.clone();
        let task = move || {
            start.store(true, Ordering::SeqCst);
            opened.recv().expect("opened before it is dropped");
            if ends == Ends::InPanic {
                panic::resume_unwind(Box::new("on purpose"));
            }
        };
        let spawned = match home {
            Home::Class(class) => self.classes[class].try_spawn(task),
            Home::Key(key) => self.pool.try_spawn_keyed(key, task),
        };
        let is_in = self.of(home, Stage::Running).len() + self.of(home, Stage::Waiting).len();
        let (is_full, counts) = match home {
            Home::Class(class) => {
                let (limit, queue) = CLASSES[class];
                (is_in == limit + queue, Some(&mut self.counts[class]))
            }
            Home::Key(_) => (false, None),
        };
        match spawned {
            Ok(handle) => {
                assert!(!self.closed && !is_full, "{home:?} has no place");
                counts.into_iter().for_each(|counts| counts.accepted += 1);
                let (gate, handle) = (Some(gate), Some(handle));
                self.tasks.push(Task { home, ends, stage: Stage::Waiting, started, gate, handle });
            }
            Err(refused) => {
                assert_eq!((refused.is_closed(), is_full || self.closed), (self.closed, true));
                counts.into_iter().for_each(|counts| counts.rejected += 1);
            }
        }
    }

    fn open(&mut self, task: usize) {
        let task = &mut self.tasks[task];
        task.gate.take().expect("opened once").send(()).expect("it runs");
        let result = task.handle.take().expect("joined once").join();
        assert_eq!(result.is_err(), task.ends == Ends::InPanic);
        task.stage = Stage::Ended;
        if let Home::Class(class) = task.home {
            match task.ends {
                Ends::Well => self.counts[class].completed += 1,
                Ends::InPanic => self.counts[class].panicked += 1,
            }
        }
    }

    fn cancel(&mut self, which: Index) {
        let open = (0..self.tasks.len()).filter(|&task| self.tasks[task].handle.is_some());
        let open: Vec<_> = open.collect();
        if open.is_empty() {
            return;
        }
        let task = &mut self.tasks[*which.get(&open)];
        let handle = task.handle.as_ref().expect("just looked");
        assert_eq!(handle.cancel(), task.stage == Stage::Waiting);
        if task.stage == Stage::Waiting {
            task.stage = Stage::Cancelled;
            assert!(task.handle.take().expect("as above").join().unwrap_err().is_cancelled());
        }
    }

    /// What may run does, and nothing else.
    fn settle(&mut self) {
        let classes = (0..CLASSES.len()).map(|class| (Home::Class(class), CLASSES[class].0));
        for (home, limit) in classes.chain((0..KEYS).map(|key| (Home::Key(key), 1))) {
            let room = limit - self.of(home, Stage::Running).len();
            for task in self.of(home, Stage::Waiting).into_iter().take(room) {
                let start = Instant::now();
                while !self.tasks[task].started.load(Ordering::SeqCst) {
                    assert!(start.elapsed() < PATIENCE, "task {task} of {home:?} never started");
                    thread::park_timeout(Duration::from_micros(50));
                }
                self.tasks[task].stage = Stage::Running;
            }
            for task in self.of(home, Stage::Waiting) {
                let started = self.tasks[task].started.load(Ordering::SeqCst);
                assert!(!started, "task {task} of {home:?} has overtaken");
            }
            if let Home::Class(class) = home {
                let (metrics, counts) = (self.classes[class].metrics(), self.counts[class]);
                let Counts { accepted, rejected, completed, panicked } = counts;
                let [running, waiting] =
                    [Stage::Running, Stage::Waiting].map(|stage| self.of(home, stage).len());
                assert_eq!(
                    [metrics.accepted, metrics.rejected, metrics.completed, metrics.panicked],
                    [accepted, rejected, completed, panicked],
                );
                assert_eq!((metrics.running, metrics.queued), (running, waiting), "{metrics}");
            }
        }
    }
}
