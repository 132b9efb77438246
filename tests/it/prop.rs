//! Random programs against a sequential model of them.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;

use heist::{JoinError, JoinHandle, Priority, ThreadPool};
use proptest::prelude::*;

use crate::support::{Count, Token, builder, poll, until, within_a_minute};

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// A program. Its nodes lie in a list, children after their parents.
#[derive(Clone, Debug)]
enum Node<Child> {
    Leaf(u64),
    Panic,
    Join(Child, Child),
    Scope(Vec<Child>),
    /// Tasks, joined in the order they were spawned or against it.
    Spawn(Vec<Child>, bool),
    /// A task that is cancelled as soon as it is spawned.
    Cancel(Child),
}

#[derive(Clone, Debug)]
struct Tree(Node<Box<Tree>>);

fn trees() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        9 => (0..1000_u64).prop_map(|value| Tree(Node::Leaf(value))),
        1 => Just(Tree(Node::Panic)),
    ];
    leaf.prop_recursive(6, 60, 4, |below| {
        let one = below.prop_map(Box::new);
        let many = prop::collection::vec(one.clone(), 0..5);
        prop_oneof![
            3 => (one.clone(), one.clone()).prop_map(|(a, b)| Tree(Node::Join(a, b))),
            3 => many.clone().prop_map(|children| Tree(Node::Scope(children))),
            3 => (many, any::<bool>()).prop_map(|(children, back)| Tree(Node::Spawn(children, back))),
            1 => one.prop_map(|child| Tree(Node::Cancel(child))),
        ]
    })
}

/// Lays a tree out as a list; returns the place of its root.
fn lay_out(tree: Tree, list: &mut Vec<Node<usize>>) -> usize {
    let place = list.len();
    list.push(Node::Panic);
    let mut lay = |child: Box<Tree>| lay_out(*child, list);
    let node = match tree.0 {
        Node::Leaf(value) => Node::Leaf(value),
        Node::Panic => Node::Panic,
        Node::Join(a, b) => Node::Join(lay(a), lay(b)),
        Node::Scope(children) => Node::Scope(children.into_iter().map(lay).collect()),
        Node::Spawn(children, back) => Node::Spawn(children.into_iter().map(lay).collect(), back),
        Node::Cancel(child) => Node::Cancel(lay(child)),
    };
    list[place] = node;
    place
}

/// A program while it runs.
struct Run {
    nodes: Vec<Node<usize>>,
    /// How often each node ran.
    visits: Vec<Count>,
    /// How often each node was cancelled before it ran.
    cancelled: Vec<Count>,
    /// Drops of what the tasks captured.
    dropped: Arc<Count>,
}

impl Run {
    fn visit(self: &Arc<Run>, at: usize) -> u64 {
        self.visits[at].add();
        match &self.nodes[at] {
            Node::Leaf(value) => *value,
            Node::Panic => panic::resume_unwind(Box::new(at)),
            Node::Join(a, b) => {
                let (a, b) = heist::join(|| self.visit(*a), || self.visit(*b));
                a + b
            }
            Node::Scope(children) => {
                let sum = Mutex::new(0);
                heist::scope(|s| {
                    for child in children {
                        s.spawn(|_| {
                            let value = self.visit(*child);
                            *sum.lock().unwrap() += value;
                        });
                    }
                });
                sum.into_inner().unwrap()
            }
            Node::Spawn(children, back) => {
                let mut tasks: Vec<_> = children.iter().map(|child| self.task(*child)).collect();
                if *back {
                    tasks.reverse();
                }
                tasks.into_iter().map(|task| value(task.join())).sum()
            }
            Node::Cancel(child) => {
                let task = self.task(*child);
                if !task.cancel() {
                    return value(task.join());
                }
                self.cancelled[*child].add();
                assert!(task.join().unwrap_err().is_cancelled());
                0
            }
        }
    }

    fn task(self: &Arc<Run>, at: usize) -> JoinHandle<u64> {
        let (run, token) = (self.clone(), Token(self.dropped.clone()));
        heist::spawn(move || {
            let _token = token;
            run.visit(at)
        })
    }
}

/// What a task is worth to the one who joins it.
fn value(result: Result<u64, JoinError>) -> u64 {
    result.unwrap_or_else(|error| {
        assert!(error.is_panic(), "a task that nobody cancelled: {error:?}");
        1
    })
}

/// The sequential model: the value of a node, or the panics it may end with.
struct Model<'run> {
    run: &'run Run,
    visits: Vec<usize>,
    tasks: usize,
}

impl Model<'_> {
    fn visit(&mut self, at: usize) -> Result<u64, Vec<usize>> {
        self.visits[at] += 1;
        match &self.run.nodes[at] {
            Node::Leaf(value) => Ok(*value),
            Node::Panic => Err(vec![at]),
            Node::Join(a, b) => {
                let (a, b) = (self.visit(*a), self.visit(*b));
                Ok(a? + b?)
            }
            Node::Scope(children) => {
                let (mut sum, mut panics) = (0, Vec::new());
                for child in children {
                    match self.visit(*child) {
                        Ok(value) => sum += value,
                        Err(more) => panics.extend(more),
                    }
                }
                if panics.is_empty() { Ok(sum) } else { Err(panics) }
            }
            Node::Spawn(children, _) => {
                self.tasks += children.len();
                Ok(children.iter().map(|child| self.visit(*child).unwrap_or(1)).sum())
            }
            Node::Cancel(child) => {
                self.tasks += 1;
                let ran = self.run.cancelled[*child].get() == 0;
                Ok(if ran { self.visit(*child).unwrap_or(1) } else { 0 })
            }
        }
    }
}

/// Where a program starts.
#[derive(Clone, Copy, Debug)]
enum Door {
    Install,
    Guest,
    HandedOver,
    Task,
}

fn run_and_compare(tree: Tree, threads: usize, door: Door) {
    let mut nodes = Vec::new();
    let root = lay_out(tree, &mut nodes);
    let counts = || nodes.iter().map(|_| Count::default()).collect();
    let (visits, cancelled) = (counts(), counts());
    let run = Arc::new(Run { nodes, visits, cancelled, dropped: Count::shared() });

    let guests = if matches!(door, Door::HandedOver) { 0 } else { 8 };
    let pool = builder(threads).max_guests(guests).build().unwrap();
    let outcome: Result<u64, Box<dyn Any + Send>> = match door {
        Door::Install => catch_unwind(AssertUnwindSafe(|| pool.install(|| run.visit(root)))),
        Door::Guest | Door::HandedOver => {
            catch_unwind(AssertUnwindSafe(|| pool.scope(|_| run.visit(root))))
        }
        Door::Task => {
            let task = run.clone();
            pool.spawn(move || task.visit(root)).join().map_err(JoinError::into_panic)
        }
    };

    let mut model = Model { run: &run, visits: vec![0; run.nodes.len()], tasks: 0 };
    let expected = model.visit(root);
    match (outcome, expected) {
        (Ok(sum), Ok(expected)) => assert_eq!(sum, expected),
        (Err(payload), Err(allowed)) => {
            let from = payload.downcast::<usize>().expect("the place of a panic");
            assert!(allowed.contains(&from), "{from} of {allowed:?}");
        }
        (outcome, expected) => panic!("{outcome:?} but expected {expected:?}"),
    }
    let visits: Vec<usize> = run.visits.iter().map(Count::get).collect();
    assert_eq!(visits, model.visits);
    assert_law(&pool, model.tasks + usize::from(matches!(door, Door::Task)));
    let cancelled: usize = run.cancelled.iter().map(Count::get).sum();
    assert_eq!(pool.metrics().tasks_cancelled() as usize, cancelled);
    pool.shutdown();
    assert_eq!(run.dropped.get(), model.tasks);
}

/// Each task that was spawned has come to its end.
fn assert_law(pool: &ThreadPool, spawned: usize) {
    let ended = || {
        let now = pool.metrics();
        now.tasks_completed() + now.tasks_panicked() + now.tasks_cancelled()
    };
    until(|| ended() as usize == spawned);
    assert_eq!(pool.metrics().tasks_spawned() as usize, spawned);
}

#[test]
fn any_tree_of_forks_and_tasks_does_what_it_does_on_one_thread() {
    within_a_minute(|| {
        let doors = prop_oneof![
            Just(Door::Install),
            Just(Door::Guest),
            Just(Door::HandedOver),
            Just(Door::Task)
        ];
        proptest!(config(250), |(tree in trees(), threads in 1..=8_usize, door in doors)| {
            run_and_compare(tree, threads, door);
        });
    });
}

/// What an outside thread may do with a pool.
#[derive(Clone, Debug)]
enum Act {
    Spawn(u8),
    TrySpawn(u8),
    SpawnTimeout(u8),
    SpawnAsync(u8),
    Cancel(prop::sample::Index),
    Join(prop::sample::Index),
    Forget(prop::sample::Index),
    Fork,
    Close,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        6 => any::<u8>().prop_map(Act::Spawn),
        6 => any::<u8>().prop_map(Act::TrySpawn),
        2 => any::<u8>().prop_map(Act::SpawnTimeout),
        4 => any::<u8>().prop_map(Act::SpawnAsync),
        3 => any::<prop::sample::Index>().prop_map(Act::Cancel),
        3 => any::<prop::sample::Index>().prop_map(Act::Join),
        2 => any::<prop::sample::Index>().prop_map(Act::Forget),
        2 => Just(Act::Fork),
        1 => Just(Act::Close),
    ];
    prop::collection::vec(act, 0..80)
}

/// Does all of it, and checks that each task ran once, was cancelled or came back.
fn act_and_account(acts: Vec<Act>, threads: usize, capacity: usize, now: bool) {
    let pool = builder(threads).injector_capacity(capacity).panic_handler(drop).build().unwrap();
    let [ran, dropped] = [(); 2].map(|()| Count::shared());
    let (mut made, mut came_back, mut cancelled, mut forgotten) = (0, 0, 0, 0);
    let mut handles = Vec::new();
    let mut settle = |result: Result<(), JoinError>| {
        cancelled += usize::from(result.is_err_and(|error| error.is_cancelled()));
    };
    for act in acts {
        let job = || {
            let (ran, token) = (ran.clone(), Token(dropped.clone()));
            move |seed: u8| {
                let _token = token;
                ran.add();
                heist::join(
                    || (),
                    || {
                        if seed % 16 == 0 {
                            panic::resume_unwind(Box::new(()))
                        }
                    },
                );
            }
        };
        let spawned = match act {
            Act::Spawn(seed) | Act::TrySpawn(seed) => {
                let task = pool.task().priority(priority(seed));
                let job = job();
                let job = move || job(seed);
                if matches!(act, Act::Spawn(_)) {
                    Ok(task.spawn(job))
                } else {
                    task.try_spawn(job).map_err(drop)
                }
            }
            Act::SpawnTimeout(seed) => {
                let (job, time) = (job(), Duration::from_micros(seed.into()));
                pool.spawn_timeout(move || job(seed), time).map_err(drop)
            }
            Act::SpawnAsync(seed) => {
                let job = job();
                let mut waiting = Box::pin(pool.spawn_async(move || job(seed)));
                match poll(waiting.as_mut(), Waker::noop()) {
                    Poll::Ready(result) => result.map_err(drop),
                    Poll::Pending => Err(()),
                }
            }
            Act::Cancel(_) | Act::Join(_) | Act::Forget(_) if handles.is_empty() => continue,
            Act::Cancel(which) => {
                let handle: &JoinHandle<()> = which.get(&handles);
                handle.cancel();
                continue;
            }
            Act::Join(which) => {
                settle(handles.swap_remove(which.index(handles.len())).join());
                continue;
            }
            Act::Forget(which) => {
                drop(handles.swap_remove(which.index(handles.len())));
                forgotten += 1;
                continue;
            }
            Act::Fork => {
                assert_eq!(pool.join(|| 1, || 2), (1, 2));
                continue;
            }
            Act::Close => {
                pool.close();
                continue;
            }
        };
        made += 1;
        match spawned {
            Ok(handle) => handles.push(handle),
            Err(()) => came_back += 1,
        }
    }
    if now {
        pool.shutdown_now();
    } else {
        pool.shutdown();
    }
    handles.into_iter().for_each(|handle| settle(handle.join()));
    assert_eq!(dropped.get(), made);
    let rest = made - came_back - cancelled - ran.get();
    assert!(rest <= forgotten, "{rest} tasks are missing, {forgotten} were forgotten");
}

fn priority(seed: u8) -> Priority {
    [Priority::High, Priority::Normal, Priority::Low][usize::from(seed % 3)]
}

#[test]
fn whatever_an_outside_thread_does_each_task_runs_once_or_is_accounted_for() {
    within_a_minute(|| {
        proptest!(config(250), |(
            acts in acts(), threads in 1..=4_usize, capacity in 1..=8_usize, now in any::<bool>(),
        )| {
            act_and_account(acts, threads, capacity, now);
        });
    });
}
