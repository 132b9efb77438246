//! One task, its handle, and who is first.

use std::{
    future::Future,
    panic::resume_unwind,
    pin::pin,
    task::{Context, Poll},
    time::Duration,
};

use super::{
    explore::{Cell, Preemptions, Tracked, explore},
    house::{builder, pool},
};
use crate::{JoinHandle, parker::Parker, sync::Arc};

#[test]
fn loom_handle_a_task_runs_or_is_cancelled() {
    explore(Preemptions { quick: 2, full: 3 }, || {
        let pool = pool(1, 0);
        let ran = Arc::new(Cell::<u32>::default());
        let (inside, tracked) = (Arc::clone(&ran), Tracked::default());
        let task = pool.spawn(move || inside.write(|ran| (*ran += 1, drop(tracked)).0));
        let cancelled = task.cancel();
        match task.join() {
            Ok(()) => assert!(!cancelled && ran.read(|ran| *ran) == 1),
            Err(error) => assert!(cancelled && error.is_cancelled() && ran.read(|ran| *ran) == 0),
        }
    });
}

#[test]
fn loom_handle_a_result_nobody_wants_is_dropped_once() {
    explore(Preemptions { quick: 2, full: 3 }, || {
        let pool = pool(1, 0);
        let tracked = Tracked::default();
        drop(pool.spawn(move || tracked));
    });
}

#[test]
fn loom_handle_a_panic_goes_to_the_handle_or_to_the_handler() {
    explore(Preemptions { quick: 2, full: 3 }, || {
        let heard = Arc::new(Cell::<u32>::default());
        let handler = Arc::clone(&heard);
        let pool = builder(1, 0)
            .panic_handler(move |_payload| handler.write(|heard| *heard += 1))
            .build()
            .unwrap();
        let tracked = Tracked::default();
        // Without the hook, which would print.
        let task: JoinHandle<()> = pool.spawn(move || resume_unwind(Box::new(tracked)));
        let to_handle = match task.join_timeout(Duration::ZERO) {
            Ok(result) => result.unwrap_err().is_panic(),
            Err(task) => {
                drop(task);
                false
            }
        };
        pool.shutdown();
        assert_eq!(heard.read(|heard| *heard), u32::from(!to_handle));
    });
}

#[test]
fn loom_handle_the_last_waker_is_woken() {
    explore(Preemptions { quick: 2, full: 3 }, || {
        let pool = pool(1, 0);
        let [before, after] = [(); 2].map(|()| Arc::new(Parker::new()));
        let mut task = pin!(pool.spawn(|| 7));
        let first = task.as_mut().poll(&mut Context::from_waker(&before.waker()));
        let result = match first {
            Poll::Ready(result) => result,
            Poll::Pending => loop {
                let polled = task.as_mut().poll(&mut Context::from_waker(&after.waker()));
                if let Poll::Ready(result) = polled {
                    break result;
                }
                after.park();
            },
        };
        assert_eq!(result.unwrap(), 7);
    });
}
