//! A task between its queue and its handle: decided once, told once, freed once,
//! and not before both are done with it.

use std::task::{Wake, Waker};

use loom::{cell::UnsafeCell, sync::Arc as Watched, thread};

use crate::{
    parker::Parker,
    raw::{self, Held, JobRef, Part, Policy},
    sync::Arc,
};

/// What a closure works on and a result hands over. Loom reports two accesses
/// that race, and a `Watched` that is never dropped.
struct Number(UnsafeCell<u32>);

// SAFETY: loom checks it.
unsafe impl Sync for Number {}
// SAFETY: as above.
unsafe impl Send for Number {}

impl Number {
    fn add(&self, n: u32) {
        // SAFETY: loom checks it.
        self.0.with_mut(|number| unsafe { *number += n });
    }

    fn get(&self) -> u32 {
        // SAFETY: loom checks it.
        self.0.with(|number| unsafe { *number })
    }
}

/// Freed with the block: loom reports an access that races with that.
struct Canary(UnsafeCell<()>);

// SAFETY: loom checks it.
unsafe impl Sync for Canary {}
// SAFETY: as above.
unsafe impl Send for Canary {}

impl Canary {
    fn touch(&self) {
        self.0.with(|_| ());
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        self.0.with_mut(|_| ());
    }
}

/// Adds 1 to a number if it runs, and says so by giving it back.
struct Errand;

impl Policy<()> for Errand {
    type Label = Canary;
    type Func = Watched<Number>;
    type Output = Option<Watched<Number>>;

    fn run(mut part: Part<'_, (), Self>, (): &()) -> bool {
        let number = part.start();
        part.label().touch();
        let Some(number) = number else { return false };
        number.add(1);
        tell(part, Some(number));
        true
    }

    fn cancel(mut part: Part<'_, (), Self>) -> bool {
        let number = part.start();
        part.label().touch();
        let Some(number) = number else { return false };
        number.add(10);
        tell(part, None);
        true
    }
}

fn tell(part: Part<'_, (), Errand>, output: Option<Watched<Number>>) {
    match part.finish(output) {
        Ok(waker) => waker.into_iter().for_each(Waker::wake),
        Err((_, part)) => part.label().touch(),
    }
}

type Handle = Held<(), Canary, Option<Watched<Number>>>;

fn errand() -> (Watched<Number>, JobRef<()>, Handle) {
    let number = Watched::new(Number(UnsafeCell::new(0)));
    let (job, handle) =
        raw::task::<(), Errand>(Canary(UnsafeCell::new(())), Watched::clone(&number));
    (number, job, handle)
}

fn result(handle: Handle) -> Option<u32> {
    handle.label().touch();
    let output = handle.let_go().expect("it was not taken");
    output.map(|number| number.get())
}

/// Wakes a thread, with something that has to have come to the waker's thread.
struct Bell {
    parker: Parker,
    number: Number,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        assert_eq!(self.number.get(), 5);
        self.parker.unpark();
    }
}

fn bell() -> Arc<Bell> {
    let bell = Bell { parker: Parker::new(), number: Number(UnsafeCell::new(0)) };
    bell.number.add(5);
    Arc::new(bell)
}

/// ORDERING(packet): who waits is woken, with the waker it gave last, and finds
/// what the task wrote.
#[test]
fn loom_packet_a_result_comes_with_what_was_written() {
    loom::model(|| {
        let (_number, job, mut handle) = errand();
        let queue = thread::spawn(move || job.run(&()));
        let bell = bell();
        if !handle.wake_when_done(self::bell().into())
            && !handle.wake_when_done(Arc::clone(&bell).into())
        {
            bell.parker.park();
        }
        assert_eq!(result(handle), Some(1));
        assert!(queue.join().unwrap());
    });
}

/// ORDERING(packet): a glance at a task that is done finds what it wrote.
#[test]
fn loom_packet_a_glance_finds_a_whole_result() {
    loom::model(|| {
        let (number, job, mut handle) = errand();
        let queue = thread::spawn(move || job.run(&()));
        thread::yield_now();
        if let Some(output) = handle.take() {
            assert_eq!(output.map(|number| number.get()), Some(1));
            assert!(handle.take().is_none());
        }
        drop(handle);
        assert!(queue.join().unwrap());
        assert_eq!(number.get(), 1);
    });
}

/// ORDERING(packet): a task is run or cancelled, and never both.
#[test]
fn loom_packet_a_task_is_run_or_cancelled() {
    loom::model(|| {
        let (number, job, mut handle) = errand();
        let queue = thread::spawn(move || job.run(&()));
        let bell = bell();
        let done = handle.wake_when_done(Arc::clone(&bell).into());
        let cancelled = handle.cancel();
        if !done && !cancelled {
            bell.parker.park();
        }
        let told = result(handle);
        let ran = queue.join().unwrap();
        assert_eq!((ran, told), (!cancelled, if cancelled { None } else { Some(1) }));
        assert_eq!(number.get(), if cancelled { 10 } else { 1 });
    });
}

/// ORDERING(packet): a handle that goes leaves the task to the queue, with the
/// waker or without.
#[test]
fn loom_packet_a_task_outlives_its_handle() {
    for waits in [false, true] {
        loom::model(move || {
            let (number, job, mut handle) = errand();
            let queue = thread::spawn(move || job.run(&()));
            if waits {
                handle.wake_when_done(bell().into());
            }
            handle.label().touch();
            match handle.detach() {
                Ok(()) => (),
                Err(handle) => assert_eq!(result(handle), Some(1)),
            }
            assert!(queue.join().unwrap());
            assert_eq!(number.get(), 1);
        });
    }
}

/// ORDERING(packet): whoever runs the task in its handle's name, the queue finds
/// out, and the last of the two frees it.
#[test]
fn loom_packet_the_handle_runs_it_while_the_queue_clears_its_place() {
    loom::model(|| {
        let (number, job, handle) = errand();
        let queue = thread::spawn(move || job.discard());
        let ran = handle.run_here(&());
        if ran {
            assert_eq!(result(handle), Some(1));
        } else {
            drop(handle);
        }
        assert_eq!(queue.join().unwrap(), !ran);
        assert_eq!(number.get(), if ran { 1 } else { 10 });
    });
}

/// ORDERING(packet): two who borrow one handle decide once.
#[test]
fn loom_packet_two_cancel_at_once() {
    loom::model(|| {
        let (_number, job, handle) = errand();
        let handle = Arc::new(handle);
        let other = {
            let handle = Arc::clone(&handle);
            thread::spawn(move || handle.cancel())
        };
        let cancelled = handle.cancel();
        assert!(cancelled != other.join().unwrap());
        let Ok(handle) = Arc::try_unwrap(handle) else { unreachable!("the other is gone") };
        assert_eq!(result(handle), None);
        assert!(!job.run(&()));
    });
}
