//! A task between its queue and its handle: decided once, told once, freed once,
//! and not before both are done with it.

use std::task::{Wake, Waker};

use super::explore::{ANY, Cell, Preemptions, Tracked, explore};
use crate::{
    parker::Parker,
    raw::{self, Held, JobRef, Part, Policy, Verdict},
    sync::{Arc, thread},
};

/// Preemptions of each model here.
const MOST: Preemptions = Preemptions { quick: 3, full: ANY };

/// What a closure works on and a result hands over: not to be raced for, nor
/// forgotten.
#[derive(Default)]
struct Number {
    value: Cell<u32>,
    _tracked: Tracked,
}

impl Number {
    fn add(&self, n: u32) {
        self.value.write(|value| *value += n);
    }

    fn get(&self) -> u32 {
        self.value.read(|value| *value)
    }
}

/// Freed with the block: whoever touches it later, or at the same time, is told.
#[derive(Default)]
struct Canary(Cell<()>);

impl Canary {
    fn touch(&self) {
        self.0.read(|_| ());
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        self.0.write(|_| ());
    }
}

/// Adds 1 to a number if it runs, and says so by giving it back.
struct Errand;

impl Policy<()> for Errand {
    type Label = Canary;
    type Func = Arc<Number>;
    type Output = Option<Arc<Number>>;

    fn run(mut part: Part<'_, (), Self>, (): &()) -> bool {
        let number = part.start();
        part.label().touch();
        let Some(number) = number else { return false };
        number.add(1);
        tell(part, Some(number), Verdict::Completed);
        true
    }

    fn cancel(mut part: Part<'_, (), Self>, verdict: Verdict) -> bool {
        let number = part.start();
        part.label().touch();
        let Some(number) = number else { return false };
        number.add(10);
        tell(part, None, verdict);
        true
    }
}

fn tell(part: Part<'_, (), Errand>, output: Option<Arc<Number>>, verdict: Verdict) {
    match part.finish(output, verdict) {
        Ok(waker) => waker.into_iter().for_each(Waker::wake),
        Err((_, part)) => part.label().touch(),
    }
}

type Handle = Held<(), Canary, Option<Arc<Number>>>;

fn errand() -> (Arc<Number>, JobRef<()>, Handle) {
    let number = Arc::<Number>::default();
    let (job, handle) = raw::task::<(), Errand>(Canary::default(), Arc::clone(&number));
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
    let bell = Bell { parker: Parker::new(), number: Number::default() };
    bell.number.add(5);
    Arc::new(bell)
}

/// ORDERING(packet): who waits is woken, with the waker it gave last, and finds
/// what the task wrote.
#[test]
fn loom_packet_a_result_comes_with_what_was_written() {
    explore(MOST, || {
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
    explore(MOST, || {
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
    explore(MOST, || {
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

/// ORDERING(packet): a handle that goes leaves the task to the queue, and is not
/// told.
#[test]
fn loom_packet_a_task_outlives_its_handle() {
    explore(MOST, || detach(|_| ()));
}

/// ORDERING(packet): as above, with a waker.
#[test]
fn loom_packet_a_task_outlives_a_handle_that_waits() {
    explore(MOST, || {
        detach(|handle| {
            handle.wake_when_done(bell().into());
        });
    });
}

fn detach(before: impl FnOnce(&mut Handle)) {
    let (number, job, mut handle) = errand();
    let queue = thread::spawn(move || job.run(&()));
    before(&mut handle);
    handle.label().touch();
    match handle.detach() {
        Ok(()) => (),
        Err(handle) => assert_eq!(result(handle), Some(1)),
    }
    assert!(queue.join().unwrap());
    assert_eq!(number.get(), 1);
}

/// ORDERING(packet): whoever runs the task in its handle's name, the queue finds
/// out, and the last of the two frees it.
#[test]
fn loom_packet_the_handle_runs_it_while_the_queue_clears_its_place() {
    explore(MOST, || {
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
    explore(MOST, || {
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
