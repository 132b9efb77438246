//! What a thread is at, written down by it and read by the timer's thread.
//!
//! With a patience of nothing the timer looks at once, and all that it finds is told.

use std::time::Duration;

use super::{
    explore::{ANY, Cell, Preemptions, Tracked, explore},
    house::builder,
};
use crate::{
    ThreadPool,
    config::Handlers,
    detector::{Detector, Doing},
    parker::Parker,
    stall::{Stall, StallCause, StalledThread},
    sync::{Arc, thread},
    timer::Timer,
};

/// They are small enough for every schedule.
const MOST: Preemptions = Preemptions { quick: ANY, full: ANY };

fn detector(told: impl Fn(&Stall) + Send + Sync + 'static) -> (Arc<Detector>, Timer) {
    let timer = Timer::new(None);
    let handlers = Arc::new(Handlers::default());
    (Detector::new((Duration::ZERO, Box::new(told)), &handlers, &timer), timer)
}

fn run(name: &'static str) -> Doing {
    Doing::Run(Some(name.into()))
}

#[test]
fn loom_detector_a_task_is_told_once_or_is_over() {
    explore(MOST, || {
        let (told, tracked) = (Arc::new(Cell::<u32>::default()), Tracked::default());
        let inside = Arc::clone(&told);
        let (detector, timer) = detector(move |stall| {
            let _held = &tracked;
            assert_eq!((stall.task(), stall.cause()), (Some("task"), &StallCause::Running));
            inside.write(|told| *told += 1);
        });
        let post = detector.post(StalledThread::Worker(0));
        post.begin(run("task"));
        post.end();
        // A look may hold it, and be the last to.
        drop(post);
        drop(detector);
        timer.dismiss();
        assert!(told.read(|told| *told) <= 1);
    });
}

#[test]
fn loom_detector_what_begins_while_it_looks_is_told() {
    explore(MOST, || {
        let heard = Arc::new(Parker::new());
        let wake = Arc::clone(&heard);
        let (detector, timer) = detector(move |stall| {
            if stall.task() == Some("second") {
                wake.unpark();
            }
        });
        let post = detector.post(StalledThread::Worker(0));
        post.begin(run("first"));
        post.end();
        post.begin(run("second"));
        heard.park();
        post.end();
        timer.dismiss();
    });
}

#[test]
fn loom_detector_a_task_does_not_answer_for_its_wait() {
    explore(MOST, || {
        let told = Arc::new(Cell::<[u32; 2]>::default());
        let inside = Arc::clone(&told);
        let (detector, timer) = detector(move |stall| {
            assert_eq!(stall.task(), Some("task"), "the wait is its own");
            let waits = usize::from(*stall.cause() == StallCause::Join);
            inside.write(|told| told[waits] += 1);
        });
        let post = detector.post(StalledThread::Worker(0));
        post.begin(run("task"));
        post.begin(Doing::Wait(StallCause::Join));
        post.end();
        post.end();
        timer.dismiss();
        assert!(told.read(|told| told.iter().all(|&times| times <= 1)), "each once");
    });
}

#[test]
fn loom_detector_what_is_on_top_again_is_told() {
    explore(MOST, || {
        let (heard, told) = (Arc::new(Parker::new()), Arc::new(Cell::<[u32; 2]>::default()));
        let (wake, inside) = (Arc::clone(&heard), Arc::clone(&told));
        let (detector, timer) = detector(move |stall| {
            let is_below = stall.task() == Some("below");
            inside.write(|told| told[usize::from(is_below)] += 1);
            if is_below {
                wake.unpark();
            }
        });
        let post = detector.post(StalledThread::Worker(0));
        post.begin(run("below"));
        post.begin(run("above"));
        post.end();
        // Before it was covered, or now.
        heard.park();
        post.end();
        timer.dismiss();
        assert!(told.read(|told| told[0] <= 1 && told[1] == 1), "each once");
    });
}

#[test]
fn loom_detector_two_threads_are_told_of_beside_the_end() {
    explore(MOST, || {
        let told = Arc::new(Cell::<u32>::default());
        let inside = Arc::clone(&told);
        let (detector, timer) = detector(move |_| inside.write(|told| *told += 1));
        let post = detector.post(StalledThread::Guest);
        let other = thread::spawn(move || {
            post.begin(run("guest's"));
            post.end();
        });
        let post = detector.post(StalledThread::Worker(0));
        post.begin(run("task"));
        timer.dismiss();
        // Nobody tells any more.
        let before = told.read(|told| *told);
        post.begin(Doing::Wait(StallCause::Scope));
        other.join().unwrap();
        assert_eq!(told.read(|told| *told), before);
        assert!(before <= 2);
    });
}

fn pool_that_tells(told: impl Fn(&Stall) + Send + Sync + 'static) -> ThreadPool {
    builder(1, 0).stall_handler(Duration::from_nanos(1), told).build().unwrap()
}

#[test]
fn loom_detector_nothing_is_told_after_the_end_of_its_pool() {
    explore(Preemptions { quick: 2, full: 3 }, || {
        let told = Arc::new(Cell::<u32>::default());
        let (inside, tracked) = (Arc::clone(&told), Tracked::default());
        let pool = pool_that_tells(move |_| {
            let _held = &tracked;
            inside.write(|told| *told += 1);
        });
        drop(pool.spawn(|| ()));
        pool.shutdown();
        // The task, and the wait for the end.
        assert!(told.read(|&told| told <= 2));
    });
}

#[test]
fn loom_detector_a_pool_that_ends_on_its_worker_is_looked_at() {
    explore(Preemptions { quick: 2, full: 3 }, || {
        let tracked = Tracked::default();
        let pool = Arc::new(pool_that_tells(move |_| _ = &tracked));
        let inside = Arc::clone(&pool);
        let task = pool.spawn(move || drop(inside));
        drop(pool);
        task.join().unwrap();
    });
}
