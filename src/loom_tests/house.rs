//! A whole pool, as small as it may be, and what the models of one share.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll},
    time::Duration,
};

use crate::{ThreadPool, ThreadPoolBuilder, parker::Parker, sync::Arc};

/// Stacks of the threads: words under loom, and bytes under shuttle, which gives a
/// thread the stack of one that is over without a look at its size: so all have the
/// same.
pub(super) const STACK: usize = 1 << if cfg!(shuttle) { 18 } else { 15 };

/// Nobody lingers, and no stand-in comes.
pub(super) fn builder(workers: usize, guests: usize) -> ThreadPoolBuilder {
    ThreadPool::builder()
        .num_threads(workers)
        .max_guests(guests)
        .max_stand_ins(0)
        .injector_capacity(2)
        .idle_spin(Duration::ZERO)
        .door_patience(None)
        .stack_size(STACK)
}

pub(super) fn pool(workers: usize, guests: usize) -> ThreadPool {
    builder(workers, guests).build().expect("a model refuses no thread")
}

/// Something that happens once, for one thread to wait for: it blocks, and runs
/// nothing meanwhile.
pub(super) fn gate() -> (impl FnOnce() + Send, impl FnOnce() + Send) {
    let parker = Arc::new(Parker::new());
    let opener = Arc::clone(&parker);
    (move || opener.unpark(), move || parker.park())
}

/// Runs a future on this thread.
pub(super) fn block_on<F: Future>(future: F) -> F::Output {
    let parker = Parker::current();
    let waker = parker.waker();
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => parker.park(),
        }
    }
}
