//! A task between two threads, one with its queue's share and one with its handle.

use std::task::{Wake, Waker};

use super::{Bell, Count, Plain, Token, until};
use crate::{
    raw::{Held, JobRef, Part, Policy, Verdict, task},
    sync::{Arc, Mutex, thread},
};

/// Freed with the block, and looked at by both sides before.
struct Label {
    written: Plain,
    _token: Token,
}

impl Label {
    fn new(drops: &Count) -> Self {
        Label { written: Plain::default(), _token: drops.token() }
    }

    fn touch(&self) {
        assert_eq!(self.written.get(), 0);
    }
}

impl Drop for Label {
    fn drop(&mut self) {
        self.written.add(1);
    }
}

type Number = (Box<u32>, Token);
type Handle = Held<(), Label, Option<Number>>;

/// Adds one to a number and gives it back; gives nothing back when cancelled.
struct Errand;

impl Policy<()> for Errand {
    type Label = Label;
    type Func = Number;
    type Output = Option<Number>;

    fn run(mut part: Part<'_, (), Self>, (): &()) -> bool {
        let number = part.start();
        part.label().touch();
        let Some((mut number, token)) = number else { return false };
        *number += 1;
        tell(part, Some((number, token)), Verdict::Completed);
        true
    }

    fn cancel(mut part: Part<'_, (), Self>, verdict: Verdict) -> bool {
        let number = part.start();
        part.label().touch();
        let was_there = number.is_some();
        if was_there {
            tell(part, None, verdict);
        }
        was_there
    }
}

fn tell(part: Part<'_, (), Errand>, output: Option<Number>, verdict: Verdict) {
    match part.finish(output, verdict) {
        Ok(waker) => waker.into_iter().for_each(Waker::wake),
        Err((_, part)) => part.label().touch(),
    }
}

/// What came of an errand: its number, or none if it was cancelled.
fn told(handle: Handle) -> Option<u32> {
    handle.label().touch();
    handle.let_go().expect("it was not taken").map(|(number, _)| *number)
}

/// Two threads with the two shares of an errand; then, number and block were each
/// dropped once.
fn race<Q: Send, H>(
    queue: impl FnOnce(JobRef<()>) -> Q + Send,
    handle: impl FnOnce(Handle) -> H,
) -> (Q, H) {
    let (numbers, labels) = (Count::default(), Count::default());
    let number = (Box::new(6), numbers.token());
    let (job, held) = task::<(), Errand>(Label::new(&labels), number);
    let outcome = thread::scope(|threads| {
        let queue = threads.spawn(move || queue(job));
        let told = handle(held);
        (queue.join().unwrap(), told)
    });
    assert_eq!((numbers.get(), labels.get()), (1, 1));
    outcome
}

fn run(job: JobRef<()>) -> bool {
    job.run(&())
}

#[test]
fn a_result_is_whole_when_it_is_said_to_be_there() {
    let outcome = race(run, |handle| {
        until(|| handle.is_done());
        told(handle)
    });
    assert_eq!(outcome, (true, Some(7)));
}

#[test]
fn a_result_is_taken_once() {
    let (_, number) = race(run, |mut handle| {
        let taken = loop {
            match handle.take() {
                Some(taken) => break taken,
                None => thread::yield_now(),
            }
        };
        assert!(handle.take().is_none() && handle.is_done());
        assert!(handle.let_go().is_none());
        *taken.expect("it ran").0
    });
    assert_eq!(number, 7);
}

#[test]
fn a_waker_is_whole_when_it_is_woken() {
    let drops = Count::default();
    race(run, |mut handle| {
        let (bell, waker) = Bell::new(&drops);
        let was_done = handle.wake_when_done(waker);
        if !was_done {
            until(|| bell.rung() > 0);
        }
        assert_eq!(bell.rung(), usize::from(!was_done));
        assert_eq!(told(handle), Some(7));
    });
    assert_eq!(drops.get(), 1);
}

#[test]
fn of_many_wakers_the_last_is_woken_or_the_task_was_done() {
    let drops = Count::default();
    let (_, (bells, was_done)) = race(run, |mut handle| {
        let mut bells = Vec::new();
        let was_done = (0..5).any(|_| {
            let (bell, waker) = Bell::new(&drops);
            bells.push(bell);
            handle.wake_when_done(waker)
        });
        until(|| handle.is_done());
        assert_eq!(told(handle), Some(7));
        (bells, was_done)
    });
    let (last, before) = bells.split_last().expect("one or more");
    assert_eq!(last.rung(), usize::from(!was_done));
    // Done between two of them: then the former was woken, unless it was taken back.
    let rung: usize = before.iter().map(|bell| bell.rung()).sum();
    assert!(rung == 0 || rung == 1 && was_done && before[before.len() - 1].rung() == 1);
    let count = bells.len();
    drop(bells);
    assert_eq!(drops.get(), count);
}

#[test]
fn whoever_leaves_takes_its_waker_along() {
    let drops = Count::default();
    race(run, |mut handle| {
        let (bell, waker) = Bell::new(&drops);
        let _ = handle.wake_when_done(waker);
        handle.label().touch();
        match handle.detach() {
            Ok(()) => assert_eq!(bell.rung(), 0),
            Err(handle) => assert_eq!(told(handle), Some(7)),
        }
    });
    assert_eq!(drops.get(), 1);
}

#[test]
fn a_handle_that_waits_is_dropped_at_any_time() {
    let drops = Count::default();
    race(run, |mut handle| {
        let _ = handle.wake_when_done(Bell::new(&drops).1);
        drop(handle);
    });
    assert_eq!(drops.get(), 1);
}

#[test]
fn a_handle_is_let_go_while_the_task_runs() {
    let (_, number) = race(run, |handle| handle.let_go().map(|it| *it.expect("it ran").0));
    assert!(number.is_none_or(|number| number == 7));
}

#[test]
fn a_task_is_run_or_cancelled() {
    let (ran, number) = race(run, |handle| {
        let cancelled = handle.cancel();
        until(|| handle.is_done());
        assert_eq!(told(handle), (!cancelled).then_some(7));
        cancelled
    });
    assert_eq!(ran, !number);
}

#[test]
fn a_task_with_a_waker_is_run_or_cancelled() {
    let drops = Count::default();
    race(run, |mut handle| {
        let (bell, waker) = Bell::new(&drops);
        let was_done = handle.wake_when_done(waker);
        let cancelled = handle.cancel();
        until(|| bell.rung() == usize::from(!was_done));
        assert_eq!(told(handle), (!cancelled).then_some(7));
    });
    assert_eq!(drops.get(), 1);
}

#[test]
fn a_task_is_run_by_its_queue_or_by_its_handle() {
    let (there, here) = race(run, |handle| {
        let here = handle.run_here(&());
        until(|| handle.is_done());
        assert_eq!(told(handle), Some(7));
        here
    });
    assert!(there != here);
}

#[test]
fn a_task_is_discarded_or_run_by_its_handle() {
    let (discarded, ran) = race(JobRef::discard, |handle| {
        let ran = handle.run_here(&());
        until(|| handle.is_done());
        assert_eq!(told(handle), ran.then_some(7));
        ran
    });
    assert!(discarded != ran);
}

#[test]
fn a_discarded_task_wakes_who_waits() {
    let drops = Count::default();
    race(JobRef::discard, |mut handle| {
        let (bell, waker) = Bell::new(&drops);
        if !handle.wake_when_done(waker) {
            until(|| bell.rung() == 1);
        }
        assert_eq!(told(handle), None);
    });
    assert_eq!(drops.get(), 1);
}

#[test]
fn a_detached_task_is_discarded() {
    race(JobRef::discard, |handle| {
        if let Err(handle) = handle.detach() {
            assert_eq!(told(handle), None);
        }
    });
}

#[test]
fn two_who_borrow_a_handle_and_its_queue_decide_once() {
    let (ran, (one, other)) = race(run, |handle| {
        let decided = thread::scope(|threads| {
            let other = threads.spawn(|| handle.cancel());
            (handle.run_here(&()), other.join().unwrap())
        });
        until(|| handle.is_done());
        assert_eq!(told(handle), (!decided.1).then_some(7));
        decided
    });
    assert_eq!([ran, one, other].iter().filter(|&&decided| decided).count(), 1);
}

#[test]
fn a_handle_goes_to_a_third_thread_that_reads_the_result() {
    let (_, number) = race(run, |handle| {
        let reader = || {
            until(|| handle.is_done());
            told(handle)
        };
        thread::scope(|threads| threads.spawn(reader).join().unwrap())
    });
    assert_eq!(number, Some(7));
}

/// Keeps a handle, and lets go of it when it is woken: the block may be freed
/// while the runner is on its way out.
struct Keeper(Mutex<Option<Handle>>);

impl Wake for Keeper {
    fn wake(self: Arc<Self>) {
        let handle = self.0.lock().take();
        assert_eq!(handle.map(told), Some(Some(7)));
    }
}

#[test]
fn a_waker_lets_go_of_the_handle_it_was_left_with() {
    race(run, |mut handle| {
        let keeper = Arc::new(Keeper(Mutex::new(None)));
        let mut place = keeper.0.lock();
        if handle.wake_when_done(Arc::clone(&keeper).into()) {
            assert_eq!(told(handle), Some(7));
        } else {
            *place = Some(handle);
        }
    });
}

#[test]
fn tasks_are_run_by_two_queues_and_joined_in_the_other_order() {
    let (numbers, labels) = (Count::default(), Count::default());
    let (mut jobs, mut handles) = (Vec::new(), Vec::new());
    for n in 0..6 {
        let number = (Box::new(n), numbers.token());
        let (job, handle) = task::<(), Errand>(Label::new(&labels), number);
        jobs.push(job);
        handles.push(handle);
    }
    thread::scope(|threads| {
        let others = jobs.split_off(3);
        for jobs in [jobs, others] {
            threads.spawn(|| jobs.into_iter().for_each(|job| assert!(job.run(&()))));
        }
        for (n, handle) in (0..6).zip(handles).rev() {
            until(|| handle.is_done());
            assert_eq!(told(handle), Some(n + 1));
        }
    });
    assert_eq!((numbers.get(), labels.get()), (6, 6));
}
