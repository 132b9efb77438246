//! tokio: futures on its two workers, and closures on as many of its threads
//! for blocking (it would start up to 512, given the chance).

use ::tokio::{
    runtime::{Builder, Runtime},
    task::JoinHandle,
};

use crate::harness::Runner;

pub(crate) fn futures(threads: u64) -> Runner {
    let runtime = runtime();
    crate::from_outside(threads, move |tasks| {
        join(&runtime, (0..tasks).map(|n| runtime.spawn(async move { n })), tasks);
    })
}

pub(crate) fn blocking(threads: u64) -> Runner {
    let runtime = runtime();
    crate::from_outside(threads, move |tasks| {
        join(&runtime, (0..tasks).map(|n| runtime.spawn_blocking(move || n)), tasks);
    })
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).max_blocking_threads(2).build().expect("threads")
}

fn join(runtime: &Runtime, spawns: impl Iterator<Item = JoinHandle<u64>>, tasks: u64) {
    let mut handles = Vec::with_capacity(tasks as usize);
    handles.extend(spawns);
    let sum = runtime.block_on(async {
        let mut sum = 0;
        for handle in handles {
            sum += handle.await.expect("no panic");
        }
        sum
    });
    assert_eq!(sum, crate::sum(tasks));
}
