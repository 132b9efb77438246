//! The ways a case ends, and what must be left of it: nothing.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use heist::{JoinHandle, ThreadPool};

use crate::driver::check;
use crate::state::{Body, Stage, State};
use crate::world::{World, until};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Shutdown,
    Now,
    /// `shutdown_timeout` that does not wait.
    AtOnce,
    Drop,
    /// One of the pool's own tasks closes it; it is shut down from outside.
    InsideClose,
    InsideShutdown,
    /// `shutdown_timeout`, for as long as it may take: it does not wait for its own task.
    InsideLate,
    InsideDrop,
    InsideNow,
}

impl End {
    pub(crate) const ALL: [End; 9] = [
        End::Shutdown,
        End::Now,
        End::AtOnce,
        End::Drop,
        End::InsideClose,
        End::InsideShutdown,
        End::InsideLate,
        End::InsideDrop,
        End::InsideNow,
    ];

    fn is_inside(self) -> bool {
        !matches!(self, End::Shutdown | End::Now | End::AtOnce | End::Drop)
    }

    /// Ends the pool in one of its own tasks, unless it comes back; of at most `tasks` that are
    /// not done.
    fn inside(self, pool: ThreadPool, tasks: usize) -> Option<ThreadPool> {
        let mut back = None;
        match self {
            End::InsideClose => {
                pool.close();
                back = Some(pool);
            }
            End::InsideShutdown => pool.shutdown(),
            End::InsideLate => {
                let unfinished = pool.shutdown_timeout(Duration::MAX).unwrap_err().unfinished();
                assert!((1..=tasks).contains(&unfinished), "{unfinished} of {tasks} unfinished");
            }
            End::InsideNow => _ = pool.shutdown_now(),
            _ => drop(pool),
        }
        assert!(heist::spawn(|| ()).join().unwrap_err().is_cancelled(), "it is closed");
        back
    }
}

/// How an end went.
enum Gone {
    Whole,
    Dropped(usize),
    Late(usize),
}

pub(crate) fn end(
    how: End,
    pool: ThreadPool,
    world: &Arc<World>,
    mut model: State,
    mut handles: BTreeMap<usize, JoinHandle<usize>>,
) {
    let threads = pool.num_threads();
    let queued = model.with(Stage::Queued);
    let due = queued.len() + model.with(Stage::Loose).len();
    let unfinished = due + model.with(Stage::Running).len();
    let inside = how.is_inside() && !model.closed;
    // With the children to come, and the task that ends the pool.
    let tasks = model.tasks.len() + 1;
    let (say, gone) = mpsc::channel();
    // On a thread of its own, so that the gates can be opened meanwhile, and a
    // hang is a failure.
    let ending = thread::spawn(move || {
        let outcome = match how {
            _ if inside => {
                let (give, take) = mpsc::channel::<ThreadPool>();
                let ends = move || how.inside(take.recv().expect("the pool"), tasks);
                let ender = pool.spawn(ends);
                give.send(pool).expect("a task that waits for it");
                match ender.join().expect("a task that was accepted, and does not panic") {
                    Some(closed) => {
                        closed.shutdown();
                        Gone::Whole
                    }
                    None => Gone::Late(0),
                }
            }
            End::Now | End::InsideNow => Gone::Dropped(pool.shutdown_now()),
            End::AtOnce => match pool.shutdown_timeout(Duration::ZERO) {
                Ok(()) => Gone::Whole,
                Err(late) => Gone::Late(late.unfinished()),
            },
            End::InsideLate => {
                pool.shutdown_timeout(Duration::MAX).expect("there is time");
                Gone::Whole
            }
            End::Drop | End::InsideDrop => {
                drop(pool);
                Gone::Whole
            }
            End::Shutdown | End::InsideShutdown | End::InsideClose => {
                pool.shutdown();
                Gone::Whole
            }
        };
        say.send(outcome).expect("the driver waits");
    });
    let discards = matches!(how, End::Now | End::InsideNow);
    // What waits in a lane is dropped before anything that runs can end, and
    // then all that waits is.
    let exact = discards && !inside && !queued.is_empty();
    match how {
        _ if exact => world.await_dropped(queued[0]),
        End::AtOnce => until(|| ending.is_finished(), || "shutdown_timeout hangs".to_owned()),
        _ => (),
    }
    world.open_all();
    let gone = gone.recv_timeout(Duration::from_secs(20)).expect("an end");
    ending.join().expect("an end without panic");
    let late = matches!(gone, Gone::Late(_));
    let exited = || world.threads_exited.load(SeqCst);
    if late {
        until(|| exited() == threads, || format!("{} of {threads} threads left", exited()));
    }
    assert_eq!(world.threads_started.load(SeqCst), threads);
    assert_eq!(exited(), threads);

    handles.extend(world.take_children());
    let mut cancelled = 0;
    for number in 0..model.tasks.len() {
        let ran = world.has_started(number);
        let task = &mut model.tasks[number];
        let waited = matches!(task.stage, Stage::Queued | Stage::Loose);
        if waited && discards {
            assert!(!(ran && exact), "{number} ran after shutdown_now");
            cancelled += usize::from(!ran);
        } else if waited {
            assert!(ran, "{number} was lost by {how:?}");
        }
        task.stage = match task.stage {
            Stage::Queued | Stage::Loose | Stage::Running if ran => match task.body {
                Body::Panic => Stage::Panicked,
                _ => Stage::Completed,
            },
            Stage::Queued | Stage::Loose => Stage::Cancelled,
            // A child whose parent ended meanwhile: in time, or refused.
            Stage::Out if ran => Stage::Completed,
            Stage::Out => Stage::Cancelled,
            ended => ended,
        };
    }
    match gone {
        Gone::Dropped(tasks) if exact => assert_eq!(tasks, cancelled),
        // And children that came in between.
        Gone::Dropped(tasks) => assert!(tasks >= cancelled),
        Gone::Late(tasks) if how == End::AtOnce => assert_eq!(tasks, unfinished),
        Gone::Late(_) => (),
        Gone::Whole => assert!(how != End::AtOnce || unfinished == 0, "{unfinished} unfinished"),
    }
    for (number, handle) in handles {
        check(number, handle.join(), model.tasks[number].stage);
    }
    let tokens = world.tokens();
    until(|| world.dropped() == tokens, || format!("{} of {tokens} drops", world.dropped()));
}
