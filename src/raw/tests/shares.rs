//! A task's block on one thread: each way through its life drops everything once,
//! also if destructors panic.

use std::{
    panic::resume_unwind,
    task::{Wake, Waker},
};

use super::{Bell, Count, Grenade, Token};
use crate::{
    raw::{Held, JobRef, Part, Policy, Verdict, decided, task},
    sync::Arc,
    unwind,
};

/// Gives back what it was given, and discards it when cancelled.
struct Echo<T>(T);

impl<T: Send + 'static> Policy<()> for Echo<T> {
    type Label = Option<Box<dyn Send + Sync>>;
    type Func = T;
    type Output = Option<T>;

    fn run(mut part: Part<'_, (), Self>, (): &()) -> bool {
        let Some(value) = part.start() else { return false };
        finish(part, Some(value), Verdict::Completed);
        true
    }

    fn cancel(mut part: Part<'_, (), Self>, verdict: Verdict) -> bool {
        let Some(value) = part.start() else { return false };
        finish(part, None, verdict);
        unwind::discard(value);
        true
    }
}

fn finish<T: Send + 'static>(part: Part<'_, (), Echo<T>>, output: Option<T>, verdict: Verdict) {
    match part.finish(output, verdict) {
        Ok(waker) => waker.into_iter().for_each(unwind::wake),
        Err((output, _part)) => unwind::discard(output),
    }
}

type Handle<T> = Held<(), Option<Box<dyn Send + Sync>>, Option<T>>;

fn echo<T: Send + 'static>(value: T) -> (JobRef<()>, Handle<T>) {
    task::<(), Echo<T>>(None, value)
}

#[test]
fn each_way_a_task_ends_drops_its_value_once() {
    let ways: [fn(JobRef<()>, Handle<Token>); 12] = [
        |job, handle| assert!(job.run(&()) && handle.let_go().is_some_and(|it| it.is_some())),
        |job, handle| assert!(job.run(&()) && handle.detach().is_err()),
        |job, mut handle| assert!(job.run(&()) && handle.take().is_some()),
        |job, handle| drop((job.run(&()), handle)),
        |job, handle| assert!(handle.detach().is_ok() && job.run(&())),
        |job, handle| assert!(handle.let_go().is_none() && job.discard()),
        |job, handle| assert!(job.discard() && handle.let_go().is_some_and(|it| it.is_none())),
        |job, handle| assert!(handle.cancel() && !handle.run_here(&()) && !job.run(&())),
        |job, handle| assert!(handle.cancel() && handle.let_go().is_some() && !job.discard()),
        |job, handle| assert!(handle.run_here(&()) && !handle.cancel() && !job.run(&())),
        |job, handle| assert!(handle.run_here(&()) && handle.let_go().is_some() && !job.run(&())),
        |job, mut handle| {
            assert!(handle.run_here(&()) && handle.take().is_some());
            assert!(!job.discard());
        },
    ];
    for way in ways {
        let drops = Count::default();
        let (job, handle) = echo(drops.token());
        way(job, handle);
        assert_eq!(drops.get(), 1);
    }
}

#[test]
fn a_task_that_was_decided_from_the_start_has_one_owner() {
    let drops = Count::default();
    let make = || decided::<(), Echo<Token>>(None, Some(drops.token()), Verdict::Completed);
    assert!(make().is_done() && !make().cancel() && !make().run_here(&()));
    assert!(make().let_go().is_some_and(|value| value.is_some()));
    assert!(make().detach().is_err());
    let mut handle = make();
    assert!(handle.wake_when_done(Bell::new(&drops).1));
    drop(handle);
    assert_eq!(drops.get(), 7);
}

#[test]
fn values_of_no_size_and_of_great_alignment_pass_through_a_block() {
    #[repr(align(128))]
    struct Wide([u8; 256]);
    let (job, handle) = echo(());
    assert!(job.run(&()) && handle.let_go() == Some(Some(())));
    let (job, handle) = echo(Wide([7; 256]));
    assert!(job.run(&()));
    let Some(Some(wide)) = handle.let_go() else { panic!("it ran") };
    assert_eq!((wide.0, (&raw const wide).addr() % 128), ([7; 256], 0));
}

#[test]
fn a_closure_with_the_handle_of_another_task_takes_it_along() {
    let drops = Count::default();
    let (inner_job, inner) = echo(drops.token());
    let (outer_job, outer) = echo(inner);
    assert!(outer.cancel() && !outer_job.run(&()));
    assert_eq!(drops.get(), 0);
    assert!(inner_job.run(&()), "detached, so nobody hears of it");
    assert_eq!(drops.get(), 1);
}

#[test]
fn a_result_that_panics_when_dropped_does_so_where_it_is_dropped() {
    let ways: [fn(JobRef<()>, Handle<Grenade>); 5] = [
        // Nobody hears of these: contained.
        |job, handle| assert!(handle.detach().is_ok() && job.run(&())),
        |job, handle| assert!(handle.detach().is_ok() && job.discard()),
        |job, handle| assert!(handle.cancel() && !job.run(&())),
        // And these reach the handle's owner, who has the block freed all the same.
        |job, handle| assert!(unwind::catch(|| drop((job.run(&()), handle))).is_err()),
        |job, handle| {
            assert!(handle.run_here(&()) && unwind::catch(|| drop(handle)).is_err());
            assert!(!job.run(&()));
        },
    ];
    for way in ways {
        let (drops, labels) = (Count::default(), Count::default());
        let label = Box::new(labels.token());
        let (job, handle) =
            task::<(), Echo<Grenade>>(Some(label), Grenade { _token: drops.token() });
        way(job, handle);
        assert_eq!((drops.get(), labels.get()), (1, 1));
    }
}

#[test]
fn a_label_that_panics_when_dropped_leaves_the_result_to_be_dropped() {
    let (drops, labels) = (Count::default(), Count::default());
    let label = Box::new(Grenade { _token: labels.token() });
    let (job, handle) = task::<(), Echo<Token>>(Some(label), drops.token());
    assert!(job.run(&()));
    assert!(unwind::catch(|| drop(handle)).is_err());
    assert_eq!((drops.get(), labels.get()), (1, 1));
}

/// Panics when it is woken.
struct Cracked {
    _token: Token,
}

impl Wake for Cracked {
    fn wake(self: Arc<Self>) {
        resume_unwind(Box::new("cracked"));
    }
}

/// Panics when it is dropped.
struct Brittle {
    _grenade: Grenade,
}

impl Wake for Brittle {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn a_waker_that_panics_spoils_neither_task_nor_block() {
    let (values, wakers) = (Count::default(), Count::default());
    let brittle =
        || Waker::from(Arc::new(Brittle { _grenade: Grenade { _token: wakers.token() } }));
    // Woken.
    let (job, mut handle) = echo(values.token());
    assert!(!handle.wake_when_done(Arc::new(Cracked { _token: wakers.token() }).into()));
    assert!(job.run(&()) && handle.let_go().is_some());
    // Taken back by who leaves.
    let (job, mut handle) = echo(values.token());
    assert!(!handle.wake_when_done(brittle()));
    assert!(handle.detach().is_ok() && job.run(&()));
    // Replaced: the owner hears of it, and gives another.
    let (job, mut handle) = echo(values.token());
    assert!(!handle.wake_when_done(brittle()));
    assert!(unwind::catch(|| handle.wake_when_done(Waker::noop().clone())).is_err());
    let (bell, waker) = Bell::new(&wakers);
    assert!(!handle.wake_when_done(waker));
    assert!(job.run(&()) && bell.rung() == 1);
    drop((handle, bell));
    assert_eq!((values.get(), wakers.get()), (3, 4));
}
