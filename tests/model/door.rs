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
    LetGo(Index),
    Cancel(Index),
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let which = || any::<Index>();
    let step = prop_oneof![
        4 => Just(Step::Hold),
        2 => which().prop_map(Step::LetGo),
        1 => which().prop_map(Step::Cancel),
    ];
    vec(step, 1..12)
}

struct Task {
    number: usize,
    gate: Opener,
    handle: JoinHandle<()>,
}

#[derive(Default)]
struct Seen {
    /// Who has started, and on which worker: none is the keeper.
    started: Mutex<Vec<(usize, Option<usize>)>>,
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
            assert_eq!(stall.cause(), &StallCause::Running);
            let number = stall.task().expect("all have names").parse().expect("its number");
            seen.told.lock().unwrap().push((number, stall.worker()));
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
        task.handle.join().expect("it was let go");
    }
    assert_eq!(door.pool.active_threads(), 1, "set by hand");
    let Door { pool, seen, .. } = door;
    pool.shutdown();
    let mut told: Vec<_> = seen.told.lock().unwrap().iter().map(|&(number, _)| number).collect();
    told.sort_unstable();
    let once = told.len();
    told.dedup();
    assert_eq!(told.len(), once, "each task is told once");
    assert_eq!(*seen.panics.lock().unwrap(), 0);
}

impl Door {
    fn obey(&mut self, step: Step) {
        match step {
            Step::Hold => {
                let (number, seen, gate) = (self.next, self.seen.clone(), Opener::default());
                self.next += 1;
                let pass = gate.0.clone();
                let handle = self.pool.task().name(number.to_string()).spawn(move || {
                    let index = heist::current_thread_index();
                    seen.started.lock().unwrap().push((number, index));
                    pass.pass();
                });
                self.waiting.push_back(Task { number, gate, handle });
            }
            Step::LetGo(which) if !self.running.is_empty() => {
                let task = self.running.swap_remove(which.index(self.running.len()));
                task.gate.0.open();
                task.handle.join().expect("it was let go");
            }
            Step::Cancel(which) if !self.waiting.is_empty() => {
                let task = self.waiting.remove(which.index(self.waiting.len())).expect("there");
                assert!(task.handle.cancel(), "it has not begun");
            }
            _ => (),
        }
    }

    /// The oldest run: one on each worker, and one on the keeper when all are busy. Each
    /// is told of, for it holds its thread.
    fn settle(&mut self, active: usize) {
        while self.running.len() <= active {
            self.running.extend(self.waiting.pop_front());
            let all = self.waiting.is_empty();
            self.await_running();
            if all {
                break;
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
        let is_told = |task: &Task| told().iter().any(|&(number, _)| number == task.number);
        until(|| self.running.iter().all(is_told), || format!("told are {:?}", told()));
    }

    fn await_running(&self) {
        let started = || self.seen.started.lock().unwrap().clone();
        let runs = |task: &Task| started().iter().any(|&(number, _)| number == task.number);
        until(|| self.running.iter().all(runs), || format!("started are {:?}", started()));
    }
}
