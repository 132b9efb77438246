//! A closure as a future, and a queue of runnables.
//!
//! The panic is caught inside, as a pool has to, for `async-task` would let it
//! through to the queue's thread.

use std::{
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::{Context, Poll, Waker},
    time::Instant,
};

use async_task::{Runnable, Task};
use crossbeam_deque::Worker;

thread_local! {
    static QUEUE: RefCell<Option<Worker<Runnable>>> = const { RefCell::new(None) };
}

pub(crate) fn join_all(tasks: u64) -> u64 {
    let handles = spawn_all(tasks);
    while run_one() {}
    handles.into_iter().map(|task| result(task).expect("all have run")).sum()
}

pub(crate) fn join_oldest(tasks: u64) -> f64 {
    let mut handles = spawn_all(tasks);
    let oldest = handles.swap_remove(0);
    let start = Instant::now();
    while !oldest.is_finished() && run_one() {}
    assert_eq!(result(oldest), Some(0));
    let time = start.elapsed();
    drop(handles);
    time.as_nanos() as f64
}

fn spawn_all(tasks: u64) -> Vec<Task<std::thread::Result<u64>>> {
    QUEUE.with_borrow_mut(|queue| *queue = Some(Worker::new_lifo()));
    let schedule = |runnable| QUEUE.with_borrow(|queue| queue.as_ref().unwrap().push(runnable));
    let spawn = |n| {
        let future = async move { catch_unwind(AssertUnwindSafe(move || n)) };
        let (runnable, task) = async_task::spawn(future, schedule);
        runnable.schedule();
        task
    };
    (0..tasks).map(spawn).collect()
}

fn run_one() -> bool {
    let runnable = QUEUE.with_borrow(|queue| queue.as_ref().unwrap().pop());
    runnable.map(Runnable::run).is_some()
}

fn result(task: Task<std::thread::Result<u64>>) -> Option<u64> {
    let mut task = pin!(task);
    match Future::poll(task.as_mut(), &mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result.ok(),
        Poll::Pending => None,
    }
}
