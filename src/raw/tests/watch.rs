//! A task that somebody outside decides about, between three threads.

use std::task::Waker;

use super::{Bell, Count, Token, until};
use crate::{
    raw::{Held, JobRef, Part, Policy, Verdict, Watch, task},
    sync::thread,
};

/// Takes a value and gives it back, as long as it is let to; what it is worth is
/// decided meanwhile.
struct Open;

/// Freed with the block.
type Label = Token;
type Output = Option<(u32, Token)>;
type Handle = Held<(), Label, Output>;

impl Policy<()> for Open {
    type Label = Label;
    type Func = Token;
    type Output = Output;

    fn run(mut part: Part<'_, (), Self>, (): &()) -> bool {
        let Some(token) = part.start() else { return false };
        part.open();
        thread::yield_now();
        tell(part, Some((7, token)), Verdict::Completed);
        true
    }

    fn cancel(mut part: Part<'_, (), Self>, verdict: Verdict) -> bool {
        let Some(_token) = part.start() else { return false };
        tell(part, None, verdict);
        true
    }
}

fn tell(part: Part<'_, (), Open>, output: Output, verdict: Verdict) {
    match part.finish(output, verdict) {
        Ok(waker) => waker.into_iter().for_each(Waker::wake),
        Err((output, part)) => drop((output, part)),
    }
}

/// Three threads with the three shares of a task; then each thing was dropped once.
fn race<Q: Send, W: Send>(
    queue: impl FnOnce(JobRef<()>) -> Q + Send,
    watch: impl FnOnce(Watch<(), Label, Output>) -> W + Send,
    handle: impl FnOnce(Handle) -> Option<Verdict>,
) -> (Q, W, Option<Verdict>) {
    let drops = Count::default();
    let (job, mut held) = task::<(), Open>(drops.token(), drops.token());
    let watching = held.watch().expect("the first");
    assert!(held.watch().is_none());
    let outcome = thread::scope(|threads| {
        let queue = threads.spawn(move || queue(job));
        let watch = threads.spawn(move || watch(watching));
        let verdict = handle(held);
        (queue.join().unwrap(), watch.join().unwrap(), verdict)
    });
    assert_eq!(drops.get(), 2);
    outcome
}

fn run(job: JobRef<()>) -> bool {
    job.run(&())
}

/// True: the result came from here.
fn overtake(watch: Watch<(), Label, Output>) -> bool {
    let waker = watch.overtake(Verdict::TimedOut, || None);
    let came = waker.is_some();
    waker.flatten().into_iter().for_each(Waker::wake);
    came
}

/// Waits for the result, which has to be that of its verdict.
fn told(handle: Handle) -> Option<Verdict> {
    until(|| handle.is_done());
    let verdict = handle.verdict();
    let output = handle.let_go().expect("it was not taken");
    assert_eq!(
        output.map(|(number, _)| number),
        (verdict == Some(Verdict::Completed)).then_some(7)
    );
    verdict
}

#[test]
fn a_watch_cancels_what_has_not_started() {
    let cancel = |watch: Watch<(), Label, Output>| watch.cancel(Verdict::Overdue);
    let (ran, cancelled, verdict) = race(run, cancel, told);
    assert!(ran != cancelled);
    assert_eq!(verdict, Some(if ran { Verdict::Completed } else { Verdict::Overdue }));
}

#[test]
fn a_result_comes_from_the_runner_or_from_the_watch() {
    let (ran, overtaken, verdict) = race(run, overtake, told);
    assert!(ran);
    assert_eq!(verdict, Some(if overtaken { Verdict::TimedOut } else { Verdict::Completed }));
}

#[test]
fn a_watch_writes_the_result_where_the_runner_has_taken_the_closure_from() {
    let overtake_soon = |watch: Watch<(), Label, Output>| {
        (0..100).any(|_| {
            thread::yield_now();
            watch.overtake(Verdict::TimedOut, || None).is_some()
        })
    };
    let (ran, overtaken, verdict) = race(run, overtake_soon, told);
    assert!(ran);
    assert_eq!(verdict, Some(if overtaken { Verdict::TimedOut } else { Verdict::Completed }));
}

#[test]
fn who_waits_is_woken_once_by_whoever_brings_the_result() {
    let drops = Count::default();
    race(run, overtake, |mut handle| {
        let (bell, waker) = Bell::new(&drops);
        let was_done = handle.wake_when_done(waker);
        until(|| bell.rung() == usize::from(!was_done));
        told(handle)
    });
    assert_eq!(drops.get(), 1);
}

#[test]
fn a_handle_may_go_at_any_time() {
    race(run, overtake, |handle| {
        drop(handle);
        None
    });
    race(
        JobRef::discard,
        |watch| watch.cancel(Verdict::Cancelled),
        |handle| {
            drop(handle);
            None
        },
    );
}

#[test]
fn what_has_not_started_or_is_done_is_not_overtaken() {
    let drops = Count::default();
    let (job, mut handle) = task::<(), Open>(drops.token(), drops.token());
    let watch = handle.watch().expect("the first");
    assert!(watch.overtake(Verdict::TimedOut, || unreachable!("it waits")).is_none());
    assert!(job.run(&()));
    assert!(watch.overtake(Verdict::TimedOut, || unreachable!("it is done")).is_none());
    assert_eq!(told(handle), Some(Verdict::Completed));
    drop(watch);
    assert_eq!(drops.get(), 2);
}
