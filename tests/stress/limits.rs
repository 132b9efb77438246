//! Tokens, deadlines, time-outs, and locks held in isolated sections.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use heist::{CancellationToken, JoinHandle};

use crate::books::{Books, add};
use crate::crew::{build, until};
use crate::rounds::{Dice, rounds};
use crate::watchdog::Pool;

/// What all tasks of a round know.
struct Round {
    root: CancellationToken,
    lock: Mutex<usize>,
    locked: AtomicUsize,
    timed_out: AtomicUsize,
}

/// What a task was given, and whether it has begun.
#[derive(Default)]
struct Task {
    has_token: bool,
    has_deadline: bool,
    has_timeout: bool,
    begun: AtomicBool,
}

impl Round {
    fn spawn(self: &Arc<Self>, pool: &Pool, dice: &Dice) -> (Arc<Task>, JoinHandle<()>) {
        let task = Arc::new(Task {
            has_token: dice.one_in(2),
            has_deadline: dice.one_in(3),
            has_timeout: dice.one_in(3),
            ..Task::default()
        });
        let mut builder = pool.task();
        if task.has_token {
            builder = builder.cancel_token(&self.root.child_token());
        }
        if task.has_deadline {
            builder = builder.deadline(Instant::now() + dice.micros(500));
        }
        if task.has_timeout {
            builder = builder.timeout(dice.micros(200));
        }
        let (this, own, dice) = (self.clone(), task.clone(), dice.fork());
        let handle = builder.spawn(move || {
            own.begun.store(true, SeqCst);
            match dice.below(4) {
                0 => heist::isolated(|| this.hold(&dice)),
                1 => heist::blocking(|| dice.dawdle()),
                // Until the watchdog has marked it.
                2 if own.has_timeout => {
                    while !heist::is_cancelled() {
                        thread::yield_now();
                    }
                }
                _ => dice.dawdle(),
            }
        });
        (task, handle)
    }

    /// Holds the lock across a join, which may run none that want it.
    fn hold(&self, dice: &Dice) {
        let mut held = self.lock.lock().unwrap();
        let other = dice.fork();
        heist::join(move || other.dawdle(), || ());
        dice.dawdle();
        *held += 1;
        add(&self.locked);
    }

    /// Its handle says why it has no result; and it has one, or never began.
    fn settle(&self, task: &Task, handle: JoinHandle<()>) {
        let outcome = handle.join();
        let begun = task.begun.load(SeqCst);
        match outcome {
            Ok(()) => assert!(begun),
            Err(error) if error.is_timeout() => {
                assert!(task.has_timeout);
                // Its time runs from just before its first step.
                until(|| task.begun.load(SeqCst));
                add(&self.timed_out);
            }
            Err(error) if error.is_deadline() => assert!(!begun && task.has_deadline),
            Err(error) => assert!(error.is_cancelled() && !begun && task.has_token),
        }
    }
}

#[test]
fn limits_stop_what_has_not_begun_and_say_why() {
    rounds(|dice, score| {
        let books = Books::of(1);
        let (pool, crew) = build(dice, score, dice.pick(&[8, 4096]), &books);
        let round = Arc::new(Round {
            root: CancellationToken::new(),
            lock: Mutex::default(),
            locked: AtomicUsize::default(),
            timed_out: AtomicUsize::default(),
        });
        thread::scope(|threads| {
            for dice in (0..2).map(|_| dice.fork()) {
                let (pool, round) = (&pool, &round);
                threads.spawn(move || {
                    let tasks: Vec<_> = (0..40).map(|_| round.spawn(pool, &dice)).collect();
                    if dice.one_in(2) {
                        round.root.cancel();
                    }
                    tasks.into_iter().for_each(|(task, handle)| round.settle(&task, handle));
                });
            }
        });
        assert_eq!(pool.metrics().tasks_timed_out(), round.timed_out.load(SeqCst) as u64);
        pool.end(|pool| pool.shutdown());
        crew.assert_over();
        assert_eq!(*round.lock.lock().unwrap(), round.locked.load(SeqCst));
        score.tasks += 80;
    });
}
