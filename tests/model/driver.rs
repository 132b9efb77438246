//! Does with a pool what the commands say, and looks whether the model agrees.

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use heist::{
    CancellationToken, JoinError, JoinHandle, Priority, TaskState, ThreadPool, TrySpawnError,
};
use proptest::sample::Index;

use crate::ending::{End, end};
use crate::regions::Region;
use crate::state::{Answer, Body, Stage, State};
use crate::world::{OpenAll, OpenIfPanics, Setup, World, pool, until};

/// In which nobody makes room.
const MOMENT: Duration = Duration::from_micros(100);
const NEVER: Duration = Duration::from_secs(3600);

#[derive(Clone, Debug)]
pub(crate) enum Command {
    /// Into a lane; like the next if it would block.
    Spawn(usize, Body),
    TrySpawn(usize, Body),
    /// With no time at all, or a little.
    SpawnTimeout(usize, Body, bool),
    /// With time enough: somebody makes room, by one task after another that is let go; or closes
    /// the pool.
    SpawnInTime(usize, Body, Option<Index>),
    SpawnAsync(usize, Body),
    /// As `TrySpawn`, with a token.
    SpawnLimited(usize, Body),
    /// A future in line.
    Poll(Index),
    LeaveLine(Index),
    /// The gate of a task that runs.
    Open(Index),
    Cancel(Index),
    /// The token of a task.
    CancelToken(Index),
    /// The one that all tokens descend from.
    CancelTokens,
    /// Joins, if that does not block.
    Join(Index),
    Forget(Index),
    Enter(Region),
    Install,
    /// On every worker, one of which may panic.
    Broadcast(Option<Index>),
    /// So many workers, and one.
    SetActive(Index),
    Close,
}

const LANES: [Priority; 3] = [Priority::High, Priority::Normal, Priority::Low];

type Handles = BTreeMap<usize, JoinHandle<usize>>;

type Waiting<'p> = BTreeMap<usize, Pin<Box<dyn Future<Output = Spawned> + 'p>>>;

/// A spawn's answer; a closure that came back is dropped, unrun.
type Spawned = Result<JoinHandle<usize>, Answer>;

struct Driver<'p> {
    pool: &'p ThreadPool,
    world: &'p Arc<World>,
    model: State,
    handles: Handles,
    waiting: Waiting<'p>,
    root: CancellationToken,
    tokens: BTreeMap<usize, CancellationToken>,
}

pub(crate) fn drive(setup: Setup, commands: Vec<Command>, how: End) {
    let world = Arc::new(World::default());
    let pool = pool(setup, &world);
    let open_all = OpenAll(world.clone());
    let (model, handles) = obey_all(State::new(setup), &pool, &world, commands);
    end(how, pool, &world, model, handles);
    drop(open_all);
}

fn obey_all(
    model: State,
    pool: &ThreadPool,
    world: &Arc<World>,
    commands: Vec<Command>,
) -> (State, Handles) {
    let (handles, waiting) = (Handles::new(), Waiting::new());
    let (root, tokens) = (CancellationToken::new(), BTreeMap::new());
    let mut driver = Driver { pool, world, model, handles, waiting, root, tokens };
    for command in commands {
        driver.obey(command);
        driver.settle();
    }
    for (number, future) in std::mem::take(&mut driver.waiting) {
        drop(future);
        driver.model.leave_line(number);
    }
    (driver.model, driver.handles)
}

/// What a spawn said, without the closure.
fn answer<F>(result: Result<JoinHandle<usize>, TrySpawnError<F>>) -> Spawned {
    result.map_err(|refused| match refused {
        TrySpawnError::Full(_) => Answer::Full,
        TrySpawnError::Closed(_) => Answer::Closed,
    })
}

fn poll(future: Pin<&mut (dyn Future<Output = Spawned> + '_)>) -> Poll<Spawned> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

impl Driver<'_> {
    fn obey(&mut self, command: Command) {
        match command {
            Command::Spawn(lane, body) => {
                let allowed = self.model.allows(lane);
                if allowed.contains(&Answer::Full) {
                    return self.obey(Command::TrySpawn(lane, body));
                }
                let number = self.model.add(lane, body);
                let task = self.pool.task().priority(LANES[lane]);
                let handle = task.spawn(self.world.task(number, body));
                self.spawned(
                    number,
                    if allowed == [Answer::Closed] {
                        assert!(handle.join().unwrap_err().is_cancelled());
                        Err(Answer::Closed)
                    } else {
                        Ok(handle)
                    },
                );
            }
            Command::TrySpawn(lane, body) => {
                let number = self.model.add(lane, body);
                let task = self.pool.task().priority(LANES[lane]);
                let result = task.try_spawn(self.world.task(number, body));
                self.spawned(number, answer(result));
            }
            Command::SpawnTimeout(lane, body, waits) => {
                let number = self.model.add(lane, body);
                let task = self.pool.task().priority(LANES[lane]);
                let (start, time) = (Instant::now(), if waits { MOMENT } else { Duration::ZERO });
                let result = task.spawn_timeout(self.world.task(number, body), time);
                let is_full = result.as_ref().is_err_and(TrySpawnError::is_full);
                assert!(!is_full || start.elapsed() >= time, "{number} was sent away early");
                self.spawned(number, answer(result));
            }
            Command::SpawnInTime(lane, body, opened) => match self.model.allows(lane)[..] {
                [Answer::Full] if self.model.is_first_in_line(lane) => {
                    self.spawn_in_time(lane, body, opened);
                }
                _ => self.obey(Command::SpawnTimeout(lane, body, true)),
            },
            Command::SpawnAsync(lane, body) => {
                let number = self.model.add(lane, body);
                let task = self.pool.task().priority(LANES[lane]);
                let task = task.spawn_async(self.world.task(number, body));
                let mut future: Pin<Box<dyn Future<Output = Spawned>>> =
                    Box::pin(async { answer(task.await) });
                match poll(future.as_mut()) {
                    Poll::Ready(spawned) => self.spawned(number, spawned),
                    Poll::Pending => {
                        self.model.join_line(number);
                        self.waiting.insert(number, future);
                    }
                }
            }
            Command::SpawnLimited(lane, body) => {
                let number = self.model.add(lane, body);
                let token = self.root.child_token();
                let task = self.pool.task().priority(LANES[lane]).cancel_token(&token);
                let result = task.try_spawn(self.world.task(number, body));
                self.spawned(number, answer(result));
                self.tokens.insert(number, token);
            }
            Command::Poll(which) => {
                let Some(number) = pick(which, self.waiting.keys()) else { return };
                let future = self.waiting.get_mut(&number).expect("it waits");
                let Poll::Ready(spawned) = poll(future.as_mut()) else {
                    return self.model.polled(number, None);
                };
                self.waiting.remove(&number);
                let answer = spawned.as_ref().err().copied().unwrap_or(Answer::Accepted);
                self.model.polled(number, Some(answer));
                self.handles.extend(spawned.ok().map(|handle| (number, handle)));
            }
            Command::LeaveLine(which) => {
                let Some(number) = pick(which, self.waiting.keys()) else { return };
                self.waiting.remove(&number);
                self.model.leave_line(number);
            }
            Command::Open(which) => {
                let running = self.model.with(Stage::Running);
                let Some(number) = pick(which, running.iter()) else { return };
                self.model.finish(number);
                self.world.open(number);
            }
            Command::Cancel(which) => {
                let Some(number) = pick(which, self.handles.keys()) else { return };
                let handle = &self.handles[&number];
                assert_eq!(handle.cancel(), self.model.cancel(number), "cancelled {number}");
            }
            Command::CancelToken(which) => {
                let Some(number) = pick(which, self.tokens.keys()) else { return };
                self.tokens[&number].cancel();
                self.token_cancelled(number);
            }
            Command::CancelTokens => {
                std::mem::take(&mut self.root).cancel();
                for number in std::mem::take(&mut self.tokens).into_keys() {
                    self.token_cancelled(number);
                }
            }
            Command::Join(which) => {
                let Some(number) = pick(which, self.handles.keys()) else { return };
                let handle = self.handles.remove(&number).expect("a handle");
                match handle.join_timeout(Duration::ZERO) {
                    Ok(result) => check(number, result, self.model.tasks[number].stage),
                    Err(handle) => {
                        let stage = self.model.tasks[number].stage;
                        let waits = matches!(stage, Stage::Queued | Stage::Loose | Stage::Running);
                        assert!(waits, "{number} is {stage:?}, its handle waits");
                        self.handles.insert(number, handle);
                    }
                }
            }
            Command::Forget(which) => {
                let Some(number) = pick(which, self.handles.keys()) else { return };
                self.handles.remove(&number);
                self.model.detach(number);
            }
            Command::Enter(region) => {
                // Without a seat it takes a worker.
                if !self.model.is_busy() || self.model.guests > 0 {
                    region.run(self.pool);
                }
            }
            Command::Install => {
                if !self.model.is_busy() {
                    let index = self.pool.install(heist::current_thread_index);
                    assert!(index.is_some_and(|index| index < self.pool.num_threads()));
                }
            }
            Command::Broadcast(panics) => {
                if self.model.with(Stage::Running).is_empty() {
                    broadcast(self.pool, panics);
                }
            }
            Command::SetActive(which) => {
                let threads = self.pool.num_threads();
                let active = which.index(threads) + 1;
                self.pool.set_active_threads(active).expect("in range");
                let to_rest = self.model.set_active(active, threads);
                self.world.await_rest(self.pool, &to_rest);
            }
            Command::Close => {
                self.model.close();
                self.pool.close();
            }
        }
    }

    /// Somebody waits for room until there is some, or never will be.
    fn spawn_in_time(&mut self, lane: usize, body: Body, opened: Option<Index>) {
        let number = self.model.add(lane, body);
        let (pool, world) = (self.pool, self.world);
        let task = world.task(number, body);
        let spawned = thread::scope(|s| {
            let _open = OpenIfPanics(world);
            let builder = pool.task().priority(LANES[lane]);
            let waits = s.spawn(|| answer(builder.spawn_timeout(task, NEVER)));
            let blocked = || pool.metrics().lanes[lane].blocked_submitters;
            until(|| blocked() == 1, || format!("{number} does not wait"));
            self.model.join_line(number);
            match opened {
                Some(which) => {
                    while !self.model.enter_if_served(number) {
                        assert!(!waits.is_finished(), "{number} does not wait any more");
                        self.obey(Command::Open(which));
                        self.settle_for(Some(number));
                    }
                }
                None => {
                    self.obey(Command::Close);
                    self.model.polled(number, Some(Answer::Closed));
                }
            }
            until(|| waits.is_finished(), || format!("{number} waits for ever"));
            waits.join().expect("a spawn does not panic")
        });
        assert_eq!(spawned.as_ref().err(), opened.is_none().then_some(&Answer::Closed));
        self.handles.extend(spawned.ok().map(|handle| (number, handle)));
    }

    /// When a token was cancelled its task is done, or goes on.
    fn token_cancelled(&mut self, number: usize) {
        if self.model.cancel(number) {
            let state = self.handles.get(&number).map(JoinHandle::state);
            assert!(state.is_none_or(|state| state == TaskState::Cancelled), "{state:?}");
        }
    }

    fn spawned(&mut self, number: usize, spawned: Spawned) {
        let answer = spawned.as_ref().err().copied().unwrap_or(Answer::Accepted);
        self.model.answered(number, answer);
        self.handles.extend(spawned.ok().map(|handle| (number, handle)));
    }

    /// Waits until the pool has done what it does by itself, and compares.
    fn settle(&mut self) {
        self.settle_for(None);
    }

    /// The same while somebody may wait for room.
    fn settle_for(&mut self, waits: Option<usize>) {
        let before = self.model.started;
        let free = !self.model.is_busy();
        let started = self.world.await_started(before + self.model.to_start());
        if free {
            self.model.start(&started[before..]);
        }
        // Whoever made room has put it in.
        waits.into_iter().for_each(|number| _ = self.model.enter_if_served(number));
        self.world.await_counts(self.pool, &self.model.expected());
        self.handles.extend(self.world.take_children());
        for (number, handle) in &self.handles {
            let stage = self.model.tasks[*number].stage;
            let state = state_of(stage);
            let done = !matches!(state, TaskState::Pending | TaskState::Running);
            let agrees = || handle.is_finished() == done && handle.state() == state;
            until(agrees, || format!("{number} is {stage:?}, not {:?}", handle.state()));
        }
        assert_eq!(self.model.started, started.len(), "{started:?}");
    }
}

/// What the handle says of a task.
fn state_of(stage: Stage) -> TaskState {
    match stage {
        Stage::Out | Stage::InLine | Stage::Queued | Stage::Loose => TaskState::Pending,
        Stage::Running => TaskState::Running,
        Stage::Completed => TaskState::Completed,
        Stage::Panicked => TaskState::Failed,
        Stage::Cancelled => TaskState::Cancelled,
    }
}

fn pick<'a>(which: Index, mut from: impl ExactSizeIterator<Item = &'a usize>) -> Option<usize> {
    if from.len() == 0 { None } else { from.nth(which.index(from.len())).copied() }
}

/// The result of a task is what becomes of tasks like that.
pub(crate) fn check(number: usize, result: Result<usize, JoinError>, stage: Stage) {
    match (result, stage) {
        (Ok(result), Stage::Completed) => assert_eq!(result, number),
        (Err(error), Stage::Panicked) if error.is_panic() => {
            assert_eq!(error.into_panic().downcast_ref(), Some(&number));
        }
        (Err(error), Stage::Cancelled) if error.is_cancelled() => (),
        (result, stage) => panic!("{number} is {stage:?}, its handle says {result:?}"),
    }
}

/// Once on every worker, also on those off duty; a panic is raised when all are done.
fn broadcast(pool: &ThreadPool, panics: Option<Index>) {
    let threads = pool.num_threads();
    let panics = panics.map(|which| which.index(threads));
    let ran = AtomicUsize::new(0);
    let all = panic::catch_unwind(AssertUnwindSafe(|| {
        pool.broadcast(|at| {
            assert_eq!(heist::current_thread_index(), Some(at.index()));
            ran.fetch_add(1, Ordering::SeqCst);
            if panics == Some(at.index()) {
                panic::resume_unwind(Box::new(at.index()));
            }
            at.index()
        })
    }));
    assert_eq!(ran.into_inner(), threads);
    match all {
        Ok(all) => assert_eq!((all, panics), ((0..threads).collect(), None)),
        Err(payload) => assert_eq!(payload.downcast_ref(), Some(&panics.expect("one panics"))),
    }
}
