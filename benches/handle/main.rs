//! Is a task handle of our own worth it, against the `async-task` crate?
//!
//! Both make tasks, pass them through the same kind of queue, run them and take
//! their results on one thread. `all` joins every task after all have run: the
//! price of a task (heist's includes what a pool does around it: counts, fences,
//! a look at who sleeps). `oldest` joins the one that was spawned first while
//! the others are still queued above it: heist runs just that one, a queue of
//! runnables has to be worked off first.
//!
//! And what does a backlog cost that nobody wants any more? 100 000 tasks with one token
//! wait behind the only worker: it runs them, or passes over them, cancelled; the last
//! column has the cancelling in it.

mod async_task;
#[path = "../harness/mod.rs"]
mod harness;
mod ours;

use harness::{case, timed};

const TASKS: u64 = 1000;
const SUM: u64 = TASKS * (TASKS - 1) / 2;

fn main() {
    case("handle", "all of 1000")
        .add("async-task", || timed(|| assert_eq!(async_task::join_all(TASKS), SUM)))
        .add("heist", || ours::on_a_worker(|runs| harness::time(runs, ours::join_all)))
        .measure();
    case("handle", "a backlog of 100 000")
        .runs(1)
        .add("heist", || ours::backlog(ours::clear))
        .add("heist, cancelled", || ours::backlog(ours::clear_cancelled))
        .add("heist, cancelling", || ours::backlog(ours::cancel))
        .measure();
    case("handle", "oldest of 1000")
        .add("async-task", || {
            Box::new(|runs| (0..runs).map(|_| async_task::join_oldest(TASKS)).sum())
        })
        .add("heist", || ours::on_a_worker(|runs| (0..runs).map(|_| ours::join_oldest()).sum()))
        .measure();
}
