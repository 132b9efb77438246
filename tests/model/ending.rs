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
    InsideDrop,
    InsideNow,
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
    let inside = matches!(how, End::InsideDrop | End::InsideNow) && !model.closed;
    let (say, gone) = mpsc::channel();
    // On a thread of its own, so that the gates can be opened meanwhile, and a
    // hang is a failure.
    let ending = thread::spawn(move || {
        let outcome = match how {
            _ if inside => {
                let (give, take) = mpsc::channel::<ThreadPool>();
                let ends = move || match (how, take.recv().expect("the pool")) {
                    (End::InsideNow, pool) => _ = pool.shutdown_now(),
                    (_, pool) => drop(pool),
                };
                drop(pool.spawn(ends));
                give.send(pool).expect("a task that waits for it");
                Gone::Late(0)
            }
            End::Shutdown => {
                pool.shutdown();
                Gone::Whole
            }
            End::Now | End::InsideNow => Gone::Dropped(pool.shutdown_now()),
            End::AtOnce => match pool.shutdown_timeout(Duration::ZERO) {
                Ok(()) => Gone::Whole,
                Err(late) => Gone::Late(late.unfinished()),
            },
            End::Drop | End::InsideDrop => {
                drop(pool);
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
