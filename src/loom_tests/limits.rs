//! Who decides about a task from outside: its token, its deadline, its time-out.

use std::{
    task::Waker,
    time::{Duration, Instant},
};

use super::{
    explore::{Cell, Preemptions, Tracked, explore},
    house::pool,
};
use crate::{
    CancellationToken,
    raw::{self, Held, Part, Policy, Verdict, Watch},
    sync::{Arc, thread},
};

/// ORDERING(token): whoever cancels finds all that descends from it cancelled, also
/// beside another who does.
#[test]
fn loom_token_what_is_cancelled_says_so_all_the_way_down() {
    explore(Preemptions { quick: 3, full: 5 }, || {
        let root = CancellationToken::new();
        let child = root.child_token();
        let other = {
            let (root, child) = (root.clone(), child.clone());
            thread::spawn(move || {
                let late = root.child_token();
                root.cancel();
                assert!(child.is_cancelled() && late.is_cancelled());
            })
        };
        root.cancel();
        assert!(child.is_cancelled() && root.child_token().is_cancelled());
        other.join().unwrap();
    });
}

/// ORDERING(token): a flag carries what was written before it was set.
#[test]
fn loom_token_carries_what_came_before() {
    explore(Preemptions { quick: 3, full: 6 }, || {
        let token = CancellationToken::new();
        let note = Arc::new(Cell::<u32>::default());
        let asker = {
            let (child, note) = (token.child_token(), Arc::clone(&note));
            thread::spawn(move || {
                if child.is_cancelled() {
                    assert_eq!(note.read(|note| *note), 5);
                }
            })
        };
        note.write(|note| *note = 5);
        token.cancel();
        asker.join().unwrap();
    });
}

#[test]
fn loom_token_a_listener_is_called_once_or_let_go() {
    explore(Preemptions { quick: 3, full: 6 }, || {
        let token = CancellationToken::new();
        let called = Arc::new(Cell::<u32>::default());
        let (inside, tracked) = (Arc::clone(&called), Tracked::default());
        let key = token.listen(move || inside.write(|called| (*called += 1, drop(tracked)).0));
        let canceller = {
            let token = token.clone();
            thread::spawn(move || token.cancel())
        };
        token.ignore(key.expect("it is not cancelled yet"));
        canceller.join().unwrap();
        assert!(called.read(|called| *called) <= 1);
    });
}

#[test]
fn loom_limits_a_token_meets_the_start_of_its_task() {
    explore(Preemptions { quick: 1, full: 2 }, || {
        let pool = pool(1, 0);
        let token = CancellationToken::new();
        let ran = Arc::new(Cell::<u32>::default());
        let (inside, tracked) = (Arc::clone(&ran), Tracked::default());
        let task = pool.task().cancel_token(&token);
        let task = task.spawn(move || inside.write(|ran| (*ran += 1, drop(tracked)).0));
        token.cancel();
        match task.join() {
            Ok(()) => assert_eq!(ran.read(|ran| *ran), 1),
            Err(error) => assert!(error.is_cancelled() && ran.read(|ran| *ran) == 0),
        }
    });
}

#[test]
fn loom_limits_clock_and_worker_come_to_a_late_task() {
    explore(Preemptions { quick: 1, full: 3 }, || {
        let pool = pool(1, 0);
        let tracked = Tracked::default();
        let task = pool.task().deadline(Instant::now()).spawn(move || drop(tracked));
        assert!(task.join().unwrap_err().is_deadline());
    });
}

#[test]
fn loom_limits_a_time_out_meets_the_end_of_its_task() {
    explore(Preemptions { quick: 0, full: 1 }, || {
        let pool = pool(1, 0);
        let tracked = Tracked::default();
        let task = pool.task().timeout(Duration::ZERO).spawn(move || tracked);
        match task.join() {
            Ok(_tracked) => assert_eq!(pool.metrics().tasks_timed_out(), 0),
            Err(error) => {
                assert!(error.is_timeout());
                assert_eq!(pool.metrics().tasks_timed_out(), 1);
            }
        }
    });
}

/// Gives a number back that was written to by who ran it; what it is worth may be
/// decided outside meanwhile.
struct Errand;

type Output = Option<Arc<Cell<u32>>>;
type Handle = Held<(), Tracked, Output>;

impl Policy<()> for Errand {
    type Label = Tracked;
    type Func = Arc<Cell<u32>>;
    type Output = Output;

    fn run(mut part: Part<'_, (), Self>, (): &()) -> bool {
        let Some(number) = part.start() else { return false };
        part.open();
        number.write(|number| *number += 1);
        tell(part, Some(number), Verdict::Completed);
        true
    }

    fn cancel(mut part: Part<'_, (), Self>, verdict: Verdict) -> bool {
        let Some(_number) = part.start() else { return false };
        tell(part, None, verdict);
        true
    }
}

fn tell(part: Part<'_, (), Errand>, output: Output, verdict: Verdict) {
    if let Ok(waker) = part.finish(output, verdict) {
        waker.into_iter().for_each(Waker::wake);
    }
}

fn result(handle: Handle) -> (Option<Verdict>, Option<u32>) {
    while !handle.is_done() {
        thread::yield_now();
    }
    let verdict = handle.verdict();
    let output = handle.let_go().expect("it was not taken");
    (verdict, output.map(|number| number.read(|number| *number)))
}

/// A task's three shares, each on a thread of its own; this one has the handle.
fn three(
    watch: impl FnOnce(Watch<(), Tracked, Output>) -> bool + Send + 'static,
    handle: impl FnOnce(Handle) -> (Option<Verdict>, Option<u32>),
) -> (bool, bool, (Option<Verdict>, Option<u32>)) {
    let number = Arc::<Cell<u32>>::default();
    let (job, mut held) = raw::task::<(), Errand>(Tracked::default(), number);
    let watching = held.watch().expect("the first");
    let queue = thread::spawn(move || job.run(&()));
    let watch = thread::spawn(move || watch(watching));
    let told = handle(held);
    (queue.join().unwrap(), watch.join().unwrap(), told)
}

/// ORDERING(packet): a result comes from the runner or from the watch, whole, and
/// the last of the three frees the block.
#[test]
fn loom_packet_a_watch_overtakes_the_runner_or_does_not() {
    explore(Preemptions { quick: 2, full: 3 }, || {
        let overtake = |watch: Watch<(), Tracked, Output>| {
            watch.overtake(Verdict::TimedOut, || None).is_some()
        };
        let (ran, overtaken, told) = three(overtake, result);
        let expected =
            if overtaken { (Verdict::TimedOut, None) } else { (Verdict::Completed, Some(1)) };
        assert!(ran);
        assert_eq!(told, (Some(expected.0), expected.1));
    });
}

/// ORDERING(packet): as above, for one that waits.
#[test]
fn loom_packet_a_watch_cancels_or_the_task_runs() {
    explore(Preemptions { quick: 2, full: 3 }, || {
        let cancel = |watch: Watch<(), Tracked, Output>| watch.cancel(Verdict::Overdue);
        let (ran, cancelled, told) = three(cancel, result);
        assert!(ran != cancelled);
        let expected = if ran { (Verdict::Completed, Some(1)) } else { (Verdict::Overdue, None) };
        assert_eq!(told, (Some(expected.0), expected.1));
    });
}

/// ORDERING(packet): as above, for a handle that goes meanwhile.
#[test]
fn loom_packet_a_handle_leaves_runner_and_watch() {
    explore(Preemptions { quick: 2, full: 3 }, || {
        let overtake = |watch: Watch<(), Tracked, Output>| {
            watch.overtake(Verdict::TimedOut, || None).is_some()
        };
        let (ran, ..) = three(overtake, |handle| {
            drop(handle);
            (None, None)
        });
        assert!(ran);
    });
}
