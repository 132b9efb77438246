//! By which verb a task comes, with which options, and what it does.

use std::future::Future;
use std::panic;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use heist::{BulkheadTaskBuilder, CancellationToken, JoinHandle, TaskBuilder, TrySpawnError};
use proptest::prelude::*;

use crate::gate::Gate;

#[derive(Clone, Copy, Debug)]
pub(crate) struct How {
    pub(crate) verb: Verb,
    pub(crate) limit: Limit,
    pub(crate) within: Within,
    pub(crate) panics: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    /// As `Try` if it would block.
    Spawn,
    Try,
    /// That does not wait.
    Timeout,
    /// Polled once.
    Async,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    None,
    Token,
    /// A deadline that has passed.
    Past,
    /// A deadline and a time-out that are far away.
    Far,
    /// A time-out at once.
    Brief,
}

/// What it waits in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Within {
    Nothing,
    Blocking,
    Isolated,
}

/// What the verb will find.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub(crate) is_full: bool,
    pub(crate) is_closed: bool,
}

/// The handle; or was it closed, and not full?
pub(crate) type Spawned = Result<JoinHandle<()>, bool>;

const FAR: Duration = Duration::from_secs(3600);

pub(crate) fn hows() -> impl Strategy<Value = How> {
    let verb = prop::sample::select(vec![Verb::Spawn, Verb::Try, Verb::Timeout, Verb::Async]);
    let limit = prop_oneof![
        6 => Just(Limit::None),
        4 => Just(Limit::Token),
        1 => Just(Limit::Past),
        2 => Just(Limit::Far),
        1 => Just(Limit::Brief),
    ];
    let within = prop_oneof![
        4 => Just(Within::Nothing),
        1 => Just(Within::Blocking),
        1 => Just(Within::Isolated),
    ];
    (verb, limit, within, prop::bool::weighted(0.25))
        .prop_map(|(verb, limit, within, panics)| How { verb, limit, within, panics })
}

impl How {
    pub(crate) fn task(self, gate: &Arc<Gate>) -> impl FnOnce() + Send + 'static {
        let gate = gate.clone();
        move || {
            match self.within {
                Within::Nothing => gate.pass(),
                Within::Blocking => heist::blocking(|| gate.pass()),
                Within::Isolated => heist::isolated(|| {
                    assert_eq!(heist::join(|| 1, || heist::join(|| 2, || 3)), (1, (2, 3)));
                    gate.pass();
                }),
            }
            assert!(heist::is_cancelled() || self.limit != Limit::Brief);
            self.end();
        }
    }

    pub(crate) fn future(self, gate: &Arc<Gate>) -> impl Future<Output = ()> + Send + 'static {
        let gate = gate.clone();
        async move {
            gate.passed().await;
            self.end();
        }
    }

    fn end(self) {
        if self.panics {
            panic::resume_unwind(Box::new("on purpose"));
        }
    }
}

impl Limit {
    pub(crate) fn of_task<'p>(
        self,
        task: TaskBuilder<'p>,
        token: &CancellationToken,
    ) -> TaskBuilder<'p> {
        match self {
            Limit::None => task,
            Limit::Token => task.cancel_token(token),
            Limit::Past => task.deadline(Instant::now()),
            Limit::Far => task.deadline(Instant::now() + FAR).timeout(FAR),
            Limit::Brief => task.timeout(Duration::ZERO),
        }
    }

    pub(crate) fn of_class<'b>(
        self,
        task: BulkheadTaskBuilder<'b>,
        token: &CancellationToken,
    ) -> BulkheadTaskBuilder<'b> {
        match self {
            Limit::None => task,
            Limit::Token => task.cancel_token(token),
            Limit::Past => task.deadline(Instant::now()),
            Limit::Far => task.deadline(Instant::now() + FAR).timeout(FAR),
            Limit::Brief => task.timeout(Duration::ZERO),
        }
    }
}

impl Verb {
    pub(crate) fn spawn(
        self,
        task: TaskBuilder<'_>,
        now: Now,
        f: impl FnOnce() + Send + 'static,
    ) -> Spawned {
        match self {
            Verb::Spawn => accepted(task.spawn(f), now.is_closed),
            Verb::Try => said(task.try_spawn(f)),
            Verb::Timeout => said(task.spawn_timeout(f, Duration::ZERO)),
            Verb::Async => polled(task.spawn_async(f)),
        }
    }

    pub(crate) fn spawn_keyed(
        self,
        task: TaskBuilder<'_>,
        now: Now,
        key: usize,
        f: impl FnOnce() + Send + 'static,
    ) -> Spawned {
        match self {
            Verb::Spawn => accepted(task.spawn_keyed(key, f), now.is_closed),
            Verb::Try => said(task.try_spawn_keyed(key, f)),
            Verb::Timeout => said(task.spawn_keyed_timeout(key, f, Duration::ZERO)),
            Verb::Async => polled(task.spawn_keyed_async(key, f)),
        }
    }

    pub(crate) fn spawn_future(
        self,
        task: TaskBuilder<'_>,
        now: Now,
        future: impl Future<Output = ()> + Send + 'static,
    ) -> Spawned {
        match self {
            Verb::Spawn => accepted(task.spawn_future(future), now.is_closed),
            Verb::Try => said(task.try_spawn_future(future)),
            Verb::Timeout => said(task.spawn_future_timeout(future, Duration::ZERO)),
            Verb::Async => polled(task.spawn_future_async(future)),
        }
    }

    pub(crate) fn spawn_in_class(
        self,
        task: BulkheadTaskBuilder<'_>,
        now: Now,
        f: impl FnOnce() + Send + 'static,
    ) -> Spawned {
        match self {
            Verb::Spawn if !now.is_full => accepted(task.spawn(f), now.is_closed),
            Verb::Spawn | Verb::Try => said(task.try_spawn(f)),
            Verb::Timeout => said(task.spawn_timeout(f, Duration::ZERO)),
            Verb::Async if !now.is_full => polled(task.spawn_async(f)),
            // It would stay in line, uncounted.
            Verb::Async => said(task.try_spawn(f)),
        }
    }
}

fn said<F>(spawned: Result<JoinHandle<()>, TrySpawnError<F>>) -> Spawned {
    spawned.map_err(|refused| refused.is_closed())
}

fn accepted(handle: JoinHandle<()>, is_closed: bool) -> Spawned {
    if !is_closed {
        return Ok(handle);
    }
    assert!(handle.join().unwrap_err().is_cancelled());
    Err(true)
}

fn polled<F>(spawned: impl Future<Output = Result<JoinHandle<()>, TrySpawnError<F>>>) -> Spawned {
    match pin!(spawned).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(spawned) => said(spawned),
        Poll::Pending => panic!("there is room"),
    }
}
