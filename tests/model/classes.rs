//! Bulkheads, keys, futures and blocking sections beside a model of them, with all
//! verbs and options. There are workers for all that may run, so the model knows at any
//! moment what does: of a bulkhead the oldest, up to its limit; of a key the oldest; of
//! the others all.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use heist::{Bulkhead, CancellationToken, JoinHandle, TaskState, ThreadPool};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::gate::Gate;
use crate::options::{How, Limit, Now, Verb, Within, hows};

/// What takes longer than this hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// Limits and queues of the bulkheads.
const CLASSES: [(usize, usize); 3] = [(1, 0), (1, 2), (2, 3)];
const KEYS: usize = 2;
/// One for each that may run, one for those that only begin or are polled, and none
/// for one that may not run.
const WORKERS: usize = 4 + KEYS + 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Home {
    Class(usize),
    Key(usize),
    Future,
    /// A plain task, which waits in a blocking section.
    Blocking,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Spawn(Home, How),
    /// A running task goes on to its end.
    Open(Index),
    Cancel(Index),
    CancelToken(Index),
    Close,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Waiting,
    Running,
    Ended,
    Cancelled,
}

/// Opens the gate in the end.
#[derive(Default)]
pub(crate) struct Opener(pub(crate) Arc<Gate>);

impl Drop for Opener {
    fn drop(&mut self) {
        self.0.open();
    }
}

struct Task {
    home: Home,
    how: How,
    stage: Stage,
    gate: Opener,
    token: CancellationToken,
    /// None when it has said what it has to say.
    handle: Option<JoinHandle<()>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    accepted: u64,
    rejected: u64,
    completed: u64,
    panicked: u64,
    running: usize,
    queued: usize,
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let home = || {
        prop_oneof![
            4 => (0..CLASSES.len()).prop_map(Home::Class),
            2 => (0..KEYS).prop_map(Home::Key),
            1 => Just(Home::Future),
            1 => Just(Home::Blocking),
        ]
    };
    let step = prop_oneof![
        8 => (home(), hows()).prop_map(|(home, how)| Step::Spawn(home, how)),
        5 => any::<Index>().prop_map(Step::Open),
        2 => any::<Index>().prop_map(Step::Cancel),
        2 => any::<Index>().prop_map(Step::CancelToken),
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
    /// First, so that nobody waits when the pool goes, if the model is wrong.
    tasks: Vec<Task>,
    pool: ThreadPool,
    classes: Vec<Bulkhead>,
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
            Step::Spawn(home, how) => world.spawn(home, how),
            Step::Open(which) => {
                let running = world.with(Stage::Running);
                if !running.is_empty() {
                    world.open(*which.get(&running));
                }
            }
            Step::Cancel(which) => world.cancel(which, false),
            Step::CancelToken(which) => world.cancel(which, true),
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
    let tasks = world.tasks.len() as u64;
    until(
        || {
            let metrics = world.pool.metrics();
            let ended = metrics.tasks_completed() + metrics.tasks_panicked();
            metrics.tasks_spawned() == tasks && ended + metrics.tasks_cancelled() == tasks
        },
        || format!("{tasks} tasks, but {}", world.pool.metrics()),
    );
    world.pool.shutdown();
}

fn until(is_so: impl Fn() -> bool, what: impl Fn() -> String) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "{}", what());
        thread::park_timeout(Duration::from_micros(50));
    }
}

impl World {
    fn with(&self, stage: Stage) -> Vec<usize> {
        (0..self.tasks.len()).filter(|&task| self.tasks[task].stage == stage).collect()
    }

    fn of(&self, home: Home, stage: Stage) -> Vec<usize> {
        self.with(stage).into_iter().filter(|&task| self.tasks[task].home == home).collect()
    }

    fn is_full(&self, home: Home) -> bool {
        let is_in = self.of(home, Stage::Running).len() + self.of(home, Stage::Waiting).len();
        matches!(home, Home::Class(class) if is_in == CLASSES[class].0 + CLASSES[class].1)
    }

    /// Has one left whose time was over? Its handle says so before it is gone, and its
    /// place is free a moment after it is counted out.
    fn was_late(&self, home: Home) -> bool {
        let is_gone = |task: &Task| !matches!(task.stage, Stage::Waiting | Stage::Running);
        let mut gone = self.tasks.iter().filter(|task| task.home == home && is_gone(task));
        gone.any(|task| matches!(task.how.limit, Limit::Brief | Limit::Past))
    }

    fn spawn(&mut self, home: Home, mut how: How) {
        let (gate, token) = (Opener::default(), CancellationToken::new());
        let (is_full, is_closed) = (self.is_full(home), self.closed);
        let now = Now { is_full, is_closed };
        match home {
            // It would begin when the output is there.
            Home::Future if how.limit == Limit::Brief => how.limit = Limit::Far,
            Home::Blocking => how.within = Within::Blocking,
            _ => (),
        }
        let spawned = match home {
            Home::Class(class) => {
                let (start, was_late) = (Instant::now(), self.was_late(home));
                // Those that wait for a place may do so in vain.
                if was_late && matches!(how.verb, Verb::Spawn | Verb::Async) {
                    how.verb = Verb::Try;
                }
                loop {
                    let task = how.limit.of_class(self.classes[class].task(), &token);
                    let spawned = how.verb.spawn_in_class(task, now, how.task(&gate.0));
                    let is_early = was_late && !is_full && matches!(spawned, Err(false));
                    if !is_early || start.elapsed() > PATIENCE {
                        break spawned;
                    }
                    self.counts[class].rejected += 1;
                }
            }
            Home::Key(key) => {
                let task = how.limit.of_task(self.pool.task(), &token);
                how.verb.spawn_keyed(task, now, key, how.task(&gate.0))
            }
            Home::Future => {
                let task = how.limit.of_task(self.pool.task(), &token);
                how.verb.spawn_future(task, now, how.future(&gate.0))
            }
            Home::Blocking => {
                let task = how.limit.of_task(self.pool.task(), &token);
                how.verb.spawn(task, now, how.task(&gate.0))
            }
        };
        let counts = match home {
            Home::Class(class) => Some(&mut self.counts[class]),
            _ => None,
        };
        match spawned {
            Ok(handle) => {
                assert!(!self.closed && !is_full, "{home:?} has no place");
                counts.into_iter().for_each(|counts| counts.accepted += 1);
                let mut task =
                    Task { home, how, stage: Stage::Waiting, gate, token, handle: Some(handle) };
                if how.limit == Limit::Past {
                    let handle = task.handle.take().expect("just spawned");
                    assert!(handle.join().unwrap_err().is_deadline());
                    task.stage = Stage::Cancelled;
                }
                self.tasks.push(task);
            }
            Err(is_closed) => {
                assert_eq!((is_closed, is_full || self.closed), (self.closed, true));
                counts.into_iter().for_each(|counts| counts.rejected += 1);
            }
        }
    }

    fn open(&mut self, task: usize) {
        let Task { home, how, stage, gate, handle, .. } = &mut self.tasks[task];
        gate.0.open();
        if let Some(handle) = handle.take() {
            let result = handle.join_timeout(PATIENCE);
            let result = result.unwrap_or_else(|_| panic!("{home:?} never ends, {how:?}"));
            assert_eq!(result.is_err_and(|error| error.is_panic()), how.panics);
        }
        *stage = Stage::Ended;
        if let Home::Class(class) = *home {
            let counts = &mut self.counts[class];
            *if how.panics { &mut counts.panicked } else { &mut counts.completed } += 1;
        }
    }

    /// By its handle, or by its token.
    fn cancel(&mut self, which: Index, by_token: bool) {
        let may = |&task: &usize| {
            let Task { handle, how, .. } = &self.tasks[task];
            handle.is_some() && (!by_token || how.limit == Limit::Token)
        };
        let open: Vec<_> = (0..self.tasks.len()).filter(may).collect();
        if open.is_empty() {
            return;
        }
        let task = &mut self.tasks[*which.get(&open)];
        let handle = task.handle.as_ref().expect("just looked");
        let is_out = task.stage == Stage::Waiting || task.home == Home::Future;
        if by_token {
            task.token.cancel();
        } else {
            assert_eq!(handle.cancel(), is_out);
        }
        if is_out {
            task.stage = Stage::Cancelled;
            assert_eq!(handle.state(), TaskState::Cancelled);
            let handle = task.handle.take().expect("as above");
            assert!(handle.join().unwrap_err().is_cancelled());
        }
    }

    /// What may run does, and nothing else.
    fn settle(&mut self) {
        let classes = (0..CLASSES.len()).map(|class| (Home::Class(class), CLASSES[class].0));
        let keys = (0..KEYS).map(|key| (Home::Key(key), 1));
        let others = [Home::Future, Home::Blocking].map(|home| (home, usize::MAX));
        for (home, limit) in classes.chain(keys).chain(others) {
            let room = limit - self.of(home, Stage::Running).len();
            for number in self.of(home, Stage::Waiting).into_iter().take(room) {
                let task = &mut self.tasks[number];
                let late = || format!("task {number} of {home:?} never started");
                until(|| task.gate.0.is_reached(), late);
                task.stage = Stage::Running;
                let handle = task.handle.as_ref().expect("not asked yet");
                if task.how.limit == Limit::Brief {
                    let never = || format!("task {number} of {home:?} may run for ever");
                    until(|| handle.state() == TaskState::TimedOut, never);
                    let handle = task.handle.take().expect("as above");
                    assert!(handle.join().unwrap_err().is_timeout());
                } else {
                    let is_future = home == Home::Future;
                    let state = if is_future { TaskState::Pending } else { TaskState::Running };
                    assert_eq!(handle.state(), state);
                }
            }
            for number in self.of(home, Stage::Waiting) {
                let task = &self.tasks[number];
                let state = task.handle.as_ref().map(JoinHandle::state);
                assert_eq!((task.gate.0.is_reached(), state), (false, Some(TaskState::Pending)));
            }
            if let Home::Class(class) = home {
                let [running, queued] =
                    [Stage::Running, Stage::Waiting].map(|stage| self.of(home, stage).len());
                let counts = Counts { running, queued, ..self.counts[class] };
                // Whose time was over ends unheard.
                until(
                    || counted(&self.classes[class]) == counts,
                    || format!("{counts:?}, but {}", self.classes[class].metrics()),
                );
            }
        }
    }
}

fn counted(class: &Bulkhead) -> Counts {
    let metrics = class.metrics();
    Counts {
        accepted: metrics.accepted,
        rejected: metrics.rejected,
        completed: metrics.completed,
        panicked: metrics.panicked,
        running: metrics.running,
        queued: metrics.queued,
    }
}
