//! A pool with a keeper of its door, that tells of stalls and follows the quota:
//! tasks that hold their threads, in one lane.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use heist::{JoinHandle, StallCause, ThreadPool};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::classes::Opener;
use crate::world::until;

/// Short, since each case waits for it.
const MOMENT: Duration = Duration::from_micros(200);

#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A task that holds its thread until it is let go.
    Hold,
    /// A task that holds its thread until one that runs is over, or ends at once if it is.
    Wait(Index),
    LetGo(Index),
    Cancel(Index),
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let which = || any::<Index>();
    let step = prop_oneof![
        4 => Just(Step::Hold),
        2 => which().prop_map(Step::Wait),
        2 => which().prop_map(Step::LetGo),
        1 => which().prop_map(Step::Cancel),
    ];
    vec(step, 1..12)
}

struct Task {
    number: usize,
    gate: Opener,
    /// None: another task has it, and waits.
    handle: Option<JoinHandle<()>>,
    waits_for: Option<usize>,
}

#[derive(Default)]
struct Seen {
    /// Who has started, and on which worker: none is the keeper.
    started: Mutex<Vec<(usize, Option<usize>)>>,
    /// Who holds its thread; or waits, and for whom.
    told: Mutex<Vec<(usize, Option<usize>)>>,
    /// Checks in the handler of stalls that failed.
    panics: Mutex<usize>,
}

struct Door {
    seen: Arc<Seen>,
    waiting: VecDeque<Task>,
    running: Vec<Task>,
    next: usize,
    // Last, since its drop waits for the tasks.
    pool: ThreadPool,
}

fn pool(threads: usize, seen: &Arc<Seen>) -> ThreadPool {
    let (seen, panics) = (seen.clone(), seen.clone());
    let builder = ThreadPool::builder()
        .num_threads(threads)
        .door_patience(Some(MOMENT))
        .follow_cpu_quota(MOMENT)
        .panic_handler(move |_| *panics.panics.lock().unwrap() += 1)
        .stall_handler(MOMENT, move |stall| {
            if stall.task().is_none() {
                // The driver, when it waits for the end.
                return assert_eq!(stall.cause(), &StallCause::Shutdown);
            }
            let number = |name: &str| name.parse().expect("its number");
            let waits_for = match stall.cause() {
                StallCause::Running => None,
                StallCause::Task(Some(name)) => Some(number(name)),
                cause => panic!("nothing waits for {cause}"),
            };
            let task = stall.task().map(number).expect("all have names");
            seen.told.lock().unwrap().push((task, waits_for));
        });
    builder.build().expect("a pool")
}

pub(crate) fn drive(threads: usize, steps: Vec<Step>) {
    let seen = Arc::new(Seen::default());
    let pool = pool(threads, &seen);
    let active = pool.active_threads();
    assert!((1..=threads).contains(&active));
    let (waiting, running) = Default::default();
    let mut door = Door { pool, seen, waiting, running, next: 0 };
    for step in steps {
        door.obey(step);
        door.settle(active);
    }
    assert_eq!(door.pool.active_threads(), active, "the quota has not changed");
    door.pool.set_active_threads(1).expect("in range");
    door.waiting.iter().chain(&door.running).for_each(|task| task.gate.0.open());
    for task in std::mem::take(&mut door.running).into_iter().chain(door.waiting.drain(..)) {
        task.end();
    }
    assert_eq!(door.pool.active_threads(), 1, "set by hand");
    let Door { pool, seen, .. } = door;
    pool.shutdown();
    let mut told = seen.told.lock().unwrap().clone();
    told.sort_unstable();
    let once = told.len();
    told.dedup();
    assert_eq!(told.len(), once, "each task and each wait is told once");
    assert_eq!(*seen.panics.lock().unwrap(), 0);
}

impl Task {
    /// Lets it go, and sees it off if it has its handle still.
    fn end(self) {
        self.gate.0.open();
        if let Some(handle) = self.handle {
            handle.join().expect("it was let go");
        }
    }
}

impl Door {
    fn obey(&mut self, step: Step) {
        match step {
            Step::Hold => {
                let gate = Opener::default();
                let pass = gate.0.clone();
                self.spawn(gate, None, move || pass.pass());
            }
            Step::Wait(which) => {
                let mut lent = self.running.iter_mut().filter(|task| task.handle.is_some());
                let lent: Vec<_> = lent.by_ref().collect();
                if !lent.is_empty() {
                    let place = which.index(lent.len());
                    let task = lent.into_iter().nth(place).expect("in range");
                    let (number, handle) = (task.number, task.handle.take().expect("it has one"));
                    // Else its thread would run others meanwhile.
                    let wait = move || heist::isolated(|| handle.join().expect("it was let go"));
                    self.spawn(Opener::default(), Some(number), wait);
                }
            }
            Step::LetGo(which) if !self.running.is_empty() => {
                let mut task = &self.running[which.index(self.running.len())];
                while let Some(target) = task.waits_for {
                    task = self.running.iter().find(|task| task.number == target).expect("it runs");
                }
                self.end(task.number);
            }
            Step::Cancel(which) if !self.waiting.is_empty() => {
                let task = self.waiting.remove(which.index(self.waiting.len())).expect("there");
                assert!(task.handle.expect("nobody waits for it").cancel(), "it has not begun");
            }
            _ => (),
        }
    }

    fn spawn(&mut self, gate: Opener, waits_for: Option<usize>, f: impl FnOnce() + Send + 'static) {
        let (number, seen) = (self.next, self.seen.clone());
        self.next += 1;
        let handle = self.pool.task().name(number.to_string()).spawn(move || {
            let index = heist::current_thread_index();
            seen.started.lock().unwrap().push((number, index));
            f();
        });
        self.waiting.push_back(Task { number, gate, handle: Some(handle), waits_for });
    }

    /// Lets one go that runs, and with it whoever waits for it.
    fn end(&mut self, number: usize) {
        let at = self.running.iter().position(|task| task.number == number).expect("it runs");
        self.running.swap_remove(at).end();
        let waiter = self.running.iter().find(|task| task.waits_for == Some(number));
        if let Some(number) = waiter.map(|task| task.number) {
            self.end(number);
        }
    }

    /// Is it over as soon as it begins?
    fn is_brief(&self, task: &Task) -> bool {
        let runs = |number| self.running.iter().any(|task| task.number == number);
        task.waits_for.is_some_and(|number| !runs(number))
    }

    /// The oldest run: one on each worker, and one on the keeper when all are busy. Each
    /// is told of, for it holds its thread.
    fn settle(&mut self, active: usize) {
        while self.running.len() <= active {
            let Some(task) = self.waiting.pop_front() else { break };
            let (number, is_brief) = (task.number, self.is_brief(&task));
            self.running.push(task);
            self.await_running();
            if is_brief {
                self.end(number);
            }
        }
        let started = self.seen.started.lock().unwrap();
        let at = |task: &Task| started.iter().find(|&&(number, _)| number == task.number);
        let mut places: Vec<_> =
            self.running.iter().map(|task| at(task).expect("it runs").1).collect();
        places.sort_unstable();
        let busy = places.len();
        places.dedup();
        assert_eq!(places.len(), busy, "each on a thread of its own: {started:?}");
        assert!(self.waiting.iter().all(|task| at(task).is_none()), "too many: {started:?}");
        drop(started);
        let told = || self.seen.told.lock().unwrap().clone();
        let is_told = |task: &Task| told().contains(&(task.number, task.waits_for));
        until(|| self.running.iter().all(is_told), || format!("told are {:?}", told()));
    }

    fn await_running(&self) {
        let started = || self.seen.started.lock().unwrap().clone();
        let runs = |task: &Task| started().iter().any(|&(number, _)| number == task.number);
        until(|| self.running.iter().all(runs), || format!("started are {:?}", started()));
    }
}
