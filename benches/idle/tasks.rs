//! Few tasks, or one.

use std::{
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    time::Duration,
};

use crate::{Spawn, clock, harness::Runner};

/// A task after every sleep of a millisecond, 500 times.
pub(crate) fn one_a_ms(pool: impl Spawn + 'static) -> Runner {
    one_a_pause(move |count| {
        let count = Arc::clone(count);
        pool.spawn(move || _ = count.fetch_add(1, Ordering::Release));
    })
}

/// The sleeps alone.
pub(crate) fn sleep_loop() -> Runner {
    one_a_pause(|count| _ = count.fetch_add(1, Ordering::Release))
}

fn one_a_pause(spawn: impl Fn(&Arc<AtomicU64>) + 'static) -> Runner {
    let pause = || crate::pause(Duration::from_millis(1));
    Box::new(move |runs| {
        let spawns = runs * crate::millis(500).as_millis() as u64;
        let count = Arc::default();
        let start = clock::process();
        for _ in 0..spawns {
            pause();
            spawn(&count);
        }
        while count.load(Ordering::Acquire) != spawns {
            pause();
        }
        (clock::process() - start).as_nanos() as f64
    })
}

/// A task of 300 ms, spawned and waited for.
pub(crate) fn one_job(pool: impl Spawn + 'static) -> Runner {
    run_alone(move |job| {
        let (sender, receiver) = mpsc::sync_channel(1);
        pool.spawn(move || {
            job();
            sender.send(()).expect("somebody waits");
        });
        receiver.recv().expect("the task runs");
    })
}

/// The same on this thread.
pub(crate) fn job_here() -> Runner {
    run_alone(|job| job())
}

fn run_alone(run: impl Fn(fn()) + 'static) -> Runner {
    Box::new(move |runs| {
        let start = clock::process();
        (0..runs).for_each(|_| run(spend));
        (clock::process() - start).as_nanos() as f64
    })
}

/// 300 ms of this thread's own time, so that whatever the process spends beyond
/// is somebody else's.
fn spend() {
    let end = clock::thread() + crate::millis(300);
    while clock::thread() < end {
        (0..1000).for_each(|n| _ = black_box(n));
    }
}
